"""Notes of columns into which something else flows than before: left where edges are written, taken by whoever follows.

Edges are written by the fold, by merges and by the readers of SQL. A note commits together with what it tells of, so whoever
takes it sees that, or something later of which there will be another note.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

NOTE_CHANGED = """
    INSERT INTO lineage_changedcolumn ("column") SELECT DISTINCT downstream_id FROM changed WHERE current
"""
"""Ends a statement whose part `changed` has the lower ends of hops, and whether they were or are current."""

_NOTE_KNOWN = """
    INSERT INTO lineage_changedcolumn ("column")
    SELECT id FROM lineage_column WHERE dataset_id = ANY(%s) AND name <> '' ORDER BY id
"""

_TAKE = """
    WITH taken AS (
        DELETE FROM lineage_changedcolumn WHERE id IN (
            SELECT id FROM lineage_changedcolumn ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
        )
        RETURNING "column"
    )
    SELECT DISTINCT "column" FROM taken
"""


def note_described(dataset_ids: Collection[int]) -> None:
    """Note the columns of datasets whose fields came to be known, or changed."""
    if dataset_ids:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_KNOWN, [sorted(dataset_ids)])


def take_changed_columns(limit: int) -> set[int]:
    """The columns of the oldest `limit` notes, which are gone when the caller's transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        return {column for (column,) in cursor.fetchall()}


def has_changed_columns() -> bool:
    """Whether there is a note."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM lineage_changedcolumn)")
        ((found,),) = cursor.fetchall()
        return bool(found)
