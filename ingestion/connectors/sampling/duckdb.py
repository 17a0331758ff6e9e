"""Samples of DuckDB files. Lists, structs and maps come as JSON."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from catalog.snapshots import FieldType
from connections.engines import duckdb as engines
from connections.errors import FailureKind
from connections.targets import Target
from ingestion.connectors.sampling.samples import Amount, Table
from ingestion.connectors.sampling.statements import Element, Wording, left, statement_of

_CHUNK = 64
_REASONS = {
    "InterruptException": "it took longer than allowed",
    "CatalogException": "it is not there any more",
    "BinderException": "its columns have changed",
}


def _text(column: Element, kind: FieldType) -> Element:
    if kind in (FieldType.ARRAY, FieldType.STRUCT, FieldType.MAP):
        column = sa.func.to_json(column)
    return left(sa.cast(column, sa.Text))


WORDING = Wording(
    # DuckDB has no dialect of its own here, and reads what is written for PostgreSQL.
    dialect=postgresql.dialect(paramstyle="named"),
    text=_text,
    length=lambda column: sa.func.octet_length(column),
    chance=lambda chance: sa.func.random() < chance,
    shuffled=sa.func.random,
)


class DuckdbRows:
    failures: tuple[type[Exception], ...] = (duckdb.Error,)

    def __init__(self, target: Target, amount: Amount) -> None:
        self._seconds = min(target.statement_seconds, amount.seconds)
        self._connection = engines.connect(target)

    def statement(self, table: Table, rows: int) -> tuple[str, bool]:
        return statement_of(table, rows, WORDING)

    def stream(self, statement: str) -> Iterator[Sequence[object]]:
        patience = threading.Timer(self._seconds, self._connection.interrupt)
        patience.daemon = True
        patience.start()
        try:
            answer = self._connection.execute(statement)
            while rows := answer.fetchmany(_CHUNK):
                yield from rows
        finally:
            patience.cancel()

    def meaning(self, error: Exception) -> tuple[FailureKind | None, str]:
        name = type(error).__name__
        return None, _REASONS.get(name) or f"DuckDB refused it ({name})"

    def close(self) -> None:
        self._connection.close()
