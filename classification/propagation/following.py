"""Bring inherited labels in line with lineage and with what people said: from what changed, or from the start.

One at a time, under a lock that ends with its transaction; whoever finds another at it leaves it to them. The result is a
function of lineage, labels and decisions as they stand, and of which masking is held: done again it changes nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.db import connection, transaction

from accounts.models import Principal
from classification.actions import suggest_by_keys
from classification.models import StaleDataset
from classification.propagation import masking, statements
from classification.propagation.changes import respread
from classification.propagation.ground import (
    Ground,
    TooFar,
    batches,
    every_carried,
    every_edge,
    every_own,
    rows,
)
from classification.propagation.holding import to_hold
from classification.propagation.labels import write_labels
from classification.propagation.spread import Carried, Edge, spread
from common.arrays import array_of
from lineage.changed_columns import has_changed_columns, take_changed_columns

Changes = dict[int, Carried | None]
_LOCK = 4_100_002
_NOTES = 20_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Followed:
    """How many columns carry something else than before, how many labels that added, changed or ended, and of which
    datasets (ids) labels changed."""

    columns: int = 0
    labels: int = 0
    datasets: frozenset[int] = frozenset()


def follow_changes() -> Followed:
    """Take the notes of what changed and follow them; a fixed number of statements, and two for each distance they reach.

    What foreign keys suggest of labels that changed is looked at afterwards. Raises `TooFar`, and leaves the notes, where
    `carry_all` costs less.
    """
    done = _follow()
    _suggest(done.datasets)
    return done


def carry_all(*, where_noted: bool = False) -> Followed:
    """Carry all labels anew; with `where_noted` only if notes wait, so that asking for it twice is as asking once.

    100,000 columns with 300,000 hops take seconds and 120 MB.
    """
    done = _carry(where_noted)
    _suggest(done.datasets)
    return done


def _suggest(datasets: Collection[int]) -> None:
    """In transactions of their own: other datasets are held for it, in their own order."""
    for batch in batches(sorted(datasets), _AT_ONCE):
        suggest_by_keys(datasets=batch, by=Principal.objects.system())


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no cycles meanwhile: there are none among so many tuples, and going through them again and again
    took a third of Python's time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@transaction.atomic
@_without_collector()
def _follow() -> Followed:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        (alone,) = cursor.fetchone()
    stale, changed = _noted() if alone else (set(), set())
    if not changed:
        return Followed(datasets=frozenset(stale))
    masking.release(changed)
    ground = Ground()
    done = _settle(lambda held: respread({*changed, *held}, ground), ground, changed)
    return replace(done, datasets=done.datasets | stale)


@transaction.atomic
@_without_collector()
def _carry(where_noted: bool) -> Followed:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    stale = set(StaleDataset.objects.values_list("dataset_id", flat=True))
    if where_noted and not stale and not has_changed_columns():
        return Followed()
    StaleDataset.objects.all().delete()
    while take_changed_columns(_NOTES):
        pass
    masking.release(None)
    before = every_carried()

    def carried(_: Collection[int]) -> Changes:
        now = spread(every_edge(), every_own())
        return {
            column: now.get(column) for column in before.keys() | now.keys() if before.get(column) != now.get(column)
        }

    done = _settle(carried, Ground(), None)
    return replace(done, datasets=done.datasets | {pk for pk in stale if pk is not None})


def _noted() -> tuple[set[int], set[int]]:
    """The datasets and the columns that notes speak of, which are taken. Raises `TooFar` where all are stale, or too many."""
    columns = take_changed_columns(_NOTES)
    notes = StaleDataset.objects.order_by("pk").select_for_update(skip_locked=True)
    stale = dict(notes.values_list("pk", "dataset_id")[:_NOTES])
    if len(columns) == _NOTES or len(stale) == _NOTES or None in stale.values():
        raise TooFar
    datasets = {pk for pk in stale.values() if pk is not None}
    if stale:
        StaleDataset.objects.filter(pk__in=stale).delete()
        columns |= {column for (column,) in rows(statements.COLUMNS_OF, [array_of(datasets)])}
    return datasets, columns


def _settle(
    carried: Callable[[Collection[int]], Changes], ground: Ground, looked_at: Collection[int] | None
) -> Followed:
    """Write what is carried otherwise now, and the labels that follow, of these columns or of all.

    `carried` gives what changed, once masking into the columns that it is called with is held.
    """
    held: set[int] = set()
    changes = carried(held)
    while more := _lowered_by_masking(changes, ground):
        masking.hold(more)
        held |= {downstream for _, downstream, _ in more}
        changes = carried(held)
    _write(changes)
    columns = None if looked_at is None else held | changes.keys() | set(looked_at)
    masking.ask_stewards(columns)
    why = (
        "All labels were carried anew."
        if looked_at is None
        else f"Lineage or labels of {len(looked_at)} columns changed."
    )
    written = write_labels(columns, why=why)
    return Followed(len(changes), written.labels, frozenset(written.datasets))


def _lowered_by_masking(changes: Changes, ground: Ground) -> set[tuple[int, int, int]]:
    """The masking by which levels would fall that hold, where nobody put a label there."""
    before = ground.carried(changes.keys())
    fell = {column: one for column, one in before.items() if one.inherited and _rank(changes[column]) < one.rank}
    decided = {column for column, own in ground.own(fell.keys()).items() if own.decided} if fell else set()
    fell = {column: one for column, one in fell.items() if column not in decided}
    told = [Edge._make(row) for row in rows(statements.MASKING_INTO, [array_of(fell)])] if fell else []
    if not told:
        return set()
    asked = {one.source for one in fell.values()} | {edge.upstream for edge in told}
    now = ground.carried(asked - changes.keys())
    now |= {column: one for column, one in changes.items() if one is not None}
    return to_hold(fell=fell, now=now, masking=told)


def _rank(carried: Carried | None) -> int:
    return carried.rank if carried else 0


def _write(changes: Changes) -> None:
    if not changes:
        return
    with connection.cursor() as cursor:
        cursor.execute(statements.FORGET_CARRIED, [array_of(changes)])
        with cursor.copy(statements.ADD_CARRIED) as copy:
            for column, one in changes.items():
                if one is not None:
                    copy.write_row((column, *one))
