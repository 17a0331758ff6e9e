"""Statements of hot paths: prepared once for each connection, run without Django's transactions and question ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.utils import debug_transaction

_PREPARE_AFTER = 2


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that may run twice: once more on a new connection where the one at hand turns out dead.

    This takes the place of Django's question ahead of each request whether the connection still lives. Raises what Django
    raises where the database does not answer.
    """
    try:
        return _asked(statement, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or connection.connection is None or not connection.connection.closed:
            raise
        connection.close()
        return _asked(statement, values)


def _asked(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    raw = connection.connection
    if raw.prepare_threshold is None:
        raw.prepare_threshold = _PREPARE_AFTER
        # PostgreSQL would plan anew each time, for it takes plans for these values to be better than they are: of a decision's
        # 1.6 ms there 1.3 ms were planning. Behind a pool of transactions some connections lack it, and are slower.
        raw.execute("SET plan_cache_mode TO force_generic_plan")
    # Whoever counts Django's statements counts these too.
    with debug_transaction(connection, statement), connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
