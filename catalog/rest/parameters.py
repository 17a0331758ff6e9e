"""What REST reads from addresses and headers, for its description."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from catalog.filters import MAX_VALUES, DatasetFilters
from catalog.queries.search import MAX_QUERY
from catalog.snapshots import DatasetKind

NO_NUL = "^[^\\u0000]*$"
"""Text that PostgreSQL can hold."""

QUERY = OpenApiParameter(
    "q",
    {"type": "string", "maxLength": MAX_QUERY, "pattern": NO_NUL},
    description="Words: a name, a column, what a description says.",
)
SORT = OpenApiParameter(
    "sort", OpenApiTypes.STR, enum=["name", "-name", "changed", "-changed"], description="Order, where there is no q."
)


_VALUES = {
    "kind": {"type": "string", "enum": [kind.value for kind in DatasetKind]},
    "level": {"type": "string", "pattern": "^([0-9]{1,3}|none)$"},
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
}
_TEXT = {"type": "string", "maxLength": 300, "pattern": NO_NUL}


def _filters() -> list[OpenApiParameter]:
    found = []
    for name, one in DatasetFilters.base_filters.items():
        help_text = str(one.extra.get("help_text", ""))
        if name == "gone":
            found.append(OpenApiParameter(name, OpenApiTypes.STR, enum=["hide", "show", "only"], description=help_text))
            continue
        values = {"type": "array", "items": _VALUES.get(name, _TEXT), "maxItems": MAX_VALUES}
        found.append(OpenApiParameter(name, values, description=help_text, style="form", explode=True))
    return found


FILTERS = _filters()
