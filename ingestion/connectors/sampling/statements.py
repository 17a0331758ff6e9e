"""The one statement that samples a table, in the words of its source. SQLAlchemy's dialects quote every name.

Large tables are thinned before a row is looked at: by blocks where the source can (TABLESAMPLE SYSTEM), else by chance row
by row, of which it looks at a hundred times what is wanted at most. Small ones are shuffled. Of a table whose size nobody
knows the first rows are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import quoted_name

from catalog.snapshots import DatasetKind, FieldType
from ingestion.connectors.sampling.samples import LONGEST_CELL, Table

_SMALL_ROWS = 10_000
_SMALL_BYTES = 16 * 1024 * 1024
_PAGE_BYTES = 8192
_FEWEST_BLOCKS = 20
"""So many blocks are drawn on average at least: that none is drawn happens once in 500 million tables."""

_FEWEST_DRAWN = 2_000
"""So many rows are drawn at least of a table whose size nobody knows: of rows of 80 bytes about as many blocks."""

_SPARE = 1.5
_LEAST_CHANCE = 0.01
_IN_BLOCKS = (DatasetKind.TABLE, DatasetKind.MATERIALIZED_VIEW, DatasetKind.PARTITIONED)

Element = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Wording:
    """How a platform says what differs: a cell as text of at most `LONGEST_CELL` characters, a binary cell's length, a
    condition that is true with a given chance, and a random order. `blocks` says that it knows TABLESAMPLE.
    """

    dialect: Dialect
    text: Callable[[Element, FieldType], Element]
    length: Callable[[Element], Element]
    chance: Callable[[float], Element]
    shuffled: Callable[[], Element]
    blocks: bool = False


def statement_of(table: Table, rows: int, wording: Wording) -> tuple[str, bool]:
    """The statement that reads `rows` rows, and whether it reads all of them where there are not more."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(quoted_name(name, quote=True)) for name, _ in table.columns]
    schema = quoted_name(table.path[-2], quote=True) if len(table.path) > 1 else None
    source: sa.FromClause = sa.table(quoted_name(table.path[-1], quote=True), *columns, schema=schema)
    # Sources say 0 of tables that they have never counted.
    estimate, size = table.row_estimate or None, table.size_bytes
    small = estimate is not None and estimate <= _SMALL_ROWS and (size or 0) <= _SMALL_BYTES
    reads_all = small or estimate is None or estimate <= rows
    order, condition = None, None
    if small:
        order = wording.shuffled()
    elif not reads_all and estimate is not None:
        if wording.blocks and table.kind in _IN_BLOCKS:
            # Of partitioned tables PostgreSQL tells no size.
            least = _FEWEST_BLOCKS * _PAGE_BYTES / size if size else _FEWEST_DRAWN / estimate
            share = max(_SPARE * rows / estimate, least)
            percent = sa.literal(round(min(100.0, 100 * share), 6), sa.Float())
            source = sa.tablesample(source, sa.func.system(percent), name="drawn")
            order = wording.shuffled()
        else:
            condition = wording.chance(round(max(_LEAST_CHANCE, _SPARE * rows / estimate), 6))

    def limited(chosen: Sequence[Element]) -> sa.Select[Any]:
        found = sa.select(*chosen).select_from(source)
        found = found if condition is None else found.where(condition)
        return (found if order is None else found.order_by(order)).limit(rows)

    kinds = [kind for _, kind in table.columns]
    if wording.blocks:
        # Sorted by reference, and cut after the rows were chosen: what is long is touched for those alone.
        kept = limited(list(source.c)).subquery("chosen")
        statement = sa.select(*(_cell(column, kind, wording) for column, kind in zip(kept.c, kinds, strict=True)))
    else:
        statement = limited([_cell(column, kind, wording) for column, kind in zip(source.c, kinds, strict=True)])
    return str(statement.compile(dialect=wording.dialect, compile_kwargs={"literal_binds": True})), reads_all


def _cell(column: Element, kind: FieldType, wording: Wording) -> Element:
    if kind is FieldType.GEOMETRY:
        return sa.case((column.is_(None), None), else_=sa.literal_column("''"))
    if kind is FieldType.BINARY:
        return wording.length(column)
    return wording.text(column, kind)


def left(column: Element) -> Element:
    """The first characters of a text."""
    return sa.func.left(column, LONGEST_CELL)
