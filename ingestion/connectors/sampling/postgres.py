"""Samples of PostgreSQL. Bytes that are no UTF-8, as databases in SQL_ASCII hold, become replacement characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Buffer, Loader
from sqlalchemy.dialects import postgresql

from catalog.snapshots import FieldType
from connections.engines import postgres as engines
from connections.errors import FailureKind
from connections.targets import Target
from ingestion.connectors.sampling.samples import Amount, Table
from ingestion.connectors.sampling.statements import Element, Wording, left, statement_of

_TEXT_OID = 25
_CHUNK = 64
_REASONS = {
    "42501": "the account may not read its rows; grant what the source's page lists",
    "57014": "it took longer than allowed",
    "55P03": "another session holds a lock on it",
    "42P01": "it is not there any more",
    "42703": "its columns have changed",
}


def _text(column: Element, kind: FieldType) -> Element:
    if kind in (FieldType.ARRAY, FieldType.STRUCT, FieldType.MAP):
        column = sa.func.to_json(column)
    return left(sa.cast(column, sa.Text))


WORDING = Wording(
    # Named: with another style the compiler would double the percent signs of names.
    dialect=postgresql.dialect(paramstyle="named"),
    text=_text,
    length=lambda column: sa.cast(sa.func.octet_length(column), sa.Text),
    chance=lambda chance: sa.func.random() < chance,
    shuffled=sa.func.random,
    blocks=True,
)


class _Lenient(Loader):
    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")


class PostgresRows:
    failures: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, target: Target, amount: Amount) -> None:
        patient = replace(target, statement_seconds=min(target.statement_seconds, amount.seconds))
        self._engine = engines.open_engine(patient)
        # The engine's wrapper is kept: the driver's connection goes back when the wrapper is collected.
        self._held = self._engine.raw_connection()
        self._connection = cast("psycopg.Connection[Any]", self._held.driver_connection)
        # Each statement is a transaction of its own: a long one would keep the source from cleaning up.
        self._connection.autocommit = True
        self._connection.execute("SELECT set_config('DateStyle', 'ISO', false), set_config('TimeZone', 'UTC', false)")
        if self._connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # Otherwise the server refuses to send what is no UTF-8.
            self._connection.execute("SET client_encoding = 'SQL_ASCII'")
        self._connection.adapters.register_loader(_TEXT_OID, _Lenient)

    def statement(self, table: Table, rows: int) -> tuple[str, bool]:
        return statement_of(table, rows, WORDING)

    def stream(self, statement: str) -> Iterator[Sequence[object]]:
        with self._connection.cursor() as cursor:
            yield from cursor.stream(statement.encode(), size=_CHUNK)

    def meaning(self, error: Exception) -> tuple[FailureKind | None, str]:
        state = getattr(error, "sqlstate", None) or ""
        if isinstance(error, psycopg.Error) and engines.is_lost(error, self._connection):
            return FailureKind.LOST, "the connection was lost"
        return None, _REASONS.get(state) or f"PostgreSQL refused it (error {state or type(error).__name__})"

    def close(self) -> None:
        self._connection.close()
        if self._held.is_valid:
            self._held.invalidate()
