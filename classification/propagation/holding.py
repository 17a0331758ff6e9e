"""Which masking waits for a steward, because believing it would lower a level that holds. Pure: no Django.

A pipeline that says from the start that it masks is believed: nobody's level falls by it. Where a column has a level that
came down to it, and would have it still were it not for masking that pipelines tell of, the column keeps the level through
those hops (`Kind.HELD`) until a steward has decided. Where the lineage itself is gone, or the label at its source, nothing
is kept: then the level falls because of what is, not because of what somebody says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from classification.propagation.spread import Carried, Edge


def to_hold(
    *, fell: Mapping[int, Carried], now: Mapping[int, Carried], masking: Iterable[Edge]
) -> set[tuple[int, int, int]]:
    """The masking hops to hold, as (upstream, downstream, job).

    `fell` maps columns to what they carried before they lost a level that came down to them; `now` what they, their former
    sources and the upper ends of `masking` carry; `masking` is what pipelines tell of hops into them, undecided. Only where
    a level was lost first, not below: what is below gets it back from there. So ask again with what is carried then, until
    there is nothing to hold.
    """
    found = [edge for edge in masking if edge.downstream in fell and _keeps(edge, fell[edge.downstream], now)]
    columns = {edge.downstream for edge in found}
    first = {column for column in columns if not _below(column, columns, fell)}
    return {(edge.upstream, edge.downstream, edge.job) for edge in found if edge.downstream in first}


def _keeps(edge: Edge, before: Carried, now: Mapping[int, Carried]) -> bool:
    """Whether this hop would give back (some of) what was lost, and no more than that."""
    source, upper, left = now.get(before.source), now.get(edge.upstream), now.get(edge.downstream)
    if source is None or upper is None or source.rank < before.rank:
        return False
    return (left.rank if left else 0) < upper.rank <= before.rank


def _below(column: int, columns: set[int], fell: Mapping[int, Carried]) -> bool:
    """Whether the level was lost further up the path by which it came."""
    via = fell[column].via
    while via in fell:
        if via in columns:
            return True
        via = fell[via].via
    return False
