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
from lineage import openlineage, statements
from lineage.fold import Arrived, Batch, JobKey, Observation, Register, RunRow, Span, names_in, reduced

BATCH_SIZE = 1000
_LONGEST_STATEMENT = 30_000
"""Milliseconds; the broker hands a task to another worker after 60 seconds."""


class Waiting(NamedTuple):
    """An event that this transaction has claimed."""

    event_id: int
    digest: UUID
    body: str


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
        with transaction.atomic():
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
    return Arrived(openlineage.read(openlineage.decode(item.body.encode())), item.digest)


def _claim(limit: int, only: Sequence[int] | None) -> list[Waiting]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(_LONGEST_STATEMENT)])
        cursor.execute(statements.CLAIM, {"limit": limit, "only": list(only) if only is not None else None})
        return [Waiting(*row) for row in cursor.fetchall()]


def _fold(arrived: Sequence[Arrived]) -> None:
    dataset_keys, job_keys = names_in(event for event, _ in arrived)
    dataset_ids = resolve_names(dataset_keys, origin=Origin.PIPELINE)
    batch = reduced(arrived, dataset_ids, _job_ids(job_keys))
    _write(statements.CONTENTS, _content_rows(batch.contents))
    moved = _write_runs(batch.runs.values())
    _write(statements.OBSERVATIONS, _observation_rows(batch))
    _write(statements.LINKS, [key._asdict() | _times(span) for key, span in batch.links.items()])
    runs = sorted(batch.runs)
    _write(statements.EDGES_OF_RUNS, runs)
    _write(statements.EDGES_DECLARED, [key._asdict() | _times(span) for key, span in batch.declared_edges.items()])
    _write_facets(statements.RUN_FACETS, ("run_id", "name"), batch.run_facets)
    _write_facets(statements.JOB_FACETS, ("job_id", "name"), batch.job_facets)
    _write_facets(statements.DATASET_FACETS, ("dataset_id", "name"), batch.dataset_facets)
    _write_facets(statements.USE_FACETS, ("run_id", "direction", "dataset_id", "name"), batch.use_facets)
    _write(statements.PARENTS, runs)
    _write(statements.DIRTY_WRITTEN, runs)
    schemas = [
        {"dataset_id": dataset_id, "at": at, "digest": digest, "content_id": told.content}
        for (dataset_id, at, digest), told in batch.schemas.items()
    ]
    _write(statements.SCHEMAS, schemas)
    _write(statements.DIRTY_DESCRIBED, schemas)
    # Last, since every run of a job needs this row.
    spans = [{"id": job_id} | _times(batch.jobs[job_id]) for job_id in batch.jobs]
    spans += [{"id": job_id} for job_id in moved - batch.jobs.keys()]
    _write(statements.LOCK_JOBS, spans)
    _write(statements.JOBS, spans)


def _job_ids(keys: Iterable[JobKey]) -> dict[JobKey, int]:
    rows = [{"namespace": key.namespace, "name": key.name} for key in sorted(keys)]
    found = _jobs(statements.FIND_JOBS, rows)
    missing = [row for row in rows if (row["namespace"], row["name"]) not in found]
    if missing:
        _write(statements.CREATE_JOBS, missing)
        found |= _jobs(statements.FIND_JOBS, missing)
    return found


def _jobs(statement: str, rows: Sequence[Any]) -> dict[JobKey, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_encoded(rows)])
        return {JobKey(namespace, name): job_id for namespace, name, job_id in cursor.fetchall()}


def _write_runs(runs: Iterable[RunRow]) -> set[int]:
    """Write the runs; gives the jobs that have a run more or a run less by it."""
    rows = list(runs)
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statements.RUNS, [_encoded(rows)])
        return {job_id for pair in cursor.fetchall() for job_id in pair if job_id is not None}


def _write_facets(statement: str, names: Sequence[str], facets: Mapping[Any, Register]) -> None:
    rows = [
        dict(zip(names, key, strict=True))
        | {"at": register.at, "digest": register.digest, "content_id": register.content}
        for key, register in facets.items()
    ]
    _write(statement, rows)


def _observation_rows(batch: Batch) -> list[dict[str, Any]]:
    return [key._asdict() | _observed(observation) for key, observation in batch.observations.items()]


def _observed(observation: Observation) -> dict[str, Any]:
    schema = observation.schema
    return {
        "first_at": observation.span.first,
        "last_at": observation.span.last,
        "schema": schema.content if schema else None,
        "schema_at": schema.at if schema else None,
        "schema_digest": schema.digest if schema else None,
    }


def _content_rows(contents: Mapping[UUID, bytes]) -> list[dict[str, Any]]:
    return [{"digest": digest, "value": msgspec.Raw(value)} for digest, value in contents.items()]


def _times(span: Span) -> dict[str, dt.datetime]:
    return {"first_seen": span.first, "last_seen": span.last}


def _encoded(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()


def _write(statement: str, rows: Sequence[Any]) -> None:
    """Run a statement over these rows; none where there are none."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [_encoded(rows)])
