"""Samples of MariaDB and MySQL, which have no TABLESAMPLE: rows of large tables are drawn by chance until there are enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pymysql
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from catalog.snapshots import FieldType
from connections.engines import mysql as engines
from connections.errors import FailureKind
from connections.targets import Target
from ingestion.connectors.sampling.samples import Amount, Table
from ingestion.connectors.sampling.statements import Element, Wording, left, statement_of

_CHUNK = 64
_LOST = (0, 2006, 2013, 2014, 2055, 1053, 1927, 1317, 4031)
_REASONS = {
    1142: "the account may not read its rows; grant what the source's page lists",
    1143: "the account may not read its rows; grant what the source's page lists",
    1044: "the account may not read its rows; grant what the source's page lists",
    1205: "another session holds a lock on it",
    1969: "it took longer than allowed",
    3024: "it took longer than allowed",
    1146: "it is not there any more",
    1054: "its columns have changed",
    1356: "it is a view of something that is not there, or that its owner may not read",
}
_PLAIN = (FieldType.STRING, FieldType.ENUM, FieldType.JSON)


def _text(column: Element, kind: FieldType) -> Element:
    return left(column if kind in _PLAIN else sa.cast(column, sa.CHAR))


WORDING = Wording(
    dialect=mysql.dialect(paramstyle="named"),
    text=_text,
    length=lambda column: sa.func.octet_length(column),
    chance=lambda chance: sa.func.rand() < chance,
    shuffled=sa.func.rand,
)


class MysqlRows:
    failures: tuple[type[Exception], ...] = (pymysql.MySQLError,)

    def __init__(self, target: Target, amount: Amount) -> None:
        patient = replace(target, statement_seconds=min(target.statement_seconds, amount.seconds))
        self._held = engines.open_engine(patient).raw_connection()
        self._connection = cast("pymysql.Connection[Any]", self._held.driver_connection)

    def statement(self, table: Table, rows: int) -> tuple[str, bool]:
        return statement_of(table, rows, WORDING)

    def stream(self, statement: str) -> Iterator[Sequence[object]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            while rows := cursor.fetchmany(_CHUNK):
                yield from rows

    def meaning(self, error: Exception) -> tuple[FailureKind | None, str]:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else None
        if isinstance(error, UnicodeError | OSError) or code in _LOST:
            # Half an answer may be left on the wire.
            return FailureKind.LOST, "the connection was lost"
        return None, _REASONS.get(code or -1) or f"the server refused it (error {code or type(error).__name__})"

    def close(self) -> None:
        self._connection._force_close()
        self._held.invalidate()
