"""Take waiting events up into the state: a fixed number of statements for any number of events, in one transaction.

Each statement gets its rows as one JSON array and writes them in the order of their keys, so that folds at the same time
wait for each other but never deadlock; a run's row is locked before its observations are joined, so that of two folds that
hold its inputs and its outputs, the later one sees both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from catalog.identity import resolve_names
from catalog.models import Origin
from common import collector
from lineage import statements
from lineage.deriving import derive
from lineage.fold import Batch, JobRow, names_in, reduced
from lineage.kept import Digest, Reader
from lineage.openlineage import decode
from lineage.packing import unpacked
from lineage.rows import bound, encoded, write
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
                _fold(claimed)
                with bound() as cursor:
                    cursor.execute("DELETE FROM lineage_pendingevent WHERE event_id = ANY(%s)", [ids])
    except Exception as error:
        if not ids:
            raise
        raise FoldFailed(ids) from error
    return ids


def _claim(limit: int, only: Sequence[int] | None) -> list[Waiting]:
    with bound() as cursor:
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
            [str(_LONGEST_STATEMENT), str(_LONGEST_WAIT)],
        )
        cursor.execute(statements.CLAIM, {"limit": limit, "only": list(only) if only is not None else None})
        return [Waiting(*row) for row in cursor.fetchall()]


def _fold(claimed: Iterable[Waiting]) -> None:
    reader = Reader()
    events = [reader.read(unpacked(item.packed_body), item.digest.hex) for item in claimed]
    dataset_keys, job_keys = names_in(events)
    dataset_ids = resolve_names(dataset_keys, origin=Origin.PIPELINE)
    batch = reduced(events, dataset_ids, _job_ids(job_keys))
    if dataset_ids:
        with bound() as cursor:
            cursor.execute(statements.HOLD_DATASETS, [sorted(set(dataset_ids.values()))])
    _write_contents(reader.contents)
    moved = _write_runs(batch)
    write(statements.OBSERVATIONS, list(batch.observations.values()))
    write(statements.TOLD_INPUTS, [one._asdict() for one in batch.told_inputs])
    write(statements.LINKS, list(batch.links.values()))
    _write_facets(batch)
    runs = sorted(batch.runs)
    write(statements.RUN_FACTS, runs)
    _note(batch, runs)
    # The jobs come late, since every run of a job needs its row; what is derived of them needs them locked.
    jobs: list[JobRow | dict[str, int]] = [*batch.jobs.values(), *({"id": pk} for pk in moved - batch.jobs.keys())]
    write(statements.LOCK_JOBS, jobs)
    write(statements.JOBS, jobs)
    write(statements.JOB_EDGES, list(batch.job_edges.values()))
    deleted = [job.id for job in batch.jobs.values() if job.deleted_at is not None]
    told = any(seen.columns_at for seen in batch.observations.values())
    derive([*runs, *sorted(batch.declared)], deleted=deleted, columns=told or bool(deleted))


def _write_facets(batch: Batch) -> None:
    write(statements.RUN_FACETS, list(batch.run_facets.values()))
    write(statements.JOB_FACETS, list(batch.job_facets.values()))
    rows = list(batch.dataset_facets.values())
    watched = [row for row in rows if row.name in WATCHED]
    if watched:
        given = encoded(watched)
        with bound() as cursor:
            cursor.execute(statements.DIRTY_FACETS, [given, given])
    write(statements.DATASET_FACETS, rows)
    write(statements.USE_FACETS, list(batch.use_facets.values()))


def _note(batch: Batch, runs: Sequence[Digest]) -> None:
    """What the catalog must be told, by whoever comes to it."""
    write(statements.DIRTY_WRITTEN, runs)
    write(statements.SCHEMAS, list(batch.schemas.values()))
    renames = [{"first_id": first, "second_id": second} for first, second in batch.renames]
    write(statements.RENAMES, renames)
    write(statements.LIFE_CHANGES, list(batch.life_changes.values()))
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
    with bound() as cursor:
        cursor.execute(statement, [encoded(rows)])
        return {JobKey(namespace, name): job_id for namespace, name, job_id in cursor.fetchall()}


def _write_contents(contents: Mapping[Digest, bytes]) -> None:
    """Write the facets that are new, without what all of a kind repeat: who made them, and by which schema, is kept once."""
    rows = []
    provenances = set()
    with bound() as cursor:
        cursor.execute(statements.NEW_CONTENTS, [encoded(list(contents))])
        new = [digest.hex for (digest,) in cursor.fetchall()]
    for digest in new:
        value = decode(contents[digest])
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


def _write_runs(batch: Batch) -> set[int]:
    """Write the runs; gives the jobs that have a run more or a run less by it."""
    if not batch.runs:
        return set()
    with bound() as cursor:
        cursor.execute(statements.RUNS, [encoded(list(batch.runs.values()))])
        return {job_id for pair in cursor.fetchall() for job_id in pair if job_id is not None}
