"""Rows of the benchmark's form: JSON objects with `table`, `column`, `sql_type`, `comment`, `values`, in; predictions out.

Rows one after another that name the same table are one table, and each other's context. Rows of a table that are scattered
are as many tables: so files of any length stream, and what is written for a row never depends on rows far away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any

from classification.detectors.sketches import ColumnSketch, TableSketch, Verdict

MOST_TOGETHER = 2_000
Row = Mapping[str, Any]


def read_rows(lines: Iterable[str]) -> Iterator[Row]:
    """The rows of a file of JSON lines; ValueError names the line that is no JSON object."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"Line {number} is no JSON: {error}. Write one object a line.") from error
        if not isinstance(row, dict) or "column" not in row:
            raise ValueError(f"Line {number} is no object with a “column”. Write one object a line.")
        yield row


def tables_of(rows: Iterable[Row]) -> Iterator[tuple[TableSketch, list[Row]]]:
    """Tables, each with its rows: rows one after another of the same name, at most 2,000 together."""
    for name, together in groupby(rows, key=lambda row: _text(row.get("table"))):
        while part := list(islice(together, MOST_TOGETHER)):
            yield TableSketch(name, tuple(column_of(row) for row in part)), part


def column_of(row: Row) -> ColumnSketch:
    """The sketch of a row. Labels are not read."""
    values = row.get("values")
    return ColumnSketch(
        name=_text(row["column"]),
        type=_text(row.get("sql_type")),
        comment=_text(row.get("comment")),
        values=None if values is None else [None if value is None else _text(value) for value in values],
    )


def prediction_of(row: Row, verdict: Verdict) -> dict[str, Any]:
    """A verdict in the form that the benchmark's scorer reads."""
    return {
        "id": row.get("id"),
        "type": verdict.category,
        "pii": verdict.personal,
        "level": verdict.level.value.capitalize(),
        "confidence": round(verdict.confidence, 4),
    }


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return (
        "" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    )
