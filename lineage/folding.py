"""Take waiting events up into the state: a fixed number of statements for any number of events, in one transaction.

Each statement gets its rows as one JSON array and writes them in the order of their keys, so that folds at the same time
wait for each other but never deadlock; a run's row is locked before its observations are joined, so that of two folds that
hold its inputs and its outputs, the later one sees both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction

from catalog.identity import resolve_names
from catalog.models import Origin
from common import collector
from lineage import openlineage, statements
from lineage.deriving import derive
from lineage.fold import Arrived, Batch, Observation, Register, RunRow, Span, names_in, read, reduced
from lineage.packing import unpacked
from lineage.rows import encoded, write
from lineage.told import WATCHED, JobKey

BATCH_SIZE = 2000
"""Each batch pays the same statements, so small ones let events wait longer: docs/performance.md has the lag of other sizes."""

PROVENANCE = ("_producer", "_schemaURL")
"""The members that every facet of a kind has alike: `lineage.models.Provenance`."""

_LONGEST_STATEMENT = 30_000
"""Milliseconds; the broker hands a task to another worker after 60 seconds."""

_LONGEST_WAIT = 10_000
"""Milliseconds for a lock: so that waiting for others is told apart from a statement that takes long by itself."""


class Waiting(NamedTuple):
    """An event that this transaction has claimed."""

    event_id: int
    digest: UUID
    packed_body: bytes


class FoldFailed(Exception):
    """A batch could not be folded and was left waiting; its cause is the exception's cause."""

    def __init__(self, event_ids: Sequence[int]) -> None:
        super().__init__(f"{len(event_ids)} events could not be folded.")
        self.event_ids = list(event_ids)


def fold_batch(limit: int = BATCH_SIZE, only: Sequence[int] | None = None) -> list[int]:
    """Claim up to `limit` waiting events (of `only` these, where given) and fold them; the ids of what was folded.

    All of it or nothing: whoever dies on the way leaves the events waiting. Events claimed elsewhere are passed over.
    Raises `FoldFailed`, whose cause is what went wrong.
    """
    ids: list[int] = []
    try:
        with collector.paused(), transaction.atomic():
            claimed = _claim(limit, only)
            ids = [item.event_id for item in claimed]
            if claimed:
                _fold([_read(item) for item in claimed])
                with connection.cursor() as cursor:
                    cursor.execute("DELETE FROM lineage_pendingevent WHERE event_id = ANY(%s)", [ids])
    except Exception as error:
        if not ids:
            raise
        raise FoldFailed(ids) from error
    return ids


def _read(item: Waiting) -> Arrived:
    return Arrived(openlineage.read(openlineage.decode(unpacked(item.packed_body))), item.digest)


def _claim(limit: int, only: Sequence[int] | None) -> list[Waiting]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
            [str(_LONGEST_STATEMENT), str(_LONGEST_WAIT)],
        )
        cursor.execute(statements.CLAIM, {"limit": limit, "only": list(only) if only is not None else None})
        return [Waiting(*row) for row in cursor.fetchall()]


def _fold(arrived: Sequence[Arrived]) -> None:
    events = [read(one) for one in arrived]
    dataset_keys, job_keys = names_in(events)
    dataset_ids = resolve_names(dataset_keys, origin=Origin.PIPELINE)
    batch = reduced(events, dataset_ids, _job_ids(job_keys))
    if dataset_ids:
        with connection.cursor() as cursor:
            cursor.execute(statements.HOLD_DATASETS, [sorted(set(dataset_ids.values()))])
    _write_contents(batch.contents)
    moved = _write_runs(batch.runs.values())
    write(statements.OBSERVATIONS, [key._asdict() | _observed(seen) for key, seen in batch.observations.items()])
    write(statements.TOLD_INPUTS, [key._asdict() for key in batch.told_inputs])
    write(statements.LINKS, [key._asdict() | _times(span) for key, span in batch.links.items()])
    _write_facets(batch)
    runs = sorted(batch.runs)
    write(statements.RUN_FACTS, runs)
    _note(batch, runs)
    # The jobs come late, since every run of a job needs its row; what is derived of them needs them locked.
    spans: list[dict[str, Any]] = [
        {"id": job_id, "deleted_at": batch.deletions.get(job_id)} | _times(span) for job_id, span in batch.jobs.items()
    ]
    spans += [{"id": job_id} for job_id in moved - batch.jobs.keys()]
    write(statements.LOCK_JOBS, spans)
    write(statements.JOBS, spans)
    waiting = batch.job_edges.items()
    write(
        statements.JOB_EDGES,
        [{"downstream_id": one, "upstream_id": other} | _times(span) for (one, other), span in waiting],
    )
    told = any(seen.columns for seen in batch.observations.values())
    derive([*runs, *sorted(batch.declared)], deleted=batch.deletions, columns=told or bool(batch.deletions))


def _write_facets(batch: Batch) -> None:
    write(statements.RUN_FACETS, _facet_rows(("run_id", "name"), batch.run_facets))
    write(statements.JOB_FACETS, _facet_rows(("job_id", "name"), batch.job_facets))
    rows = _facet_rows(("dataset_id", "name"), batch.dataset_facets)
    watched = [row for row in rows if row["name"] in WATCHED]
    if watched:
        given = encoded(watched)
        with connection.cursor() as cursor:
            cursor.execute(statements.DIRTY_FACETS, [given, given])
    write(statements.DATASET_FACETS, rows)
    write(statements.USE_FACETS, _facet_rows(("run_id", "direction", "dataset_id", "name"), batch.use_facets))


def _note(batch: Batch, runs: Sequence[UUID]) -> None:
    """What the catalog must be told, by whoever comes to it."""
    write(statements.DIRTY_WRITTEN, runs)
    schemas = [
        {"dataset_id": dataset_id, "at": at, "digest": digest, "content_id": register.content}
        for (dataset_id, at, digest), register in batch.schemas.items()
    ]
    write(statements.SCHEMAS, schemas)
    write(statements.DIRTY_DESCRIBED, schemas)
    renames = [{"first_id": first, "second_id": second} for first, second in batch.renames]
    write(statements.RENAMES, renames)
    changes = batch.changes.items()
    write(
        statements.LIFE_CHANGES,
        [key._asdict() | {"job_id": change.job_id} | _times(change.span) for key, change in changes],
    )
    write(statements.DIRTY_RENAMED, renames)


def _job_ids(keys: Iterable[JobKey]) -> dict[JobKey, int]:
    rows = [{"namespace": key.namespace, "name": key.name} for key in sorted(keys)]
    found = _jobs(statements.FIND_JOBS, rows)
    missing = [row for row in rows if (row["namespace"], row["name"]) not in found]
    if missing:
        write(statements.CREATE_JOBS, missing)
        found |= _jobs(statements.FIND_JOBS, missing)
    return found


def _jobs(statement: str, rows: Sequence[Any]) -> dict[JobKey, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [encoded(rows)])
        return {JobKey(namespace, name): job_id for namespace, name, job_id in cursor.fetchall()}


def _write_contents(contents: Mapping[UUID, Any]) -> None:
    """Write the facets that are new, without what all of a kind repeat: who made them, and by which schema, is kept once."""
    rows = []
    provenances = set()
    with connection.cursor() as cursor:
        cursor.execute(statements.KNOWN_CONTENTS, [list(contents)])
        known = {digest for (digest,) in cursor.fetchall()}
    for digest in contents.keys() - known:
        value = contents[digest]
        provenance = _provenance(value)
        if provenance is None:
            rows.append({"digest": digest, "members": value})
            continue
        producer, schema_url = provenance
        provenances.add(provenance)
        members = {name: member for name, member in value.items() if name not in PROVENANCE}
        rows.append({"digest": digest, "producer": producer, "schema_url": schema_url, "members": members})
    write(statements.PROVENANCES, [{"producer": one, "schema_url": other} for one, other in provenances])
    write(statements.CONTENTS, rows)


def _provenance(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, dict):
        return None
    producer, schema_url = (value.get(name) for name in PROVENANCE)
    return (producer, schema_url) if isinstance(producer, str) and isinstance(schema_url, str) else None


def _write_runs(runs: Iterable[RunRow]) -> set[int]:
    """Write the runs; gives the jobs that have a run more or a run less by it."""
    rows = _run_rows(runs)
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statements.RUNS, [encoded(rows)])
        return {job_id for pair in cursor.fetchall() for job_id in pair if job_id is not None}


def _facet_rows(names: Sequence[str], facets: Mapping[Any, Register]) -> list[dict[str, Any]]:
    return [
        dict(zip(names, key, strict=True))
        | {"at": register.at, "digest": register.digest, "content_id": register.content}
        for key, register in facets.items()
    ]


def _observed(seen: Observation) -> dict[str, Any]:
    found: dict[str, Any] = {"first_at": seen.span.first, "last_at": seen.span.last}
    for name in ("schema", "columns", "version", "told"):
        register: Register | None = getattr(seen, name)
        if register is not None:
            found |= {name: register.content, f"{name}_at": register.at, f"{name}_digest": register.digest}
    return found


def _run_rows(runs: Iterable[RunRow]) -> list[dict[str, Any]]:
    rows = []
    for run in runs:
        row = msgspec.structs.asdict(run)
        code = row.pop("code")
        if code is not None:
            row |= {"code": code.content, "code_at": code.at, "code_digest": code.digest}
        rows.append(row)
    return rows


def _times(span: Span) -> dict[str, dt.datetime]:
    return {"first_seen": span.first, "last_seen": span.last}
