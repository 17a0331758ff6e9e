"""What is inside the cells of a sample: the elements of arrays, and the fields inside structs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ingestion.connectors.sampling.samples import LONGEST_CELL

MOST_ELEMENTS = 50
"""Elements of one cell that are looked at."""

Cells = Sequence[str | None]


def elements(cells: Cells) -> list[str | None]:
    """The elements of the arrays that cells hold as JSON, of arrays of arrays as well; a null array is one null."""
    found: list[str | None] = []
    for cell in cells:
        array = _parsed(cell) if cell is not None else None
        if isinstance(array, list):
            found.extend(_flat(array))
        else:
            found.append(cell if array is None else _text(array))
    return found


def _flat(array: list[Any]) -> Iterator[str | None]:
    for number, element in enumerate(array):
        if number == MOST_ELEMENTS:
            return
        if isinstance(element, list):
            yield from _flat(element)
        else:
            yield _text(element)


def inside(cells: Cells, path: Sequence[str]) -> list[str | None]:
    """What stands at `path` in the structs that cells hold as JSON; of arrays of structs, in each of them."""
    found: list[str | None] = []
    for cell in cells:
        struct = _parsed(cell) if cell is not None else None
        values = [struct]
        for part in path:
            values = [value.get(part) for value in _spread(values) if isinstance(value, dict)]
        found.extend(_text(value) for value in values or [None])
    return found


def _spread(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value[:MOST_ELEMENTS]
        else:
            yield value


def _parsed(cell: str) -> Any:
    """The JSON of a cell; of an array that was cut off, what comes before the cut. None where it is neither."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if len(cell) < LONGEST_CELL or not cell.startswith("["):
        return None
    try:
        return json.loads(cell.rpartition(",")[0] + "]")
    except (ValueError, RecursionError):
        return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
