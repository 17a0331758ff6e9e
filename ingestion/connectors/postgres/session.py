"""One conversation with a PostgreSQL server: opened again when it breaks, and rows that arrive one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import psycopg

from connections.engines import postgres as engines
from connections.errors import ConnectorError
from connections.targets import Target

_CHUNK = 128
_REOPENINGS = 2


class Session:
    """Raises `ConnectorError` when the server cannot be reached; statements raise psycopg's errors."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._engine = engines.open_engine(target)
        self._reopenings = 0
        self._open()

    def _open(self) -> None:
        # The engine's wrapper is kept: the driver's connection goes back when the wrapper is collected.
        self._held = self._engine.raw_connection()
        self._connection = cast("psycopg.Connection[Any]", self._held.driver_connection)

    def close(self) -> None:
        self._connection.close()
        self._held.invalidate()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def server_version(self) -> int:
        return self._connection.info.server_version

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows at once, for what is small."""
        return self._connection.execute(statement, parameters).fetchall()

    def stream(self, statement: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Rows as the server makes them: one statement, a bounded number of rows in memory."""
        with self._connection.cursor() as cursor:
            yield from cursor.stream(statement, parameters, size=_CHUNK)

    def recover(self, error: psycopg.Error) -> ConnectorError | None:
        """Make the session usable after `error`, with a new snapshot. Answers why it cannot be, when it
        cannot.
        """
        meaning = engines.read_error(error, self._target)
        if not engines.is_lost(error, self._connection):
            try:
                self._connection.rollback()
                return None
            except psycopg.Error as again:
                meaning = engines.read_error(again, self._target)
        self._connection.close()
        if self._reopenings == _REOPENINGS:
            return meaning
        self._reopenings += 1
        try:
            self._open()
        except ConnectorError:
            self._reopenings = _REOPENINGS
            return meaning
        return None

    def meaning(self, error: psycopg.Error) -> ConnectorError:
        return engines.read_error(error, self._target)
