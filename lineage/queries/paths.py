"""How data gets from one dataset to another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Dataset
from lineage import graph as cores
from lineage.graph import Edge, Walked
from lineage.queries.datasets import DatasetNode, JobNode, jobs_of, nodes_of
from lineage.queries.disclosure import Readable
from lineage.queries.steps import CURRENT, Slice, steps

if TYPE_CHECKING:
    from accounts.models import Principal

MAX_PATHS = 20
MAX_LENGTH = 200
_LONGER = 4
"""Paths that are so much longer than the shortest are still looked for."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The shortest ways from one dataset to another, shortest first, each as the ids of `nodes` that it goes through."""

    source: Dataset
    target: Dataset
    paths: Sequence[Sequence[int]]
    nodes: Sequence[DatasetNode]
    edges: Sequence[tuple[int, int, int]]
    jobs: Sequence[JobNode]


def paths_between(
    principal: Principal, source: Dataset, target: Dataset, *, most: int = 3, slice_: Slice = CURRENT
) -> Paths:
    """Up to `most` shortest paths along which rows flow from `source` to `target`, over edges that may be told.

    The walk goes from both ends, one statement a step, until they have met and no path up to four edges longer than the
    shortest can be missed. Datasets on the way that the principal may not discover are anonymous.
    """
    readable = Readable(principal, known=[source.pk, target.pk])
    paths, used = shortest_between(readable.telling(steps(source.pk, slice_)), source.pk, target.pk, most=most)
    walked: Walked[tuple[int, int, int]] = Walked(
        up={},
        down={pk: distance for path in reversed(paths) for distance, pk in enumerate(path)} or {source.pk: 0},
        edges=used,
        more=0,
    )
    nodes, alias = nodes_of(principal, source, walked)
    return Paths(
        source=source,
        target=target,
        paths=[[alias.get(pk, pk) for pk in path] for path in paths],
        nodes=nodes,
        edges=[(alias.get(up, up), alias.get(down, down), job) for up, down, job in used],
        jobs=jobs_of({edge.job for edge in used}),
    )


def shortest_between(
    step: cores.Step[tuple[int, int, int]], source: int, target: int, *, most: int
) -> tuple[list[list[int]], list[Edge]]:
    """The shortest paths over the edges that `step` tells, as ids of datasets, and the edges that they use."""
    edges = _between(step, source, target)
    paths = cores.shortest_paths(edges, source, target, most=max(1, min(most, MAX_PATHS)))
    pairs = {pair for path in paths for pair in itertools.pairwise(path)}
    return paths, [edge for edge in edges if (edge.upstream, edge.downstream) in pairs]


def _between(step: cores.Step[tuple[int, int, int]], source: int, target: int) -> list[Edge]:
    """The edges of the walk from both ends; none where they cannot meet."""
    down, up = {source}, {target}
    rim_down, rim_up = {source}, {target}
    edges: set[Edge] = set()
    met, walked = 0, 0
    while rim_down and rim_up and walked < MAX_LENGTH and (not met or walked < met + _LONGER):
        rows = step(rim_up, rim_down)
        walked += 2
        edges.update(Edge._make(row) for row in rows)
        rim_up, rim_down = (
            {row[0] for row in rows if row[1] in rim_up} - up,
            {row[1] for row in rows if row[0] in rim_down} - down,
        )
        up |= rim_up
        down |= rim_down
        if not met and not up.isdisjoint(down):
            met = walked
    return sorted(edges) if met else []
