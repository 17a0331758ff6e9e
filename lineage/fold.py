"""What a set of events says, reduced to the rows that `lineage.folding` writes. Pure: no Django, no database.

Every value here merges with what is stored already by an operation that knows no order and no repetition: the earliest of
two times, the latest of two times, or a register, where the greater (event time, digest) wins. So the state is a function
of the set of events, whatever the batches, their order and their number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from catalog.naming import DatasetKey
from lineage import told
from lineage.openlineage import (
    Dataset,
    DatasetEvent,
    Event,
    EventType,
    Facets,
    JobEvent,
    RunEvent,
    canonical,
    digest_of,
)
from lineage.told import JobKey

INPUT, OUTPUT = 1, 2

_ENDS = {EventType.COMPLETE: "completed", EventType.FAIL: "failed", EventType.ABORT: "aborted"}


class Arrived(NamedTuple):
    """An event with the digest that breaks ties between events of the same time."""

    event: Event
    digest: UUID


class Span(msgspec.Struct):
    """From the first to the last time that something was said."""

    first: dt.datetime
    last: dt.datetime

    def widen(self, other: Span) -> None:
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)


class Register(msgspec.Struct):
    """The latest value: a content's digest or a text, or None where the latest event deleted it."""

    at: dt.datetime
    digest: UUID
    content: UUID | str | None

    def take(self, other: Register) -> None:
        if other.rank > self.rank:
            self.at, self.digest, self.content = other.at, other.digest, other.content

    @property
    def rank(self) -> tuple[dt.datetime, UUID, str]:
        # One event may name a dataset twice: then its contents decide, not their order.
        return self.at, self.digest, str(self.content or "")


class RunRow(msgspec.Struct):
    """One run, as far as these events tell."""

    id: UUID
    job_id: int
    first_at: dt.datetime
    first_digest: UUID
    last_at: dt.datetime
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    ended_digest: UUID | None = None
    ended_state: str | None = None
    completed_at: dt.datetime | None = None
    code: Register | None = None


class ObservationKey(NamedTuple):
    run_id: UUID
    job_id: int
    direction: int
    dataset_id: int


class Observation(msgspec.Struct):
    """A run's reading or writing of a dataset, and what the dataset was told to be then."""

    span: Span
    schema: Register | None = None
    columns: Register | None = None
    version: Register | None = None
    told: Register | None = None


class LinkKey(NamedTuple):
    job_id: int
    direction: int
    dataset_id: int


class ToldKey(NamedTuple):
    """One input of a run's output that an event names by itself."""

    run_id: UUID
    job_id: int
    dataset_id: int
    digest: UUID
    input_id: int


class LifeKey(NamedTuple):
    """A change of a dataset's life. `told_in` is the run that says so, or the digest of an event without a run.

    Events of one run repeat what it did: they say one thing. `previous` is the dataset of the former name, or 0.
    """

    dataset_id: int
    told_in: UUID
    kind: int
    previous: int


class Change(msgspec.Struct):
    """When a change of a dataset's life was told; the job only where a JobEvent tells it, since a run has its own."""

    span: Span
    job_id: int | None


@dataclass(slots=True)
class Batch:
    """Rows by their keys; nothing twice. `declared` are the JobEvents, each an observation of its own."""

    runs: dict[UUID, RunRow] = field(default_factory=dict)
    declared: set[UUID] = field(default_factory=set)
    jobs: dict[int, Span] = field(default_factory=dict)
    deletions: dict[int, dt.datetime] = field(default_factory=dict)
    observations: dict[ObservationKey, Observation] = field(default_factory=dict)
    told_inputs: set[ToldKey] = field(default_factory=set)
    links: dict[LinkKey, Span] = field(default_factory=dict)
    job_edges: dict[tuple[int, int], Span] = field(default_factory=dict)
    renames: set[tuple[int, int]] = field(default_factory=set)
    changes: dict[LifeKey, Change] = field(default_factory=dict)
    run_facets: dict[tuple[UUID, str], Register] = field(default_factory=dict)
    job_facets: dict[tuple[int, str], Register] = field(default_factory=dict)
    dataset_facets: dict[tuple[int, str], Register] = field(default_factory=dict)
    use_facets: dict[tuple[UUID, int, int, str], Register] = field(default_factory=dict)
    schemas: dict[tuple[int, dt.datetime, UUID], Register] = field(default_factory=dict)
    contents: dict[UUID, Any] = field(default_factory=dict)


class Use(NamedTuple):
    """A dataset that an event names. `inputs` are those told one by one; None where all of the event's inputs count."""

    direction: int
    key: DatasetKey
    dataset: Dataset
    entry: told.LineageEntry | None


class Read(NamedTuple):
    """An event with the datasets that it names, found once for all who ask."""

    event: Event
    digest: UUID
    uses: tuple[Use, ...]


def read(arrived: Arrived) -> Read:
    return Read(arrived.event, arrived.digest, tuple(_uses(arrived.event)))


def names_in(events: Iterable[Read]) -> tuple[set[DatasetKey], set[JobKey]]:
    """Every dataset and job that these events are about, which must have ids before `reduced`."""
    datasets: set[DatasetKey] = set()
    jobs: set[JobKey] = set()
    for event, _, uses in events:
        for use in uses:
            facets = use.dataset.facets
            datasets.add(use.key)
            if not facets:
                continue
            datasets.update(told.other_names(facets))
            former = told.former_name(facets)
            if former:
                datasets.add(former)
            columns = told.columns_of(facets)
            if columns:
                datasets.update(told.sources_in(told.column_facts(columns)))
            if use.entry:
                datasets.update(use.entry.inputs)
        if not isinstance(event, DatasetEvent):
            own = JobKey(event.job.namespace, event.job.name)
            jobs.add(own)
            for pair in _waiting(event, own):
                jobs.update(pair)
    return datasets, jobs


def _waiting(event: RunEvent | JobEvent, own: JobKey) -> set[tuple[JobKey, JobKey]]:
    return told.waits_for(own, event.job.facets, event.run.facets if isinstance(event, RunEvent) else None)


def _uses(event: Event) -> Iterator[Use]:
    """The datasets of an event: its own, and those that only a `lineage` facet names."""
    if isinstance(event, DatasetEvent):
        yield Use(0, DatasetKey(event.dataset.namespace, event.dataset.name), event.dataset, None)
        return
    entries = {entry.target: entry for entry in told.job_lineage(event.job.facets)}
    read = {DatasetKey(one.namespace, one.name) for one in event.inputs}
    for one in event.inputs:
        yield Use(INPUT, DatasetKey(one.namespace, one.name), one, None)
    for one in event.outputs:
        key = DatasetKey(one.namespace, one.name)
        entry = entries.pop(key, None) or told.dataset_lineage(key, one.facets)
        yield Use(OUTPUT, key, one, entry)
        yield from _only_told(entry, read)
    for key, entry in sorted(entries.items()):
        yield Use(OUTPUT, key, Dataset(key.namespace, key.name), entry)
        yield from _only_told(entry, read)


def _only_told(entry: told.LineageEntry | None, read: set[DatasetKey]) -> Iterator[Use]:
    for key in entry.inputs if entry else ():
        if key not in read:
            read.add(key)
            yield Use(INPUT, key, Dataset(key.namespace, key.name), None)


def reduced(events: Iterable[Read], dataset_ids: Mapping[DatasetKey, int], job_ids: Mapping[JobKey, int]) -> Batch:
    """The rows that these events make. Several names may have one id: what they say is then one row."""
    batch = Batch()
    for event, digest, uses in events:
        if isinstance(event, DatasetEvent):
            for use in uses:
                _describe(batch, event, digest, dataset_ids, use, told_in=digest)
            continue
        own = JobKey(event.job.namespace, event.job.name)
        job_id = job_ids[own]
        span = Span(event.event_time, event.event_time)
        _merge(batch.jobs, job_id, span, Span.widen)
        _facets(batch, batch.job_facets, (job_id,), event, digest, event.job.facets)
        for one, other in _waiting(event, own):
            _merge(batch.job_edges, (job_ids[one], job_ids[other]), span, Span.widen)
        if told.is_deletion(event.job.facets):
            batch.deletions[job_id] = max(event.event_time, batch.deletions.get(job_id, event.event_time))
        if isinstance(event, RunEvent):
            run_id = event.run.run_id
            _merge(batch.runs, run_id, _run_row(batch, event, digest, job_id), _merge_runs)
            _facets(batch, batch.run_facets, (run_id,), event, digest, event.run.facets)
        else:
            run_id = digest
            batch.declared.add(digest)
        for use in uses:
            dataset_id = dataset_ids[use.key]
            _merge(batch.links, LinkKey(job_id, use.direction, dataset_id), span, Span.widen)
            declared_by = None if isinstance(event, RunEvent) else job_id
            schema = _describe(batch, event, digest, dataset_ids, use, told_in=run_id, job_id=declared_by)
            key = ObservationKey(run_id, job_id, use.direction, dataset_id)
            _observe(batch, event, digest, key, schema, use)
            for source in use.entry.inputs if use.entry else ():
                batch.told_inputs.add(ToldKey(run_id, job_id, dataset_id, digest, dataset_ids[source]))
            if isinstance(event, RunEvent):
                facets = use.dataset.input_facets if use.direction == INPUT else use.dataset.output_facets
                _facets(batch, batch.use_facets, (run_id, use.direction, dataset_id), event, digest, facets)
    return batch


V = TypeVar("V")


def _merge(into: dict[Any, V], key: Any, value: V, merge: Callable[[V, V], None]) -> None:
    known = into.get(key)
    if known is None:
        into[key] = msgspec.structs.replace(value)  # type: ignore[type-var]  # every value is a struct
    else:
        merge(known, value)


def _facets(
    batch: Batch, into: dict[Any, Register], owner: tuple[Any, ...], event: Event, digest: UUID, facets: Facets | None
) -> None:
    for name, value in (facets or {}).items():
        deleted = isinstance(value, dict) and value.get("_deleted") is True
        content = None if deleted else _content(batch, value)
        _merge(into, (*owner, name), Register(event.event_time, digest, content), Register.take)


def _content(batch: Batch, value: Any) -> UUID:
    digest = digest_of(canonical(value))
    batch.contents[digest] = value
    return digest


def _describe(
    batch: Batch,
    event: Event,
    digest: UUID,
    dataset_ids: Mapping[DatasetKey, int],
    use: Use,
    *,
    told_in: UUID,
    job_id: int | None = None,
) -> Register | None:
    """Keep a dataset's facets; gives what the event says of its schema. `told_in` and `job_id` as in `LifeKey`, `Change`."""
    facets = use.dataset.facets
    if not facets:
        return None
    dataset_id = dataset_ids[use.key]
    _facets(batch, batch.dataset_facets, (dataset_id,), event, digest, facets)
    former = told.former_name(facets)
    if former and dataset_ids[former] != dataset_id:
        first, second = sorted((dataset_ids[former], dataset_id))
        batch.renames.add((first, second))
    kind = told.life_change(facets)
    if kind is not None:
        key = LifeKey(dataset_id, told_in, kind, dataset_ids[former] if former else 0)
        known = batch.changes.setdefault(key, Change(Span(event.event_time, event.event_time), job_id))
        known.span.widen(Span(event.event_time, event.event_time))
    schema = told.standing(facets, "schema")
    if schema is None:
        return None
    register = Register(event.event_time, digest, _content(batch, schema))
    _merge(batch.schemas, (dataset_id, event.event_time, digest), register, Register.take)
    return register


def _observe(
    batch: Batch, event: RunEvent | JobEvent, digest: UUID, key: ObservationKey, schema: Register | None, use: Use
) -> None:
    at = event.event_time
    known = batch.observations.get(key)
    if known is None:
        known = batch.observations[key] = Observation(Span(at, at))
    known.span.widen(Span(at, at))
    known.schema = _later(known.schema, schema)
    facets = use.dataset.facets
    if facets and "version" in facets:
        known.version = _later(known.version, Register(at, digest, told.version_of(facets)))
    if use.direction == OUTPUT:
        columns = told.columns_of(facets) or (use.entry.content if use.entry and _has_columns(use.entry) else None)
        if columns is not None:
            known.columns = _later(known.columns, Register(at, digest, _content(batch, columns)))
        elif facets and "columnLineage" in facets:
            known.columns = _later(known.columns, Register(at, digest, None))
        if use.entry:
            known.told = _later(known.told, Register(at, digest, None))


def _has_columns(entry: told.LineageEntry) -> bool:
    return next(told.column_facts(entry.content), None) is not None


def _later(known: Register | None, other: Register | None) -> Register | None:
    """The register after both; neither of the two is changed, since several rows may hold one."""
    if known is None or other is None:
        return known or other
    return max(known, other, key=lambda register: register.rank)


def _run_row(batch: Batch, event: RunEvent, digest: UUID, job_id: int) -> RunRow:
    at = event.event_time
    row = RunRow(event.run.run_id, job_id, at, digest, at)
    code = told.code_of(event.job.facets)
    if code is not None:
        row.code = Register(at, digest, _content(batch, code))
    if event.event_type is EventType.START:
        row.started_at = at
    ended = _ENDS.get(event.event_type)
    if ended:
        row.ended_at, row.ended_digest, row.ended_state = at, digest, ended
    if event.event_type is EventType.COMPLETE:
        row.completed_at = at
    return row


def _merge_runs(known: RunRow, other: RunRow) -> None:
    if (other.first_at, other.first_digest) < (known.first_at, known.first_digest):
        known.job_id, known.first_at, known.first_digest = other.job_id, other.first_at, other.first_digest
    known.last_at = max(known.last_at, other.last_at)
    known.started_at = _either(min, known.started_at, other.started_at)
    known.completed_at = _either(max, known.completed_at, other.completed_at)
    if other.ended_at is not None and (
        known.ended_at is None or (other.ended_at, other.ended_digest) > (known.ended_at, known.ended_digest)
    ):
        known.ended_at, known.ended_digest, known.ended_state = other.ended_at, other.ended_digest, other.ended_state
    known.code = _later(known.code, other.code)


def _either(
    choose: Callable[[dt.datetime, dt.datetime], dt.datetime], one: dt.datetime | None, other: dt.datetime | None
) -> dt.datetime | None:
    return other if one is None else one if other is None else choose(one, other)
