"""Tell the catalog what the fold learned of datasets: when they were written, and how their schemas changed.

One at a time, under a lock that ends with its transaction; whoever finds another at it leaves it to them. A note is read
only after the fold that wrote it has committed, so the last note of a dataset sees everything that was observed of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction

from catalog.actions import describe_from_pipeline, note_written
from catalog.described import ToldSchema, describe_no_more
from common import collector
from lineage import statements
from lineage.changed_columns import note_described
from lineage.merge_statements import LOCK
from lineage.merging import tell_names
from lineage.rows import encoded
from lineage.schema_facets import fields_of, same_schema
from lineage.telling import SCHEMA, TELLERS, WRITTEN


class Note(NamedTuple):
    """A row of `DirtyDataset`."""

    dataset_id: int
    written_at: dt.datetime | None
    schema_at: dt.datetime | None
    schema_digest: UUID | None
    facets: list[str]


def tell_catalog(limit: int = 5000) -> int:
    """Work off the notes about datasets; returns how many there were."""
    told = 0
    while True:
        with collector.paused(), transaction.atomic():
            notes = _claimed(limit)
            if notes:
                _tell(notes)
        told += len(notes)
        if len(notes) < limit:
            return told


def _tell(notes: Sequence[Note]) -> None:
    again = tell_names([note.dataset_id for note in notes if "symlinks" in note.facets])
    again |= {note.dataset_id for note in notes if "again" in note.facets}
    standing = _standing({note.dataset_id for note in notes} | again)
    note_written(_latest(notes, standing))
    alone = [note for note in notes if note.schema_at is not None and standing[note.dataset_id].alone]
    changed = {standing[pk].id for pk in (*_changed(alone), *again)}
    # Of a group every observation may change the history of all.
    changed |= {
        standing[note.dataset_id].id for note in notes if note.schema_at and not standing[note.dataset_id].alone
    }
    histories = _histories(sorted(changed))
    describe_from_pipeline(histories)
    describe_no_more(changed - histories.keys())
    note_described(changed)
    _pass_on(notes, standing, {standing[pk].id for pk in again}, changed)


def _pass_on(
    notes: Iterable[Note], standing: Mapping[int, Standing], again: Collection[int], described: Collection[int]
) -> None:
    """Call each teller of `lineage.telling` once, about all that it has to tell of."""
    about: dict[str, set[int]] = defaultdict(set, {SCHEMA: set(described)})
    for note in notes:
        pk = standing[note.dataset_id].id
        for name in note.facets:
            about[name].add(pk)
        if note.written_at is not None:
            about[WRITTEN].add(pk)
    calls: dict[Callable[[Sequence[int]], None], set[int]] = defaultdict(set)
    for name, tell in TELLERS.items():
        calls[tell] |= about[name] | set(again)
    for tell, ids in calls.items():
        if ids:
            tell(sorted(ids))


class Standing(NamedTuple):
    """The dataset that stands for one; `alone` where no other has it standing for itself."""

    id: int
    alone: bool


def _standing(dataset_ids: Collection[int]) -> dict[int, Standing]:
    with connection.cursor() as cursor:
        cursor.execute(statements.STANDING, [sorted(dataset_ids)])
        return {pk: Standing(other, alone) for pk, other, alone in cursor.fetchall()}


def _claimed(limit: int) -> list[Note]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(statements.CLAIM_DIRTY, [limit])
        return [Note(*row) for row in cursor.fetchall()]


def _latest(notes: Iterable[Note], standing: Mapping[int, Standing]) -> dict[int, dt.datetime]:
    found: dict[int, dt.datetime] = {}
    for note in notes:
        if note.written_at is not None:
            pk = standing[note.dataset_id].id
            found[pk] = max(note.written_at, found.get(pk, note.written_at))
    return found


def _changed(notes: Iterable[Note]) -> list[int]:
    """The datasets whose history these observations change."""
    rows = [{"dataset_id": note.dataset_id, "at": note.schema_at, "digest": note.schema_digest} for note in notes]
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statements.CHANGED_SCHEMAS, [encoded(rows)])
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
            same = same_schema(history[-1].fields, fields) if history else None
            if same is not None:
                history[-1] = ToldSchema(history[-1].at, same)
            elif fields:
                history.append(ToldSchema(at, fields))
    return found
