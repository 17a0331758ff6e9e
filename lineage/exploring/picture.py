"""A picture of the datasets around one: what it shows for an address, and the same as JSON."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.models import Dataset, Tier
from catalog.queries.datasets import visible_dataset
from lineage import graph as cores
from lineage.exploring.asked import WAYS, Asked, Way
from lineage.exploring.neighbourhood import PAGE, Neighbourhood
from lineage.exploring.tracing import Trace, trace
from lineage.queries import JobNode, Slice
from lineage.queries.datasets import jobs_of
from lineage.queries.paths import shortest_between

if TYPE_CHECKING:
    from accounts.models import Principal

MOST_PATHS = 3


class Neighbours(msgspec.Struct, frozen=True, gc=False):
    """How many direct neighbours are shown, of how many, and in how many pages (0: none of its own)."""

    shown: int
    total: int
    pages: int


class PictureNode(msgspec.Struct, frozen=True, gc=False):
    """A dataset in the picture; a hidden one has a key that is no id, and nothing else.

    `criticality` is None where the reader may not read the metadata; `reads` says that it may.
    """

    key: str
    title: str
    place: str
    kind: str
    level: int | None
    is_gone: bool
    criticality: int | None
    reads: bool
    up: Neighbours
    down: Neighbours

    @property
    def is_hidden(self) -> bool:
        return not self.title


class PictureEdge(msgspec.Struct, frozen=True, gc=False):
    """Rows flow from `source` to `target` through these jobs."""

    source: str
    target: str
    jobs: list[int]
    on_path: bool


@dataclass(frozen=True)
class Picture:
    """What is shown around a dataset. `paths` lead, by keys, to or from the dataset asked for, whose name is `target`;
    `path_names` are what a sentence about them calls their datasets, by key. `is_cut` says that there was room for no more.
    """

    dataset: Dataset
    asked: Asked
    nodes: Sequence[PictureNode]
    edges: Sequence[PictureEdge]
    jobs: Sequence[JobNode]
    paths: Sequence[Sequence[str]]
    path_names: Mapping[str, str]
    target: Dataset | None
    trace: Trace | None
    is_cut: bool

    @cached_property
    def by_key(self) -> Mapping[str, PictureNode]:
        return {node.key: node for node in self.nodes}

    @cached_property
    def jobs_by_id(self) -> Mapping[int, JobNode]:
        return {job.id: job for job in self.jobs}

    @cached_property
    def _flows(self) -> list[tuple[int, int]]:
        """The edges between places in `nodes`."""
        places = {node.key: place for place, node in enumerate(self.nodes)}
        return [(places[edge.source], places[edge.target]) for edge in self.edges]

    @cached_property
    def cycles(self) -> list[list[PictureNode]]:
        """The groups of datasets that flow into themselves."""
        return [[self.nodes[place] for place in group] for group in cores.cycles(self._flows)]

    @cached_property
    def layers(self) -> list[list[PictureNode]]:
        """What is shown in the order of the flow: each after all that flow into it, those of a cycle together."""
        found = cores.layers(range(len(self.nodes)), self._flows)
        return [[self.nodes[place] for place in layer] for layer in found]

    @cached_property
    def layer_of(self) -> Mapping[str, int]:
        """By key, in which layer a dataset stands, from 1."""
        return {node.key: number for number, layer in enumerate(self.layers, start=1) for node in layer}

    @property
    def hidden(self) -> int:
        return sum(node.is_hidden for node in self.nodes)

    def is_shown(self, node: PictureNode) -> bool:
        """Whether enough depends on it; the dataset in the middle always stays."""
        if not self.asked.critical or node.key == str(self.dataset.pk):
            return True
        return (node.criticality or 0) >= self.asked.critical

    def as_json(self) -> dict[str, Any]:
        """What the browser draws, apart from the state that is in the address anyway."""
        return {
            "focus": str(self.dataset.pk),
            "nodes": self.nodes,
            "edges": self.edges,
            "jobs": {str(job.id): job for job in self.jobs},
            "paths": self.paths,
            "trace": self.trace,
            "is_cut": self.is_cut,
            "page": PAGE,
        }


def explore(principal: Principal, dataset: Dataset, asked: Asked) -> Picture:
    """The picture for a state, of a dataset that the principal may read.

    Two or three statements a distance or a layer of expansions, a few more for a column or a path, and the same number
    whatever the number of datasets. An edge is told to whoever may read one of its ends; datasets that the principal may
    not discover are anonymous. Raises `NotFound` for the other end of a path that may not be seen.
    """
    around = Neighbourhood(principal, dataset, Slice(as_of=asked.as_of))
    ways: tuple[Way, ...] = WAYS if asked.direction == "both" else (asked.direction,)
    around.grow(ways=ways, depth=asked.depth, expanded=asked.expanded)
    target, paths = _paths(around, asked)
    traced = trace(around, asked.column, direction=asked.direction, as_of=asked.as_of) if asked.column else None
    rows = around.step(around.shown, around.shown)
    totals = _totals(rows)
    flows: dict[tuple[int, int], list[int]] = {}
    for upstream, downstream, job in rows:
        if upstream in around.shown and downstream in around.shown:
            flows.setdefault((upstream, downstream), []).append(job)
    steps_of_paths = {pair for path in paths for pair in itertools.pairwise(path)}
    beside = _totals((upstream, downstream, 0) for upstream, downstream in flows)
    return Picture(
        dataset=dataset,
        asked=asked,
        nodes=[_node(around, pk, totals, beside, ways, asked) for pk in around.shown],
        edges=[
            PictureEdge(around.key(up), around.key(down), sorted(set(jobs)), (up, down) in steps_of_paths)
            for (up, down), jobs in flows.items()
        ],
        jobs=jobs_of({job for jobs in flows.values() for job in jobs} | _jobs(traced)),
        paths=[[around.key(pk) for pk in path] for path in paths],
        path_names=_path_names(around, target, paths),
        target=target,
        trace=traced,
        is_cut=around.is_cut,
    )


def _paths(around: Neighbourhood, asked: Asked) -> tuple[Dataset | None, list[list[int]]]:
    """The shortest paths to the dataset asked for, or from there where none leads to it; its datasets are shown."""
    if asked.target is None:
        return None, []
    target = visible_dataset(around.principal, asked.target, tier=Tier.METADATA)
    focus = around.focus.pk
    found, _ = shortest_between(around.step, focus, target.pk, most=MOST_PATHS)
    if not found:
        found, _ = shortest_between(around.step, target.pk, focus, most=MOST_PATHS)
    around.learn(pk for path in found for pk in path)
    for path in found:
        for pk in path:
            around.show(pk)
    return target, found


def _path_names(around: Neighbourhood, target: Dataset | None, paths: Sequence[Sequence[int]]) -> dict[str, str]:
    """The names alone where each stands for one dataset, otherwise with the schema, and then with the namespace too."""
    if target is None:
        return {}
    around.learn([target.pk])
    told = dict.fromkeys([around.focus.pk, target.pk, *(pk for path in paths for pk in path)])
    # Both ends were asked for by whoever reads this; an exception may open them alone.
    ends = (around.focus.pk, target.pk)
    known = [one for one in map(around.known, told) if one.id in ends or one.tier >= Tier.DISCOVER]
    names = {one.id: one.name for one in known}
    for qualified in (
        {one.id: one.qualified_name if one.place == one.namespace else f"{one.place}.{one.name}" for one in known},
        {one.id: f"{one.qualified_name} of {one.namespace}" for one in known},
    ):
        numbers = Counter(names.values())
        names = {pk: qualified[pk] if numbers[name] > 1 else name for pk, name in names.items()}
    return {around.key(pk): name for pk, name in names.items()}


def _jobs(traced: Trace | None) -> set[int]:
    flows = (*traced.flows, *traced.influences) if traced else ()
    return {flow.job for flow in flows if flow.job is not None}


def _totals(rows: Any) -> dict[tuple[int, Way], set[int]]:
    found: dict[tuple[int, Way], set[int]] = {}
    for upstream, downstream, _ in rows:
        if upstream != downstream:
            found.setdefault((downstream, "up"), set()).add(upstream)
            found.setdefault((upstream, "down"), set()).add(downstream)
    return found


def _node(
    around: Neighbourhood,
    pk: int,
    totals: Mapping[tuple[int, Way], set[int]],
    beside: Mapping[tuple[int, Way], set[int]],
    ways: Sequence[Way],
    asked: Asked,
) -> PictureNode:
    known, key = around.known(pk), around.key(pk)
    up, down = (
        Neighbours(
            len(beside.get((pk, way), ())),
            len(totals.get((pk, way), ())),
            around.pages(pk, way, ways, asked.depth, asked.expanded),
        )
        for way in WAYS
    )
    if known.tier < Tier.DISCOVER:
        return PictureNode(key, "", "", "", None, False, None, False, up, down)
    reads = known.tier >= Tier.METADATA
    return PictureNode(
        key, known.name, known.place, known.kind, known.level, known.is_gone, known.criticality if reads else None,
        reads, up, down,
    )  # fmt: skip
