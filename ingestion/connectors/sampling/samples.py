"""What is asked for, and what comes back: the rows of one table, cut to size, or why there are none.

A driver's words about a failed statement may quote the data ("invalid input syntax for type integer: …"), so none of them
is passed on: a failure is told by its kind and the source's code for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from catalog.snapshots import DatasetKind, FieldType, Path
from connections.errors import ConnectorError, FailureKind

LONGEST_CELL = 2_000
"""Characters of a cell that are read; the source cuts off the rest."""

MOST_CELLS = 400_000
"""Cells of a table that are asked for: a table of very many columns gives fewer rows."""

MOST_BYTES = 32 * 1024 * 1024
"""About so much of a table is held; then reading stops."""


class Amount(StrEnum):
    """How much of each table is read."""

    LIGHT = "light"
    FULL = "full"

    @property
    def rows(self) -> int:
        return {Amount.LIGHT: 200, Amount.FULL: 2_000}[self]

    @property
    def seconds(self) -> int:
        """How long a table may take."""
        return {Amount.LIGHT: 10, Amount.FULL: 60}[self]


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view to read. `columns` are those of the uppermost level, by their names, in order."""

    path: Path
    columns: Sequence[tuple[str, FieldType]]
    kind: DatasetKind = DatasetKind.TABLE
    row_estimate: int | None = None
    size_bytes: int | None = None

    def rows_wanted(self, amount: Amount) -> int:
        return max(1, min(amount.rows, MOST_CELLS // max(1, len(self.columns))))


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """The cells of a table by column, in the order of the table's columns, as text; None for nulls.

    Of binary columns a cell holds its length in bytes, of geometries nothing. Arrays, structs and maps come as JSON. `whole`
    says that these are all of the rows. `failure` is a sentence, and then there are no cells.
    """

    path: Path
    columns: Sequence[Sequence[str | None]] = field(default=())
    rows: int = 0
    whole: bool = False
    failure: str = ""

    def __repr__(self) -> str:
        """Without what was read: a representation ends in logs."""
        return f"<Sample of {'.'.join(self.path)}: {self.failure or f'{self.rows} rows'}>"


class Rows(Protocol):
    """A connection to a source that reads samples, one statement at a time."""

    failures: tuple[type[Exception], ...]
    """What the driver raises."""

    def statement(self, table: Table, rows: int) -> tuple[str, bool]:
        """The statement, and whether it reads all rows where there are not more than `rows`."""

    def stream(self, statement: str) -> Iterator[Sequence[object]]:
        """The rows as they come. Ending early gives nothing more to read."""

    def meaning(self, error: Exception) -> tuple[FailureKind | None, str]:
        """What kind of failure it is, None for that of a single table, and a short reason without a word of the driver's."""

    def close(self) -> None: ...


class Sampler:
    """Reads tables one after another. Opened again when the connection breaks, a few times."""

    _REOPENINGS = 3

    def __init__(self, amount: Amount, opened: Callable[[], Rows]) -> None:
        self._amount = amount
        self._opens = opened
        self._rows: Rows = opened()
        self._reopened = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._rows.close()

    def read(self, table: Table) -> Sample:
        """A sample of the table, or the sentence that says why there is none.

        Raises `ConnectorError` where the source is out of reach, so that other tables cannot be read either.
        """
        wanted = table.rows_wanted(self._amount)
        statement, reads_all = self._rows.statement(table, wanted)
        failures: tuple[type[Exception], ...] = (*self._rows.failures, OSError, UnicodeError)
        try:
            cells, cut = self._cells(statement, len(table.columns))
        except failures as error:
            kind, reason = self._rows.meaning(error)
            if kind is FailureKind.LOST:
                self._reopen(reason)
            # What the driver says may quote the data, and so may what it says it was caused by.
            return Sample(table.path, failure=reason)
        if cut:
            self._reopen("")
        rows = len(cells[0]) if cells else 0
        return Sample(table.path, cells, rows, whole=reads_all and not cut and rows < wanted)

    def _cells(self, statement: str, width: int) -> tuple[list[list[str | None]], bool]:
        columns: list[list[str | None]] = [[] for _ in range(width)]
        held = 0
        for row in self._rows.stream(statement):
            for column, cell in zip(columns, row, strict=True):
                if cell is None:
                    column.append(None)
                    continue
                text = cell if isinstance(cell, str) else _as_text(cell)
                held += len(text)
                column.append(text)
            if held > MOST_BYTES:
                return columns, True
        return columns, False

    def _reopen(self, reason: str) -> None:
        self._rows.close()
        if reason:
            if self._reopened == self._REOPENINGS:
                raise ConnectorError(f"The source was lost again and again: {reason}.", FailureKind.LOST)
            self._reopened += 1
        self._rows = self._opens()


def _as_text(cell: object) -> str:
    return bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes | bytearray | memoryview) else str(cell)
