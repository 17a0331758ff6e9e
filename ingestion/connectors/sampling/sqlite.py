"""Samples of SQLite files. Bytes that are no UTF-8 become replacement characters."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from catalog.snapshots import FieldType
from connections.engines import sqlite as engines
from connections.errors import FailureKind
from connections.targets import Target
from ingestion.connectors.sampling.samples import LONGEST_CELL, Amount, Table
from ingestion.connectors.sampling.statements import Element, Wording, statement_of

_STEPS = 100_000
_CHANCES = 1 << 20


def _text(column: Element, kind: FieldType) -> Element:
    return sa.func.substr(sa.cast(column, sa.Text), 1, LONGEST_CELL)


WORDING = Wording(
    dialect=sqlite.dialect(paramstyle="named"),
    text=_text,
    length=lambda column: sa.func.length(sa.cast(column, sa.BLOB)),
    # random() is any integer of 64 bits: abs() of the least one fails.
    chance=lambda chance: sa.func.random().op("&")(_CHANCES - 1) < round(chance * _CHANCES),
    shuffled=sa.func.random,
)


class SqliteRows:
    failures: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, target: Target, amount: Amount) -> None:
        self._seconds = min(target.statement_seconds, amount.seconds)
        self._held = engines.open_engine(target).raw_connection()
        self._connection = cast(sqlite3.Connection, self._held.driver_connection)
        self._connection.text_factory = lambda held: held.decode("utf-8", "replace")

    def statement(self, table: Table, rows: int) -> tuple[str, bool]:
        return statement_of(table, rows, WORDING)

    def stream(self, statement: str) -> Iterator[Sequence[object]]:
        deadline = time.monotonic() + self._seconds
        self._connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
        yield from self._connection.execute(statement)

    def meaning(self, error: Exception) -> tuple[FailureKind | None, str]:
        said = str(error)
        for fragment, reason in (
            ("interrupted", "it took longer than allowed"),
            ("locked", "the file is locked by a writer"),
            ("no such table", "it is not there any more"),
            ("no such column", "its columns have changed"),
        ):
            if fragment in said:
                return None, reason
        return None, f"SQLite refused it ({getattr(error, 'sqlite_errorname', None) or type(error).__name__})"

    def close(self) -> None:
        self._connection.close()
        self._held.invalidate()
