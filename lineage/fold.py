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

INPUT, OUTPUT = 1, 2

_ENDS = {EventType.COMPLETE: "completed", EventType.FAIL: "failed", EventType.ABORT: "aborted"}


class JobKey(NamedTuple):
    """What a job is called."""

    namespace: str
    name: str


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
    """The latest value: a content's digest, or None where the latest event deleted it."""

    at: dt.datetime
    digest: UUID
    content: UUID | None

    def take(self, other: Register) -> None:
        if other.rank > self.rank:
            self.at, self.digest, self.content = other.at, other.digest, other.content

    @property
    def rank(self) -> tuple[dt.datetime, UUID, int]:
        # One event may name a dataset twice: then its contents decide, not their order.
        return self.at, self.digest, self.content.int if self.content else -1


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


class ObservationKey(NamedTuple):
    run_id: UUID
    job_id: int
    direction: int
    dataset_id: int


class Observation(msgspec.Struct):
    """A run's reading or writing of a dataset, with the schema that it had then."""

    span: Span
    schema: Register | None = None


class LinkKey(NamedTuple):
    job_id: int
    direction: int
    dataset_id: int


class EdgeKey(NamedTuple):
    downstream_id: int
    upstream_id: int
    job_id: int


@dataclass(slots=True)
class Batch:
    """Rows by their keys; nothing twice."""

    runs: dict[UUID, RunRow] = field(default_factory=dict)
    jobs: dict[int, Span] = field(default_factory=dict)
    observations: dict[ObservationKey, Observation] = field(default_factory=dict)
    links: dict[LinkKey, Span] = field(default_factory=dict)
    declared_edges: dict[EdgeKey, Span] = field(default_factory=dict)
    run_facets: dict[tuple[UUID, str], Register] = field(default_factory=dict)
    job_facets: dict[tuple[int, str], Register] = field(default_factory=dict)
    dataset_facets: dict[tuple[int, str], Register] = field(default_factory=dict)
    use_facets: dict[tuple[UUID, int, int, str], Register] = field(default_factory=dict)
    schemas: dict[tuple[int, dt.datetime, UUID], Register] = field(default_factory=dict)
    contents: dict[UUID, bytes] = field(default_factory=dict)


def names_in(events: Iterable[Event]) -> tuple[set[DatasetKey], set[JobKey]]:
    """Every dataset and job that these events are about, which must have ids before `reduced`."""
    datasets: set[DatasetKey] = set()
    jobs: set[JobKey] = set()
    for event in events:
        for _, dataset in _datasets(event):
            datasets.add(DatasetKey(dataset.namespace, dataset.name))
        if not isinstance(event, DatasetEvent):
            jobs.add(JobKey(event.job.namespace, event.job.name))
    return datasets, jobs


def _datasets(event: Event) -> Iterator[tuple[int, Dataset]]:
    if isinstance(event, DatasetEvent):
        yield 0, event.dataset
        return
    for dataset in event.inputs:
        yield INPUT, dataset
    for dataset in event.outputs:
        yield OUTPUT, dataset


def reduced(arrived: Iterable[Arrived], dataset_ids: Mapping[DatasetKey, int], job_ids: Mapping[JobKey, int]) -> Batch:
    """The rows that these events make. Several names may have one id: what they say is then one row."""
    batch = Batch()
    for event, digest in arrived:
        if isinstance(event, DatasetEvent):
            dataset_id = dataset_ids[DatasetKey(event.dataset.namespace, event.dataset.name)]
            _describe(batch, event, digest, dataset_id, event.dataset)
            continue
        job_id = job_ids[JobKey(event.job.namespace, event.job.name)]
        span = Span(event.event_time, event.event_time)
        _merge(batch.jobs, job_id, span, Span.widen)
        _facets(batch, batch.job_facets, (job_id,), event, digest, event.job.facets)
        used = [
            (direction, dataset_ids[DatasetKey(dataset.namespace, dataset.name)], dataset)
            for direction, dataset in _datasets(event)
        ]
        for direction, dataset_id, dataset in used:
            _merge(batch.links, LinkKey(job_id, direction, dataset_id), span, Span.widen)
            schema = _describe(batch, event, digest, dataset_id, dataset)
            if isinstance(event, RunEvent):
                _observe(batch, event, digest, ObservationKey(event.run.run_id, job_id, direction, dataset_id), schema)
                own = dataset.input_facets if direction == INPUT else dataset.output_facets
                _facets(batch, batch.use_facets, (event.run.run_id, direction, dataset_id), event, digest, own)
        if isinstance(event, RunEvent):
            _merge(batch.runs, event.run.run_id, _run_row(event, digest, job_id), _merge_runs)
            _facets(batch, batch.run_facets, (event.run.run_id,), event, digest, event.run.facets)
        else:
            _declare(batch, event, job_id, used)
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
    encoded = canonical(value)
    digest = digest_of(encoded)
    batch.contents[digest] = encoded
    return digest


def _describe(batch: Batch, event: Event, digest: UUID, dataset_id: int, dataset: Dataset) -> Register | None:
    """Keep a dataset's facets; gives what the event says of its schema."""
    _facets(batch, batch.dataset_facets, (dataset_id,), event, digest, dataset.facets)
    schema = (dataset.facets or {}).get("schema")
    if not isinstance(schema, dict) or schema.get("_deleted") is True:
        return None
    told = Register(event.event_time, digest, _content(batch, schema))
    _merge(batch.schemas, (dataset_id, event.event_time, digest), told, Register.take)
    return told


def _observe(batch: Batch, event: RunEvent, digest: UUID, key: ObservationKey, schema: Register | None) -> None:
    known = batch.observations.get(key)
    if known is None:
        known = batch.observations[key] = Observation(Span(event.event_time, event.event_time))
    known.span.widen(Span(event.event_time, event.event_time))
    if schema is None:
        return
    if known.schema is None:
        known.schema = schema
    else:
        known.schema.take(schema)


def _run_row(event: RunEvent, digest: UUID, job_id: int) -> RunRow:
    at = event.event_time
    row = RunRow(event.run.run_id, job_id, at, digest, at)
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


def _either(
    choose: Callable[[dt.datetime, dt.datetime], dt.datetime], one: dt.datetime | None, other: dt.datetime | None
) -> dt.datetime | None:
    return other if one is None else one if other is None else choose(one, other)


def _declare(batch: Batch, event: JobEvent, job_id: int, used: list[tuple[int, int, Dataset]]) -> None:
    """A job that declares what it reads and writes has its edges without any run."""
    span = Span(event.event_time, event.event_time)
    inputs = {dataset_id for direction, dataset_id, _ in used if direction == INPUT}
    outputs = {dataset_id for direction, dataset_id, _ in used if direction == OUTPUT}
    for downstream in outputs:
        for upstream in inputs:
            _merge(batch.declared_edges, EdgeKey(downstream, upstream, job_id), span, Span.widen)
