"""Where labels travel along column lineage, from the start. Pure: no Django.

Columns and jobs are numbers here. What people (or rules that somebody confirmed) said of a column is its own label; what
it carries is the best of its own and of what reaches it:

- The highest level wins. Of equal levels the one with the least cost, then the smallest source, hop and job, so that the
  same lineage always gives the same answer.
- A cost counts, in this order: hops over masking that nobody has decided about, aggregations, hops. So of equal levels one
  that came as it was is preferred to one to be reviewed, and a short path to a long one.
- Where a person decided about a column, it carries what the person said and nothing else: a column that a steward found
  clean stays so, and what is made of it inherits the decision, not what stands behind it.
- Masking stops a label, and an indirect influence (a filter, a join) never carries one.

Every hop costs something, so a label that comes round a cycle never beats itself: cycles end. Costs add up, so a better
label at one end of a hop is never a worse one at the other, which is what lets changes be followed without starting again
(`classification.propagation.changes`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class Kind(IntEnum):
    """What a hop does with values, as far as labels are concerned."""

    IDENTITY = 1
    TRANSFORMATION = 2
    AGGREGATION = 3
    MASKING = 4
    INDIRECT = 5
    HELD = 6
    """Masking by a pipeline's word that would lower a level which holds: it carries until a steward believes it."""


_HOP = 1
_AGGREGATION = 1 << 20
_HELD = 1 << 40
COSTS: Mapping[int, int] = {
    Kind.IDENTITY: _HOP,
    Kind.TRANSFORMATION: _HOP,
    Kind.AGGREGATION: _AGGREGATION + _HOP,
    Kind.HELD: _HELD + _HOP,
}
"""What a hop of each kind that carries adds. A path has less than a million hops, and less of each kind."""


class Edge(NamedTuple):
    """Values of `upstream` make or influence those of `downstream`, by `job`."""

    upstream: int
    downstream: int
    kind: int
    job: int


class Own(NamedTuple):
    """The label that was put on a column itself. `decided` where a person put it: then nothing else counts there."""

    rank: int
    category: int | None = None
    decided: bool = False


class Carried(NamedTuple):
    """What a column carries on: the label of the column `source`, which came through `via` by `job`.

    `via` and `job` are 0 where the column is its own source. `source_category` is the source's, whatever became of it.
    """

    rank: int
    cost: int
    source: int
    via: int
    job: int
    source_category: int | None

    @property
    def hops(self) -> int:
        return self.cost % _AGGREGATION

    @property
    def aggregated(self) -> bool:
        """Whether an aggregation is on its path: the level holds until somebody has looked."""
        return self.cost % _HELD >= _AGGREGATION

    @property
    def held(self) -> bool:
        """Whether masking that nobody has decided about is on its path."""
        return self.cost >= _HELD

    @property
    def inherited(self) -> bool:
        return self.via != 0

    @property
    def category(self) -> int | None:
        """Of an aggregate the level is known, not what it is."""
        return None if self.aggregated else self.source_category

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """Least for what wins."""
        return -self.rank, self.cost, self.source, self.via, self.job


def of_own(column: int, own: Own) -> Carried:
    """What a column carries by its own label."""
    return Carried(own.rank, 0, column, 0, 0, own.category)


def over(edge: Edge, carried: Carried) -> Carried:
    """What arrives at the other end of a hop that carries."""
    return Carried(
        carried.rank, carried.cost + COSTS[edge.kind], carried.source, edge.upstream, edge.job, carried.source_category
    )


def spread(edges: Iterable[Edge], own: Mapping[int, Own]) -> dict[int, Carried]:
    """What each column carries that carries anything; those with their own label included.

    Dijkstra's algorithm, best label first, so each column is settled once: 300,000 edges take 25 bytes each and a second.
    Edges that do not carry may be among them.
    """
    flows = _Flows(edges)
    heap = [(-label.rank, 0, column, 0, 0, column) for column, label in own.items()]
    heapify(heap)
    found: dict[int, Carried] = {}
    decided = {column for column, label in own.items() if label.decided}
    while heap:
        rank, cost, source, via, job, column = heappop(heap)
        if column in found or (via and column in decided):
            continue
        found[column] = Carried(-rank, cost, source, via, job, own[source].category)
        for downstream, more, by in flows.out_of(column):
            if downstream not in found:
                heappush(heap, (rank, cost + more, source, column, by, downstream))
    return found


class _Flows:
    """The hops that carry, by their upper ends, in arrays (compressed sparse rows)."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        tails, heads, costs, jobs = array("q"), array("q"), array("q"), array("q")
        for upstream, downstream, kind, job in edges:
            if kind in COSTS:
                tails.append(upstream)
                heads.append(downstream)
                costs.append(COSTS[kind])
                jobs.append(job)
        order = sorted(range(len(tails)), key=tails.__getitem__)
        self._heads = array("q", map(heads.__getitem__, order))
        self._costs = array("q", map(costs.__getitem__, order))
        self._jobs = array("q", map(jobs.__getitem__, order))
        self._slices: dict[int, tuple[int, int]] = {}
        start = 0
        for place, index in enumerate(order):
            tail = tails[index]
            if place and tails[order[place - 1]] != tail:
                start = place
            self._slices[tail] = start, place + 1

    def out_of(self, column: int) -> Iterable[tuple[int, int, int]]:
        start, end = self._slices.get(column, (0, 0))
        return zip(self._heads[start:end], self._costs[start:end], self._jobs[start:end], strict=True)
