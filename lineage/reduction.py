"""Tell the catalog what the fold learned of datasets: when they were written, and how their schemas changed.

One at a time, under a lock that ends with its transaction; whoever finds another at it leaves it to them. A note is read
only after the fold that wrote it has committed, so the last note of a dataset sees everything that was observed of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction

from catalog.actions import describe_from_pipeline, note_written
from catalog.described import ToldSchema
from lineage import statements
from lineage.schema_facets import fields_of

_LOCK = 7_263_401
"""The key of the lock; any number that nothing else uses."""


class Note(NamedTuple):
    """A row of `DirtyDataset`."""

    dataset_id: int
    written_at: dt.datetime | None
    schema_at: dt.datetime | None
    schema_digest: UUID | None


def tell_catalog(limit: int = 5000) -> int:
    """Work off the notes about datasets; returns how many there were."""
    told = 0
    while True:
        with transaction.atomic():
            notes = _claimed(limit)
            if notes:
                note_written(_latest(notes))
                describe_from_pipeline(_histories(_changed(notes)))
        told += len(notes)
        if len(notes) < limit:
            return told


def _claimed(limit: int) -> list[Note]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(statements.CLAIM_DIRTY, [limit])
        return [Note(*row) for row in cursor.fetchall()]


def _latest(notes: Iterable[Note]) -> dict[int, dt.datetime]:
    found: dict[int, dt.datetime] = {}
    for note in notes:
        if note.written_at is not None:
            found[note.dataset_id] = max(note.written_at, found.get(note.dataset_id, note.written_at))
    return found


def _changed(notes: Iterable[Note]) -> list[int]:
    """The datasets whose history these observations change."""
    rows = [
        {"dataset_id": note.dataset_id, "at": note.schema_at, "digest": note.schema_digest}
        for note in notes
        if note.schema_at is not None
    ]
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statements.CHANGED_SCHEMAS, [msgspec.json.encode(rows).decode()])
        return [dataset_id for (dataset_id,) in cursor.fetchall()]


def _histories(dataset_ids: Sequence[int]) -> dict[int, list[ToldSchema]]:
    """Each dataset's schemas, in order, each different from the one before in what its fields are."""
    found: dict[int, list[ToldSchema]] = {}
    if not dataset_ids:
        return found
    with connection.cursor() as cursor:
        cursor.execute(statements.SCHEMA_HISTORIES, [list(dataset_ids)])
        for dataset_id, at, facet in cursor.fetchall():
            # Facets also name their producer, which is no part of the schema.
            fields = fields_of(msgspec.json.decode(facet) if isinstance(facet, str) else facet)
            history = found.setdefault(dataset_id, [])
            if fields and (not history or tuple(history[-1].fields) != fields):
                history.append(ToldSchema(at, fields))
    return found
