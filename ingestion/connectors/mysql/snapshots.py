"""From rows of information_schema to `DatasetSnapshot`s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from catalog.snapshots import DatasetKind, DatasetSnapshot, FieldSnapshot, FieldType, KeyKind, KeySnapshot
from ingestion.connectors.type_names import mysql_type

Row = tuple[Any, ...]
Name = tuple[str, str]

_dataset_of = itemgetter(0, 1)
_KEYS = {"PRIMARY KEY": KeyKind.PRIMARY, "UNIQUE": KeyKind.UNIQUE, "FOREIGN KEY": KeyKind.FOREIGN}
_INVALID_VIEW = "references invalid table(s) or column(s)"


@dataclass(slots=True)
class Beside:
    """What belongs to datasets apart from their columns, by (database, name)."""

    keys: dict[Name, tuple[KeySnapshot, ...]] = field(default_factory=dict)
    definitions: dict[Name, str] = field(default_factory=dict)
    partitions: dict[Name, Row] = field(default_factory=dict)
    json_columns: set[tuple[str, str, str]] = field(default_factory=set)


def keys(rows: Iterable[Row]) -> dict[Name, tuple[KeySnapshot, ...]]:
    """The keys of each dataset, from `sql.KEYS`."""
    found: dict[Name, list[KeySnapshot]] = {}
    for (schema, dataset, kind, name), of_key in groupby(rows, key=itemgetter(0, 1, 2, 3)):
        columns = list(of_key)
        target = columns[0][5:7]
        found.setdefault((schema, dataset), []).append(
            KeySnapshot(
                _KEYS[kind],
                name,
                tuple(row[4] for row in columns),
                (target[0], target[1]) if target[1] is not None else None,
                tuple(row[7] for row in columns if row[7] is not None),
            )
        )
    return {name: tuple(listed) for name, listed in found.items()}


def datasets(listed: Iterable[Row], columns: Iterable[Row], beside: Beside) -> Iterator[DatasetSnapshot]:
    """Merge datasets and columns, which come in the same order. A view that is broken may have no columns."""
    groups = groupby(columns, key=_dataset_of)
    name, group = next(groups, (None, iter(())))
    for row in listed:
        wanted: Name = _dataset_of(row)
        # Columns of a dataset that was made, or is not one, between the two statements.
        while name is not None and name < wanted:
            name, group = next(groups, (None, iter(())))
        of_dataset = list(group) if name == wanted else []
        if row[2] != "VIEW" and not of_dataset:
            continue  # dropped in between: it has no columns any more
        yield _dataset(row, of_dataset, beside)


def _dataset(row: Row, columns: list[Row], beside: Beside) -> DatasetSnapshot:
    schema, name, kind, engine, rows, size, comment = row
    key: Name = (schema, name)
    properties: dict[str, str | int | bool] = {}
    partition = beside.partitions.get(key)
    is_view = kind == "VIEW"
    if engine:
        properties["engine"] = engine
    if partition is not None:
        properties["partition_strategy"] = str(partition[2]).lower()
        if partition[3]:
            properties["partition_key"] = partition[3]
        properties["partitions"] = partition[4]
    if kind == "SYSTEM VERSIONED":
        properties["system_versioned"] = True
    if is_view and comment and _INVALID_VIEW in comment:
        properties["invalid"] = True
    return DatasetSnapshot(
        path=key,
        kind=DatasetKind.VIEW if is_view else DatasetKind.PARTITIONED if partition else DatasetKind.TABLE,
        fields=tuple(_field(column, beside) for column in columns),
        keys=beside.keys.get(key, ()),
        comment=None if is_view else comment or None,
        definition=beside.definitions.get(key) or None,
        row_estimate=None if is_view or rows is None else int(rows),
        size_bytes=None if is_view or size is None else int(size),
        properties=properties,
    )


def _field(row: Row, beside: Beside) -> FieldSnapshot:
    schema, dataset, name, position, native, nullable, default, extra, expression, comment = row
    is_json = (schema, dataset, name) in beside.json_columns
    return FieldSnapshot(
        path=(name,),
        position=int(position),
        native_type=native,
        type=FieldType.JSON if is_json else mysql_type(native),
        nullable=nullable == "YES",
        default=_default(default, str(extra or "").strip(), expression),
        comment=comment or None,
    )


def _default(default: str | None, extra: str, expression: str | None) -> str | None:
    """MySQL and MariaDB tell what a column does by itself in three places; one sentence holds them."""
    if expression:
        stored = "stored" if "STORED" in extra.upper() or "PERSISTENT" in extra.upper() else "virtual"
        return f"generated always as ({expression}) {stored}"
    plain = None if default is None or default == "NULL" else default
    extra = extra.replace("DEFAULT_GENERATED", "").replace("INVISIBLE", "").strip(" ,")
    return " ".join(part for part in (plain, extra) if part) or None
