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
from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import partial
from heapq import heappop, heappush
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


def spread(edges: Iterable[tuple[int, int, int, int]], own: Mapping[int, Own]) -> dict[int, Carried]:
    """What each column carries that carries anything; those with their own label included.

    Dijkstra's algorithm, best label first, so each column is settled once: 300,000 edges take 25 MB and a second.
    They are `Edge`s, or tuples like them; some that do not carry may be among them.
    """
    flows = _Flows(edges)
    found: dict[int, Carried] = {}
    decided = {column for column, label in own.items() if label.decided}
    for rank in sorted({label.rank for label in own.values()}, reverse=True):
        # Few costs and many columns: what waits is kept by cost, of each column the least (source, via, job). As every hop
        # costs something, what waits at the least cost is settled.
        costs = [0]
        waiting = {0: {column: (column, 0, 0) for column, label in own.items() if label.rank == rank}}
        while costs:
            cost = heappop(costs)
            for column, way in waiting.pop(cost).items():
                if column in found:
                    continue
                source = way[0]
                found[column] = Carried(rank, cost, *way, own[source].category)
                for downstream, more, job in flows.out_of(column):
                    if downstream in found or downstream in decided:
                        continue
                    if cost + more not in waiting:
                        heappush(costs, cost + more)
                        waiting[cost + more] = {}
                    there = waiting[cost + more]
                    further = (source, column, job)
                    if downstream not in there or further < there[downstream]:
                        there[downstream] = further
    return found


class _Flows:
    """The hops that carry, by their upper ends: in one array for each, with three numbers a hop."""

    def __init__(self, edges: Iterable[tuple[int, int, int, int]]) -> None:
        self._hops: dict[int, array[int]] = defaultdict(partial(array, "q"))
        for upstream, downstream, kind, job in edges:
            if kind in COSTS:
                self._hops[upstream].extend((downstream, COSTS[kind], job))

    def out_of(self, column: int) -> Iterable[tuple[int, int, int]]:
        """The lower end, the cost and the job of each hop out of a column."""
        numbers = iter(self._hops.get(column, ()))
        return zip(numbers, numbers, numbers, strict=True)
