"""Rows for statements that take them as one JSON array: any number of rows, one statement, one parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper


def encoded(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()


def bound() -> CursorWrapper:
    """A cursor of Django's connection that sends parameters beside the statement.

    Django writes them into it. Of a megabyte of rows that costs more than what is done with them: they are quoted here, and
    read as SQL by PostgreSQL before they are read as JSON.
    """
    connection.ensure_connection()
    cursor: Any = psycopg.Cursor(connection.connection)
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


def write(statement: str, rows: Sequence[Any]) -> None:
    """Run a statement over these rows; none where there are none."""
    if rows:
        with bound() as cursor:
            cursor.execute(statement, [encoded(rows)])
