"""Read a schema facet: the fields of a dataset as a pipeline tells them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from catalog.snapshots import FieldSnapshot, FieldType

_TYPES: tuple[tuple[FieldType, str], ...] = (
    (FieldType.ARRAY, r"array|list|.*\[\]$"),
    (FieldType.STRUCT, r"struct|record|row\b|tuple|object"),
    (FieldType.MAP, r"map"),
    (FieldType.TIMESTAMP, r"timestamp|datetime"),
    (FieldType.DATE, r"date"),
    (FieldType.TIME, r"time"),
    (FieldType.INTERVAL, r"interval|duration"),
    (FieldType.BOOLEAN, r"bool|bit$"),
    (FieldType.DECIMAL, r"decimal|numeric|number|bignumeric|money"),
    (FieldType.FLOAT, r"float|double|real"),
    (FieldType.INTEGER, r"u?(?:tiny|small|medium|big|huge)?int(?:eger)?\d*\b|long|short|byteint|(?:small|big)?serial"),
    (FieldType.UUID, r"uuid|guid"),
    (FieldType.JSON, r"json|variant"),
    (FieldType.XML, r"xml"),
    (FieldType.ENUM, r"enum"),
    (FieldType.GEOMETRY, r"geo|point|polygon"),
    (FieldType.NETWORK, r"inet|cidr|macaddr"),
    (FieldType.BINARY, r"bytes|bytea|binary|varbinary|blob|.*blob"),
    (FieldType.STRING, r"string|str\b|text|.*text|.*char|varchar|nvarchar|character"),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _TYPES)
_DEEPEST = 20


def fields_of(facet: Any) -> tuple[FieldSnapshot, ...]:
    """The fields that a schema facet names, nested ones after the one they are in; what is no field is passed over."""
    found: dict[tuple[str, ...], FieldSnapshot] = {}
    for path, position, field in _walk(facet.get("fields") if isinstance(facet, dict) else None, ()):
        native = field.get("type")
        comment = field.get("description")
        native = native if isinstance(native, str) else ""
        found.setdefault(
            path,
            FieldSnapshot(
                path=path,
                position=position,
                native_type=native,
                type=field_type(native),
                comment=comment if isinstance(comment, str) and comment else None,
            ),
        )
    return tuple(found.values())


def _walk(fields: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int, dict[str, Any]]]:
    if not isinstance(fields, list) or len(above) >= _DEEPEST:
        return
    for place, field in enumerate(fields, start=1):
        if not isinstance(field, dict) or not isinstance(field.get("name"), str) or not field["name"]:
            continue
        path = (*above, field["name"])
        yield path, place, field
        yield from _walk(field.get("fields"), path)


def field_type(native: str) -> FieldType:
    """The normalised type of a type's name as SQL engines, Spark, pandas and Avro write it: `varchar(20) -> string`."""
    name = native.strip()
    for kind, pattern in _PATTERNS:
        if pattern.match(name):
            return kind
    return FieldType.OTHER
