"""What a change of a dataset or of one column reaches: everything downstream, and how surely.

Without a planned change it is what depends on it. A reader is told what the graph tells it: flows and edges of which it may
read one end; what it may not know of is counted, not named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connection

from catalog.models import Dataset, Tier
from lineage import graph as cores
from lineage.queries.columns import Flow, WalkedColumns, check_column, columns_of, walk_columns
from lineage.queries.datasets import MAX_DEPTH, JobNode, jobs_of
from lineage.queries.disclosure import Readable
from lineage.queries.steps import CURRENT, datasets_among, steps

if TYPE_CHECKING:
    from accounts.models import Principal

MAX_REACHED = 10_000
"""Datasets, and columns, that are looked at; where there are more the impact says that it is not complete."""


class Change(StrEnum):
    """What somebody plans to do with a dataset or a column."""

    DROP = "drop"
    RENAME = "rename"
    RETYPE = "retype"


_BREAKING = (Change.DROP, Change.RENAME)


class Effect(StrEnum):
    """How surely something downstream is hit."""

    BREAKS = "breaks"
    MAY_CHANGE = "may change"
    DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class ReachedColumn:
    """A column downstream, `distance` flows away. `masked` says that every way to it masks the values."""

    name: str
    distance: int
    effect: Effect
    masked: bool


@dataclass(frozen=True, slots=True)
class ReachedDataset:
    """A dataset downstream. `dataset_id` is None, and all else about it empty, where the reader may not know of it.

    `columns` are those that are reached, for whoever may read them; `uncharted` says that it is reached through a job of
    which nobody told how it fills columns. `jobs` are the ids of the jobs that bring the change here.
    """

    dataset_id: int | None
    namespace: str
    name: str
    title: str
    kind: str
    level: int | None
    owners: Sequence[str]
    distance: int
    effect: Effect
    columns: Sequence[ReachedColumn]
    uncharted: bool
    jobs: Sequence[int]


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything downstream of a dataset, or of its column, nearest first and there by name; hidden ones last.

    `complete` is False where more than `MAX_REACHED` would be reached.
    """

    dataset: Dataset
    column: str
    change: Change | None
    datasets: Sequence[ReachedDataset]
    jobs: Sequence[JobNode]
    complete: bool

    @property
    def broken_columns(self) -> int:
        return sum(one.effect == Effect.BREAKS for reached in self.datasets for one in reached.columns)

    @property
    def changed_columns(self) -> int:
        return sum(one.effect == Effect.MAY_CHANGE for reached in self.datasets for one in reached.columns)

    def having(self, effect: Effect) -> list[ReachedDataset]:
        return [reached for reached in self.datasets if reached.effect == effect]

    @property
    def owners(self) -> list[str]:
        """Who answers for what is reached, by name."""
        return sorted({name for reached in self.datasets for name in reached.owners})

    @property
    def hidden(self) -> int:
        return sum(reached.dataset_id is None for reached in self.datasets)

    @property
    def verdict(self) -> str:
        """The impact in a few sentences."""
        return _verdict(self)


def impact(principal: Principal, dataset: Dataset, *, column: str = "", change: Change | None = None) -> Impact:
    """What depends on a dataset (or on its column, by its path with dots), and what `change` does to it.

    A dropped or renamed column breaks every query that names it, whatever the query makes of it: also one that masks or
    sums it, or only filters, joins or sorts by it; and what is made of what broke so, column by column. What is behind a
    dataset whose rows it decides "may change", and so may all that a retyped column reaches, and what a job fills that reads
    the dataset without anybody having told which columns it names. A dataset's own drop or rename breaks every dataset
    that is made directly of it. Raises `NotFound` for a column that nobody knows. A few statements a distance, whatever the
    number of datasets.
    """
    start = columns_of(dataset.pk, [column] if column else [])
    if column and not start:
        check_column(dataset, column)
    readable = Readable(principal, known=[dataset.pk])
    walked = walk_columns(readable, start, direction="down", depth=MAX_DEPTH, limit=MAX_REACHED)
    reached = _Reached(dataset.pk, change)
    reached.columns(walked, start)
    complete = _follow_uncharted(readable, reached) if column else _follow_datasets(readable, reached)
    return Impact(
        dataset=dataset,
        column=column,
        change=change,
        datasets=_told(principal, reached),
        jobs=jobs_of({job for jobs in reached.jobs.values() for job in jobs}),
        complete=complete and not walked.more,
    )


class _Reached:
    """What was reached so far: for columns and for datasets the distance and whether it surely breaks."""

    def __init__(self, focus: int, change: Change | None) -> None:
        self.focus = focus
        self.change = change
        self.distances: dict[int, int] = {}
        self.jobs: dict[int, set[int]] = {}
        self.sure: set[int] = set()
        self.uncharted: set[int] = set()
        self.influenced: dict[int, int] = {}
        self.of_dataset: dict[int, list[ReachedColumn]] = {}

    def effect(self, sure: bool) -> Effect:
        if self.change is None:
            return Effect.DEPENDS
        return Effect.BREAKS if sure else Effect.MAY_CHANGE

    def dataset(self, pk: int, distance: int, job: int | None = None, *, sure: bool = False) -> None:
        if pk == self.focus:
            return
        self.distances[pk] = min(distance, self.distances.get(pk, distance))
        jobs = self.jobs.setdefault(pk, set())
        if job is not None:
            jobs.add(job)
        if sure:
            self.sure.add(pk)

    def columns(self, walked: WalkedColumns, start: Iterable[int]) -> None:
        """A drop or a rename breaks all columns that it reaches, and the whole datasets that one of them influences."""
        sure = walked.down.keys() if self.change in _BREAKING else set()
        bare = _along([flow for flow in walked.flows if not flow.masking], start)
        began = set(start)
        for pk, distance in walked.down.items():
            dataset, name = walked.columns[pk]
            if pk in began or dataset == self.focus:
                continue
            self.dataset(dataset, distance, sure=pk in sure)
            one = ReachedColumn(name, distance, self.effect(pk in sure), pk not in bare)
            self.of_dataset.setdefault(dataset, []).append(one)
        for flow in walked.flows:
            self.dataset(flow.downstream_dataset, walked.down[flow.downstream], flow.job)
        for flow in walked.influences:
            if flow.upstream in walked.down:
                distance, to = walked.down[flow.upstream] + 1, flow.downstream_dataset
                self.dataset(to, distance, flow.job, sure=flow.upstream in sure)
                self.influenced[to] = min(distance, self.influenced.get(to, distance))


def _along(flows: Iterable[Flow], start: Iterable[int]) -> set[int]:
    return set(cores.walk(cores.among(flows), down_from=start, depth=MAX_REACHED).down)


def _follow_datasets(readable: Readable, reached: _Reached) -> bool:
    """Everything downstream of the dataset by the graph of datasets; whether that was all."""
    walked = cores.walk(
        readable.telling(steps(reached.focus, CURRENT)), down_from=[reached.focus], depth=MAX_DEPTH, limit=MAX_REACHED
    )
    direct = reached.change in _BREAKING
    for pk, distance in walked.down.items():
        reached.dataset(pk, distance, sure=direct and distance == 1)
    for _, downstream, job in walked.edges:
        reached.dataset(downstream, walked.down[downstream], job)
    return not walked.more


_UNCHARTED = """
    SELECT upstream_id, downstream_id, job_id FROM lineage_datasetedge AS edge
    WHERE upstream_id = ANY(%s::bigint[]) AND current AND NOT EXISTS (
        SELECT FROM lineage_explanation AS explanation
        WHERE explanation.job_id = edge.job_id AND explanation.dataset_id = edge.downstream_id AND explanation.current
    )
"""


def _follow_uncharted(readable: Readable, reached: _Reached) -> bool:
    """From datasets with a reached column on through jobs of which nobody told how they fill columns, and from datasets
    whose rows a reached column decides; whether that was all.

    Beyond the first of these no column says how far it goes, so everything downstream counts.
    """
    charted = {reached.focus: 0} | reached.distances
    with connection.cursor() as cursor:
        cursor.execute(_UNCHARTED, [list(charted)])
        first = readable.told(cursor.fetchall())
    seeds: dict[int, int] = {}
    for upstream, downstream, job in first:
        distance = charted[upstream] + 1
        seeds[downstream] = min(distance, seeds.get(downstream, distance))
        reached.dataset(downstream, distance, job)
    begin = reached.influenced | {pk: min(at, reached.influenced.get(pk, at)) for pk, at in seeds.items()}
    step = readable.telling(steps(reached.focus, CURRENT))
    walked = cores.walk(step, down_from=begin, depth=MAX_DEPTH, limit=MAX_REACHED)
    beyond = walked.down.keys() - charted.keys()
    reached.uncharted |= beyond & set(cores.walk(cores.among(walked.edges), down_from=seeds, depth=MAX_REACHED).down)
    offset = _offsets(walked.edges, begin)
    for pk, distance in offset.items():
        reached.dataset(pk, distance)
    for _, downstream, job in walked.edges:
        if downstream in beyond:
            reached.dataset(downstream, offset[downstream], job)
    return not walked.more


def _offsets(edges: Sequence[tuple[int, int, int]], seeds: Mapping[int, int]) -> dict[int, int]:
    """Distances from the focus where each seed has one already."""
    step = cores.among(edges)
    found: dict[int, int] = {}
    rim: set[int] = set()
    distance = min(seeds.values(), default=0)
    while rim or any(seed not in found for seed in seeds):
        rim |= {seed for seed, at in seeds.items() if at == distance and seed not in found}
        found |= dict.fromkeys(rim, distance)
        rim = {edge[1] for edge in step((), rim)} - found.keys()
        distance += 1
    return found


def _told(principal: Principal, reached: _Reached) -> list[ReachedDataset]:
    shown = ("pk", "namespace", "qualified_name", "name", "kind", "level", "owner_names", "tier")
    rows = datasets_among(reached.distances).with_tier(principal).order_by().values_list(*shown)
    known: dict[int, Any] = {row[0]: row for row in rows if row[-1] >= Tier.DISCOVER}
    told = []
    for pk, distance in reached.distances.items():
        _, namespace, name, title, kind, level, owners, tier = known.get(pk, (pk, "", "", "", "", None, [], 0))
        columns = sorted(reached.of_dataset.get(pk, ()), key=lambda one: (one.distance, one.name))
        told.append(
            ReachedDataset(
                dataset_id=pk if pk in known else None,
                namespace=namespace,
                name=name,
                title=title,
                kind=kind,
                level=level,
                owners=tuple(owners),
                distance=distance,
                effect=reached.effect(pk in reached.sure),
                columns=tuple(columns) if tier >= Tier.METADATA else (),
                uncharted=pk in reached.uncharted,
                jobs=tuple(sorted(reached.jobs.get(pk, ()))),
            )
        )
    # A hidden one's place among its like would tell of its name or age.
    return sorted(
        told,
        key=lambda one: (one.distance, one.dataset_id is None, one.title, one.name, one.effect, one.dataset_id or 0),
    )


_DOING = {Change.DROP: "Dropping", Change.RENAME: "Renaming", Change.RETYPE: "Changing the type of"}
_NAMED = 3


def _verdict(found: Impact) -> str:
    what = found.column or found.dataset.name
    if not found.datasets:
        beyond = "that you may see" if found.complete else "so far"
        return f"Nothing {beyond} depends on {what}."
    if found.change is None:
        depend = f"{_counted(len(found.datasets), 'dataset')} {_s(len(found.datasets), 'depends', 'depend')} on {what}."
        return f"{depend} {_owners(found.datasets)}"
    doing = f"{_DOING[found.change]} {what}"
    broken, changed = found.having(Effect.BREAKS), found.having(Effect.MAY_CHANGE)
    if not broken:
        return f"{doing} may change {_counted(len(changed), 'dataset')}. {_owners(changed)} Nothing surely breaks."
    columns = f"{_counted(found.broken_columns, 'column')} in " if found.broken_columns else ""
    first = f"{doing} breaks {columns}{_counted(len(broken), 'dataset')}. {_owners(broken)}"
    return f"{first} {len(changed):,} more may change." if changed else first


def _owners(datasets: Sequence[ReachedDataset]) -> str:
    """Who owns them, in a sentence: how many each, where not everybody owns all. Of hidden ones it is not told."""
    total = len(datasets)
    hidden = sum(one.dataset_id is None for one in datasets)
    unowned = sum(not one.owners for one in datasets) - hidden
    they = _s(total, "It", "They")
    if hidden == total:
        return f"{they} {_s(total, 'is', 'are')} hidden from you."
    if unowned == total:
        return f"{they} {_s(total, 'has', 'have')} no owner."
    told = []
    numbers = Counter(name for one in datasets for name in set(one.owners))
    if numbers:
        shares = any(number < total for number in numbers.values())
        ranked = sorted(numbers, key=lambda name: (-numbers[name], name))
        listed = [f"{name} ({numbers[name]:,})" if shares else name for name in ranked[:_NAMED]]
        listed += [f"{len(ranked) - _NAMED:,} more"] if len(ranked) > _NAMED else []
        owners = f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) > 1 else listed[0]
        told.append(f"{they} {_s(total, 'is', 'are')} owned by {owners}")
    if unowned:
        told.append(f"{unowned:,} {_s(unowned, 'has', 'have')} no owner")
    if hidden:
        told.append(f"{hidden:,} {_s(hidden, 'is', 'are')} hidden from you")
    return f"{'; '.join(told)}."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {_s(number, noun, noun + 's')}"


def _s(number: int, one: str, many: str) -> str:
    return one if number == 1 else many
