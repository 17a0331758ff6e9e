"""Put a test database back to what migrations left in it, after a test that committed.

Django empties all tables for that and has them filled anew by the handlers of `post_migrate`: half a second to
truncate a hundred tables with five hundred indexes, half a second more for the handlers, and what migrations seeded
stays away. Here only those rows go and come back that a test has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.test import TransactionTestCase
from psycopg import sql

_OWN_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'django_migrations'
    ORDER BY relname
"""


class Database:
    """The test database at `url`, whose user must be a superuser, with the rows that it holds now, as COPY writes them."""

    def __init__(self, url: str) -> None:
        self.url = url
        with self._connection() as connection:
            self.rows = {table: _read(connection, table) for table in _tables_with_rows(connection)}

    def restore(self) -> None:
        """Undo what was committed since. Nothing is locked, so that a connection which a test left open does not matter."""
        with self._connection() as connection:
            filled = _tables_with_rows(connection)
            changed = filled - self.rows.keys()
            changed |= {
                table for table, rows in self.rows.items() if table not in filled or _read(connection, table) != rows
            }
            # Neither order nor triggers matter: the rows are whole as they were, and some tables let nobody delete.
            connection.execute("SET session_replication_role = replica")
            for table in sorted(changed):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                if table in self.rows:
                    _write(connection, table, self.rows[table])

    @contextmanager
    def after_each_committing_test(self) -> Iterator[None]:
        """Do so wherever Django would empty the tables."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: self.restore())
            yield

    def end_sessions(self) -> None:
        """End what is still connected, threads of a test's web server say: a database in use cannot be dropped."""
        with self._connection() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _connection(self) -> psycopg.Connection[tuple[str]]:
        return psycopg.connect(self.url)


def _tables_with_rows(connection: psycopg.Connection[tuple[str]]) -> set[str]:
    tables = [name for (name,) in connection.execute(_OWN_TABLES)]
    any_rows = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier(name))
        for name in tables
    )
    return {name for (name,) in connection.execute(any_rows)}


def _read(connection: psycopg.Connection[tuple[str]], table: str) -> bytes:
    statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(copy)


def _write(connection: psycopg.Connection[tuple[str]], table: str, rows: bytes) -> None:
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(rows)
