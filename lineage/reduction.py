"""Tell the catalog what the fold learned of datasets: when they were written, and how their schemas changed.

One at a time, under a lock that ends with its transaction; whoever finds another at it leaves it to them. A note is read
only after the fold that wrote it has committed, so the last note of a dataset sees everything that was observed of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from django.db import transaction

from catalog.actions import describe_from_pipeline, note_written
from catalog.described import ToldSchema, describe_no_more
from common import collector
from lineage import statements
from lineage.changed_columns import note_described
from lineage.merge_statements import LOCK
from lineage.merging import tell_names
from lineage.rows import bound
from lineage.schema_facets import fields_of, same_schema
from lineage.telling import SCHEMA, TELLERS, WRITTEN


class Noted(NamedTuple):
    """What the `DirtyDataset` rows of one dataset say together, how many they were, and whether what they say of its schema
    changes its history."""

    dataset_id: int
    notes: int
    written_at: dt.datetime | None
    described: bool
    changed: bool
    facets: list[str]


def tell_catalog(limit: int = 5000) -> int:
    """Work off the notes about datasets; returns how many there were."""
    told = 0
    while True:
        with collector.paused(), transaction.atomic():
            noted = _claimed(limit)
            if noted:
                _tell(noted)
        count = sum(one.notes for one in noted)
        told += count
        if count < limit:
            return told


def _tell(noted: Sequence[Noted]) -> None:
    again = tell_names([one.dataset_id for one in noted if "symlinks" in one.facets])
    again |= {one.dataset_id for one in noted if "again" in one.facets}
    standing = _standing({one.dataset_id for one in noted} | again)
    note_written(_latest(noted, standing))
    changed = {standing[pk].id for pk in again}
    # Of a group every observation may change the history of all.
    changed |= {
        standing[one.dataset_id].id
        for one in noted
        if one.changed or (one.described and not standing[one.dataset_id].alone)
    }
    histories = _histories(sorted(changed))
    describe_from_pipeline(histories)
    describe_no_more(changed - histories.keys())
    note_described(changed)
    _pass_on(noted, standing, {standing[pk].id for pk in again}, changed)


def _pass_on(
    noted: Iterable[Noted], standing: Mapping[int, Standing], again: Collection[int], described: Collection[int]
) -> None:
    """Call each teller of `lineage.telling` once, about all that it has to tell of."""
    about: dict[str, set[int]] = defaultdict(set, {SCHEMA: set(described)})
    for one in noted:
        pk = standing[one.dataset_id].id
        for name in one.facets:
            about[name].add(pk)
        if one.written_at is not None:
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
    with bound() as cursor:
        cursor.execute(statements.STANDING, [sorted(dataset_ids)])
        return {pk: Standing(other, alone) for pk, other, alone in cursor.fetchall()}


def _claimed(limit: int) -> list[Noted]:
    with bound() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(statements.CLAIM_DIRTY, [limit])
        return [Noted(*row) for row in cursor.fetchall()]


def _latest(noted: Iterable[Noted], standing: Mapping[int, Standing]) -> dict[int, dt.datetime]:
    found: dict[int, dt.datetime] = {}
    for one in noted:
        if one.written_at is not None:
            pk = standing[one.dataset_id].id
            found[pk] = max(one.written_at, found.get(pk, one.written_at))
    return found


def _histories(dataset_ids: Sequence[int]) -> dict[int, list[ToldSchema]]:
    """Each dataset's schemas, in order, each different from the one before in what its fields are."""
    found: dict[int, list[ToldSchema]] = {}
    if not dataset_ids:
        return found
    with bound() as cursor:
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
