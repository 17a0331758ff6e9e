"""Follow a change of lineage or of labels to where it ends, from what columns carried before. Pure: no Django.

The result is that of `spread` over everything, by looking only at what is affected:

1. Columns that changed are asked whether what they carried still comes to them the way it came. Where it does not, all that
   came through them is in doubt: the columns below them on the paths by which labels came.
2. What is in doubt is worked out again from the columns around it, whose labels came another way.
3. Whatever carries something better now passes it on, hop by hop, until it improves nothing more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Protocol

from classification.propagation.spread import COSTS, Carried, Edge, Own, of_own, over


class Ground(Protocol):
    """What is asked about columns: edges and own labels as they are now, and what was carried before they changed.

    Each is one statement for any number of columns.
    """

    def into(self, columns: Collection[int]) -> Iterable[Edge]:
        """The hops that carry into these columns."""

    def out_of(self, columns: Collection[int]) -> Iterable[Edge]:
        """The hops that carry out of these columns."""

    def own(self, columns: Collection[int]) -> Mapping[int, Own]:
        """The labels that were put on these columns themselves."""

    def carried(self, columns: Collection[int]) -> Mapping[int, Carried]:
        """What these columns carried before."""

    def carried_through(self, columns: Collection[int]) -> Mapping[int, Carried]:
        """What these columns carried before, and all columns whose label came through one of them."""


def respread(changed: Iterable[int], ground: Ground) -> dict[int, Carried | None]:
    """What columns carry now that carry something else than before, None for nothing.

    `changed` names every column into which a hop began or ended, or whose own label did.
    """
    return _Spreading(set(changed), ground).changes()


class _Spreading:
    """The state of one respread: what was carried `before` (as far as it was asked) and what is carried `now`."""

    def __init__(self, changed: set[int], ground: Ground) -> None:
        self._ground = ground
        self._before: dict[int, Carried] = {}
        self._asked: set[int] = set()
        self._own: dict[int, Own] = {}
        self._own_asked: set[int] = set()
        into = self._into(changed)
        doubtful = ground.carried_through({column for column in changed if not self._still_comes(column, into)})
        self._asked |= doubtful.keys()
        self._before |= doubtful
        into += self._into(doubtful.keys() - changed)
        self._now = {column: carried for column, carried in self._before.items() if column not in doubtful}
        self._touched = set(doubtful)
        self._work_out(changed | doubtful.keys(), into)
        self._pass_on(self._touched & self._now.keys())

    def changes(self) -> dict[int, Carried | None]:
        now, before = self._now, self._before
        return {column: now.get(column) for column in self._touched if now.get(column) != before.get(column)}

    def _into(self, columns: Collection[int]) -> list[Edge]:
        """The hops into these columns, with all that must be known of both their ends."""
        edges = [edge for edge in self._ground.into(columns) if edge.kind in COSTS] if columns else []
        self._know({edge.upstream for edge in edges} | set(columns))
        self._know_own(columns)
        return edges

    def _know(self, columns: Collection[int]) -> None:
        new = set(columns) - self._asked
        if new:
            self._asked |= new
            self._before |= self._ground.carried(new)

    def _know_own(self, columns: Collection[int]) -> None:
        new = set(columns) - self._own_asked
        if new:
            self._own_asked |= new
            self._own |= self._ground.own(new)

    def _is_decided(self, column: int) -> bool:
        return column in self._own and self._own[column].decided

    def _still_comes(self, column: int, into: Iterable[Edge]) -> bool:
        before = self._before.get(column)
        if before is None:
            return True
        if not before.inherited:
            return column in self._own and of_own(column, self._own[column]) == before
        if self._is_decided(column) or before.via not in self._before:
            return False
        through = self._before[before.via]
        return any(
            over(edge, through) == before
            for edge in into
            if edge.downstream == column and edge.upstream == before.via and edge.job == before.job
        )

    def _improves(self, column: int, carried: Carried) -> bool:
        known = self._now.get(column)
        return (known is None or carried.key < known.key) and not (carried.inherited and self._is_decided(column))

    def _work_out(self, columns: Collection[int], into: Iterable[Edge]) -> None:
        """Settle these columns among themselves, best label first, from what flows into them."""
        between: dict[int, list[Edge]] = {}
        heap = []
        for column in columns:
            if column in self._own:
                carried = of_own(column, self._own[column])
                heap.append((carried.key, column, carried))
        for edge in into:
            between.setdefault(edge.upstream, []).append(edge)
            if edge.upstream in self._now:
                carried = over(edge, self._now[edge.upstream])
                heap.append((carried.key, edge.downstream, carried))
        heapify(heap)
        while heap:
            _, column, carried = heappop(heap)
            if not self._improves(column, carried):
                continue
            self._now[column] = carried
            self._touched.add(column)
            for edge in between.get(column, ()):
                further = over(edge, carried)
                if self._improves(edge.downstream, further):
                    heappush(heap, (further.key, edge.downstream, further))

    def _pass_on(self, rim: set[int]) -> None:
        """Let what these columns carry improve what is below them, a distance at a time."""
        while rim:
            edges = [edge for edge in self._ground.out_of(rim) if edge.kind in COSTS]
            targets = {edge.downstream for edge in edges}
            new = targets - self._asked
            self._know(new)
            self._know_own(targets)
            self._now |= {column: self._before[column] for column in new if column in self._before}
            rim = set()
            for edge in edges:
                carried = over(edge, self._now[edge.upstream])
                if self._improves(edge.downstream, carried):
                    self._now[edge.downstream] = carried
                    self._touched.add(edge.downstream)
                    rim.add(edge.downstream)
