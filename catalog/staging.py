"""Take a reading of a source in: a stream of values, written by COPY into tables that only the reconciliation reads.

The staging tables are unlogged. If the server crashes they come back empty, which is why `Staged` counts what was
written and the reconciliation compares: a reading that lost its rows must never look like an empty source.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
from django.db import connection, transaction

from catalog.naming import dataset_names
from catalog.snapshots import (
    DatasetSnapshot,
    Path,
    Reading,
    SchemaFailed,
    SchemaRead,
    SchemasListed,
    Unchanged,
    structure_hash,
)

_BATCH = 2000
"""Datasets a COPY: large enough to be fast, small enough that progress moves and memory stays flat."""

_COPY_DATASETS = """
    COPY catalog_stageddataset (
        reading, path, schema_path, name, names, kind, unchanged, comment, definition, definition_digest, properties,
        row_estimate, size_bytes, field_count, field_names, fields, keys, fingerprint
    ) FROM STDIN
"""

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Staged:
    """What a reading has brought so far."""

    datasets: int = 0
    unchanged: int = 0
    listed: bool = False
    schemas: dict[Path, SchemaProgress] = field(default_factory=dict)

    @property
    def failed(self) -> dict[Path, str]:
        """The schemas that could not be read, each with its reason."""
        return {path: schema.reason for path, schema in self.schemas.items() if schema.reason}

    @property
    def expected(self) -> int | None:
        """Datasets in all that are announced, or None while any schema has not said."""
        counts = [schema.expected for schema in self.schemas.values()]
        if not self.listed or any(count is None for count in counts):
            return None
        return sum(count for count in counts if count is not None)


@dataclass(slots=True)
class SchemaProgress:
    """How far one schema is read. `reason` is set where it failed."""

    expected: int | None = None
    datasets: int = 0
    complete: bool = False
    reason: str = ""


def stage(reading: int, platform: str, values: Iterable[Reading]) -> Iterator[Staged]:
    """Write a stream of values under the id of their reading; yields the running totals after each batch and at the end.

    The caller may stop between batches (cancellation) or be stopped by the connector's error; what was staged is then
    dropped with `discard`.
    """
    staged = Staged()
    waiting: list[tuple[object, ...]] = []
    for value in values:
        match value:
            case DatasetSnapshot() | Unchanged():
                waiting.append(_row(reading, platform, value))
                staged.datasets += 1
                staged.unchanged += isinstance(value, Unchanged)
                staged.schemas.setdefault(value.path[:-1], SchemaProgress()).datasets += 1
                if len(waiting) >= _BATCH:
                    _copy(waiting)
                    waiting.clear()
                    yield staged
            case SchemasListed():
                staged.listed = True
                expected = value.expected or (None,) * len(value.schemas)
                for path, count in zip(value.schemas, expected, strict=True):
                    staged.schemas.setdefault(path, SchemaProgress()).expected = count
                yield staged
            case SchemaRead():
                progress = staged.schemas.setdefault(value.schema, SchemaProgress())
                progress.complete = True
                progress.expected = value.datasets
            case SchemaFailed():
                progress = staged.schemas.setdefault(value.schema, SchemaProgress())
                progress.complete = False
                progress.reason = value.reason
    _copy(waiting)
    yield staged


def discard(reading: int) -> None:
    """Forget a reading."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_stageddataset WHERE reading = %s", [reading])


def _row(reading: int, platform: str, value: DatasetSnapshot | Unchanged) -> tuple[object, ...]:
    path = list(map(_text, value.path))
    if isinstance(value, Unchanged):
        row: tuple[object, ...] = (reading, path, path[:-1], path[-1], [], "", True, "", "", "", "{}")
        return (*row, value.row_estimate, value.size_bytes, 0, "", "[]", "[]", "")
    definition = _text(value.definition or "")
    return (
        reading,
        path,
        path[:-1],
        path[-1],
        list(map(_text, dataset_names(platform, value.path))),
        value.kind,
        False,
        _text(value.comment or ""),
        definition,
        hashlib.blake2b(definition.encode(), digest_size=16).hexdigest() if definition else "",
        _json(value.properties),
        value.row_estimate,
        value.size_bytes,
        sum(1 for item in value.fields if len(item.path) == 1),
        _text(" ".join(part for item in value.fields for part in item.path)),
        _json(value.fields),
        _json(value.keys),
        value.fingerprint or structure_hash(value),
    )


def _text(value: str) -> str:
    """PostgreSQL text holds no NUL and no lone surrogates; sources do (SQLite among them)."""
    if value.isascii():
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    try:
        text = _encode(value).decode()
    except UnicodeEncodeError:
        text = _text(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))
    return text.replace("\\u0000", "\ufffd") if "\\u0000" in text else text


def _copy(rows: list[tuple[object, ...]]) -> None:
    if not rows:
        return
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(_COPY_DATASETS) as copy:
        for row in rows:
            copy.write_row(row)
