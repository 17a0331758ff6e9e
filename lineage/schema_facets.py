"""The schema facet of OpenLineage as fields of the catalog. Pure: no Django.

https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json: `fields[]` with `name`, `type`, `description`,
`ordinal_position` and nested `fields[]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from catalog.snapshots import FieldSnapshot, FieldType, Path

_BASE = re.compile(r"[a-z]+(?: (?:precision|varying))?")

_TYPES: Mapping[FieldType, str] = {
    FieldType.STRING: "string text varchar char character nvarchar nchar clob str utf8 bpchar citext keyword",
    FieldType.INTEGER: "int integer bigint smallint tinyint long short byte int hugeint uint serial bigserial number",
    FieldType.DECIMAL: "decimal numeric bignumeric money",
    FieldType.FLOAT: "float double real",
    FieldType.BOOLEAN: "bool boolean bit",
    FieldType.DATE: "date",
    FieldType.TIME: "time timetz",
    FieldType.TIMESTAMP: "timestamp timestamptz datetime instant",
    FieldType.INTERVAL: "interval duration",
    FieldType.BINARY: "binary varbinary bytes bytea blob",
    FieldType.UUID: "uuid guid",
    FieldType.ENUM: "enum",
    FieldType.JSON: "json jsonb variant super object",
    FieldType.XML: "xml",
    FieldType.ARRAY: "array list repeated",
    FieldType.STRUCT: "struct record row union",
    FieldType.MAP: "map",
    FieldType.GEOMETRY: "geometry geography point",
    FieldType.NETWORK: "inet cidr macaddr",
}
_BY_NAME = {name: type_ for type_, names in _TYPES.items() for name in names.split()}


def type_of(native: str) -> FieldType:
    """The normalised type of whatever a producer called it: `VARCHAR(20)`, `array<int>`, `Nullable(Int64)`."""
    words = native.lower().removeprefix("nullable(").strip()
    if words.endswith("[]"):
        return FieldType.ARRAY
    match = _BASE.match(words)
    name = match[0].split()[0] if match else ""
    return _BY_NAME.get(name, FieldType.OTHER)


def fields_of(facet: Mapping[str, Any]) -> tuple[FieldSnapshot, ...]:
    """The fields of a schema facet, each before the ones inside it. What is no field is passed over; the first of two
    fields of one name counts.
    """
    found: dict[Path, FieldSnapshot] = {}
    for position, (path, one) in enumerate(_walk(facet.get("fields"), ()), start=1):
        native = one.get("type")
        comment = one.get("description")
        found.setdefault(
            path,
            FieldSnapshot(
                path=path,
                position=position,
                native_type=native if isinstance(native, str) else "",
                type=type_of(native) if isinstance(native, str) else FieldType.OTHER,
                comment=comment if isinstance(comment, str) else None,
            ),
        )
    return tuple(found.values())


def same_schema(known: Sequence[FieldSnapshot], told: Sequence[FieldSnapshot]) -> tuple[FieldSnapshot, ...] | None:
    """Both as one where they differ only in that one leaves types out that the other tells; None where they differ.

    Producers tell a column's type as null when they do not know it: that is no change, and no second column.
    """
    if len(known) != len(told):
        return None
    pairs = [(_filled(one, other), _filled(other, one)) for one, other in zip(known, told, strict=True)]
    return tuple(one for one, _ in pairs) if all(one == other for one, other in pairs) else None


def _filled(one: FieldSnapshot, other: FieldSnapshot) -> FieldSnapshot:
    return one if one.native_type else msgspec.structs.replace(one, native_type=other.native_type, type=other.type)


def _walk(fields: Any, above: Path, depth: int = 0) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if not isinstance(fields, Sequence) or isinstance(fields, str) or depth > 30:
        return
    for one in fields:
        if isinstance(one, Mapping) and isinstance(one.get("name"), str) and one["name"]:
            path = (*above, one["name"])
            yield path, one
            yield from _walk(one.get("fields"), path, depth + 1)
