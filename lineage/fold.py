"""What a set of events says, reduced to the rows that `lineage.folding` writes. Pure: no Django, no database.

Every value here merges with what is stored already by an operation that knows no order and no repetition: the earliest of
two times, the latest of two times, or a register, where the greater (event time, digest) wins. So the state is a function
of the set of events, whatever the batches, their order and their number.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from catalog.naming import DatasetKey
from lineage import told
from lineage.kept import Digest, Facets, KeptEvent, KeptJob, KeptRun, Use
from lineage.openlineage import EventType
from lineage.told import JobKey

_ENDS = {EventType.COMPLETE: "completed", EventType.FAIL: "failed", EventType.ABORT: "aborted"}


class Register(NamedTuple):
    """The columns of the latest value told: the value, None where it was deleted, when, and by which event."""

    value: str
    at: str
    digest: str


_SCHEMA, _COLUMNS, _VERSION, _CODE = (
    Register(name, f"{name}_at", f"{name}_digest") for name in ("schema", "columns", "version", "code")
)
_ENDED = Register("ended_state", "ended_at", "ended_digest")


class Span(msgspec.Struct, omit_defaults=True):
    """From the first to the last time that something was said."""

    first_seen: dt.datetime
    last_seen: dt.datetime

    def widen(self, at: dt.datetime) -> None:
        if at < self.first_seen:
            self.first_seen = at
        elif at > self.last_seen:
            self.last_seen = at


class RunRow(Span):
    """One run, as far as these events tell. `uses` is what this batch knows that it read and wrote, if it completed."""

    id: Digest
    job_id: int
    first_digest: Digest
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    ended_digest: Digest | None = None
    ended_state: str | None = None
    completed_at: dt.datetime | None = None
    code: Digest | None = None
    code_at: dt.datetime | None = None
    code_digest: Digest | None = None
    uses: str | None = None


class Observation(Span):
    """A run's reading or writing of a dataset, and what the dataset was told to be then."""

    run_id: Digest
    job_id: int
    direction: int
    dataset_id: int
    schema: Digest | None = None
    schema_at: dt.datetime | None = None
    schema_digest: Digest | None = None
    columns: Digest | None = None
    columns_at: dt.datetime | None = None
    columns_digest: Digest | None = None
    version: str | None = None
    version_at: dt.datetime | None = None
    version_digest: Digest | None = None
    told_at: dt.datetime | None = None
    told_digest: Digest | None = None


class JobRow(Span):
    id: int
    deleted_at: dt.datetime | None = None


class Link(Span):
    """A job reads or writes a dataset."""

    job_id: int
    direction: int
    dataset_id: int


class JobEdge(Span):
    """One job waits for another."""

    downstream_id: int
    upstream_id: int


class LifeChange(Span):
    """A change of a dataset's life. `told_in` is the run that says so, or the digest of an event without a run.

    Events of one run repeat what it did: they say one thing. `previous` is the dataset of the former name, or 0. The job
    stands only where a JobEvent tells it, since a run has its own.
    """

    dataset_id: int
    told_in: Digest
    kind: int
    previous: int
    job_id: int | None


class ToldInput(NamedTuple):
    """One input of a run's output that an event names by itself."""

    run_id: Digest
    job_id: int
    dataset_id: int
    digest: Digest
    input_id: int


class FacetRow(msgspec.Struct, omit_defaults=True):
    """The latest value of a facet; no content where the latest event deleted it."""

    at: dt.datetime
    digest: Digest
    content_id: Digest | None
    name: str

    def take(self, at: dt.datetime, digest: Digest, content: Digest | None) -> None:
        # One event may name a dataset twice: then its contents decide, not their order.
        if (at, digest, content or "") > (self.at, self.digest, self.content_id or ""):
            self.at, self.digest, self.content_id = at, digest, content


class RunFacet(FacetRow):
    run_id: Digest


class JobFacet(FacetRow):
    job_id: int


class DatasetFacet(FacetRow):
    dataset_id: int


class UseFacet(FacetRow):
    run_id: Digest
    direction: int
    dataset_id: int


class SchemaRow(msgspec.Struct):
    """What an event says of a dataset's schema."""

    dataset_id: int
    at: dt.datetime
    digest: Digest
    content_id: Digest


@dataclass(slots=True)
class Batch:
    """Rows by their keys; nothing twice. `declared` are the JobEvents, each an observation of its own."""

    runs: dict[Digest, RunRow] = field(default_factory=dict)
    declared: set[Digest] = field(default_factory=set)
    jobs: dict[int, JobRow] = field(default_factory=dict)
    observations: dict[tuple[Digest, int, int, int], Observation] = field(default_factory=dict)
    told_inputs: set[ToldInput] = field(default_factory=set)
    links: dict[tuple[int, int, int], Link] = field(default_factory=dict)
    job_edges: dict[tuple[int, int], JobEdge] = field(default_factory=dict)
    renames: set[tuple[int, int]] = field(default_factory=set)
    life_changes: dict[tuple[int, Digest, int, int], LifeChange] = field(default_factory=dict)
    run_facets: dict[tuple[Digest, str], RunFacet] = field(default_factory=dict)
    job_facets: dict[tuple[int, str], JobFacet] = field(default_factory=dict)
    dataset_facets: dict[tuple[int, str], DatasetFacet] = field(default_factory=dict)
    use_facets: dict[tuple[Digest, int, int, str], UseFacet] = field(default_factory=dict)
    schemas: dict[tuple[int, dt.datetime, Digest], SchemaRow] = field(default_factory=dict)


def names_in(events: Iterable[KeptEvent]) -> tuple[set[DatasetKey], set[JobKey]]:
    """Every dataset and job that these events are about, which must have ids before `reduced`."""
    datasets: set[DatasetKey] = set()
    jobs: set[JobKey] = set()
    for event in events:
        for use in event.uses:
            datasets.add(use.key)
            datasets |= use.facets.named
            if use.inputs:
                datasets.update(use.inputs)
        if event.job:
            jobs.add(event.job.key)
        for pair in event.waits:
            jobs.update(pair)
    return datasets, jobs


def reduced(events: Iterable[KeptEvent], dataset_ids: Mapping[DatasetKey, int], job_ids: Mapping[JobKey, int]) -> Batch:
    """The rows that these events make. Several names may have one id: what they say is then one row."""
    batch = Batch()
    for event in events:
        if event.job is None:
            for use in event.uses:
                _describe(batch, event, dataset_ids, use, told_in=event.digest, job_id=None)
            continue
        job_id = job_ids[event.job.key]
        _note_job(batch, event, event.job, job_id)
        for one, other in event.waits:
            pair = (job_ids[one], job_ids[other])
            edge = batch.job_edges.get(pair)
            if edge is None:
                batch.job_edges[pair] = JobEdge(event.at, event.at, *pair)
            else:
                edge.widen(event.at)
        if event.run is not None:
            _note_run(batch, event, event.run, event.job, job_id)
            for use in event.uses:
                _observe(batch, event, dataset_ids, use, run_id=event.run.id, job_id=job_id, declared_by=None)
        else:
            batch.declared.add(event.digest)
            for use in event.uses:
                _observe(batch, event, dataset_ids, use, run_id=event.digest, job_id=job_id, declared_by=job_id)
    _tell_uses(batch)
    return batch


def _keep_facets(kept: dict[Any, Any], kind: type[FacetRow], event: KeptEvent, facets: Facets, *of: Any) -> None:
    """Keep of each facet the latest word; `of` are the ids of what it is about, as `kind` has them behind its name."""
    for name, content in facets.contents.items():
        key = (*of, name)
        known = kept.get(key)
        if known is None:
            kept[key] = kind(event.at, event.digest, content, name, *of)
        else:
            known.take(event.at, event.digest, content)


def _note_job(batch: Batch, event: KeptEvent, job: KeptJob, job_id: int) -> None:
    at = event.at
    row = batch.jobs.get(job_id)
    if row is None:
        row = batch.jobs[job_id] = JobRow(at, at, job_id)
    else:
        row.widen(at)
    if told.is_deletion(job.facets.values) and (row.deleted_at is None or at > row.deleted_at):
        row.deleted_at = at
    _keep_facets(batch.job_facets, JobFacet, event, job.facets, job_id)


def _note_run(batch: Batch, event: KeptEvent, run: KeptRun, job: KeptJob, job_id: int) -> None:
    at, digest = event.at, event.digest
    row = batch.runs.get(run.id)
    if row is None:
        row = batch.runs[run.id] = RunRow(at, at, run.id, job_id, digest)
    else:
        if (at, digest) < (row.first_seen, row.first_digest):
            row.job_id, row.first_digest = job_id, digest
        row.widen(at)
    if job.code is not None:
        _keep_later(row, _CODE, at, digest, job.code)
    ended = _ENDS.get(run.event_type)
    if ended is not None:
        _keep_later(row, _ENDED, at, digest, ended)
        if ended == "completed" and (row.completed_at is None or at > row.completed_at):
            row.completed_at = at
    elif run.event_type is EventType.START and (row.started_at is None or at < row.started_at):
        row.started_at = at
    _keep_facets(batch.run_facets, RunFacet, event, run.facets, run.id)


def _observe(
    batch: Batch,
    event: KeptEvent,
    dataset_ids: Mapping[DatasetKey, int],
    use: Use,
    *,
    run_id: Digest,
    job_id: int,
    declared_by: int | None,
) -> None:
    """Keep a use of a dataset by a run; a JobEvent is one by itself, and `declared_by` its job."""
    at, digest, direction = event.at, event.digest, use.direction
    dataset_id = dataset_ids[use.key]
    link = batch.links.get((job_id, direction, dataset_id))
    if link is None:
        batch.links[job_id, direction, dataset_id] = Link(at, at, job_id, direction, dataset_id)
    else:
        link.widen(at)
    key = (run_id, job_id, direction, dataset_id)
    row = batch.observations.get(key)
    if row is None:
        row = batch.observations[key] = Observation(at, at, *key)
    else:
        row.widen(at)
    if use.facets.contents:
        _describe(batch, event, dataset_ids, use, told_in=run_id, job_id=declared_by)
        if use.facets.schema is not None:
            _keep_later(row, _SCHEMA, at, digest, use.facets.schema)
        if "version" in use.facets.values:
            _keep_later(row, _VERSION, at, digest, told.version_of(use.facets.values))
    if use.tells_columns:
        _keep_later(row, _COLUMNS, at, digest, use.columns)
    if use.inputs is not None:
        if row.told_at is None or row.told_digest is None or (at, digest) > (row.told_at, row.told_digest):
            row.told_at, row.told_digest = at, digest
        for source in use.inputs:
            batch.told_inputs.add(ToldInput(run_id, job_id, dataset_id, digest, dataset_ids[source]))
    _keep_facets(batch.use_facets, UseFacet, event, use.used, run_id, direction, dataset_id)


def _describe(
    batch: Batch,
    event: KeptEvent,
    dataset_ids: Mapping[DatasetKey, int],
    use: Use,
    *,
    told_in: Digest,
    job_id: int | None,
) -> None:
    """Keep what is said of a dataset by itself. `told_in` and `job_id` as in `LifeChange`."""
    at, digest, facets = event.at, event.digest, use.facets
    dataset_id = dataset_ids[use.key]
    _keep_facets(batch.dataset_facets, DatasetFacet, event, facets, dataset_id)
    if facets.life_change is not None:
        former = dataset_ids[facets.former] if facets.former else 0
        if former not in (0, dataset_id):
            batch.renames.add((min(former, dataset_id), max(former, dataset_id)))
        key = (dataset_id, told_in, facets.life_change, former)
        change = batch.life_changes.get(key)
        if change is None:
            batch.life_changes[key] = LifeChange(at, at, *key, job_id)
        else:
            change.widen(at)
    if facets.schema is not None:
        schema = batch.schemas.get((dataset_id, at, digest))
        if schema is None:
            batch.schemas[dataset_id, at, digest] = SchemaRow(dataset_id, at, digest, facets.schema)
        elif facets.schema > schema.content_id:
            schema.content_id = facets.schema


def _tell_uses(batch: Batch) -> None:
    found: dict[Digest, list[tuple[int, int]]] = defaultdict(list)
    for run_id, job_id, direction, dataset_id in batch.observations:
        run = batch.runs.get(run_id)
        if run is not None and run.completed_at is not None and run.job_id == job_id:
            found[run_id].append((direction, dataset_id))
    for run_id, uses in found.items():
        batch.runs[run_id].uses = ",".join(f"{direction}:{dataset_id}" for direction, dataset_id in sorted(uses))


def _keep_later(
    row: RunRow | Observation, register: Register, at: dt.datetime, digest: Digest, value: str | None
) -> None:
    known_at = getattr(row, register.at)
    if known_at is None or (at, digest, value or "") > (
        known_at, getattr(row, register.digest), getattr(row, register.value) or ""
    ):  # fmt: skip
        setattr(row, register.value, value)
        setattr(row, register.at, at)
        setattr(row, register.digest, digest)
