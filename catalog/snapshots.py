"""What a connector says of a source: frozen values, no Django, the wire format of the push endpoint.

A reading of a source is a stream of `Reading` values. Absence is proved, never inferred: a dataset may be called gone only
where a `SchemaRead` (or the `SchemasListed` that lacks its schema) says that everything there was seen.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

Path = tuple[str, ...]
"""A native path inside a source, outermost first: ("ontrack", "public", "a.b"). Dots in a part are part of the name."""


class DatasetKind(StrEnum):
    TABLE = "table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized_view"
    PARTITIONED = "partitioned"
    FOREIGN = "foreign"
    FILE = "file"
    TOPIC = "topic"
    DASHBOARD = "dashboard"
    MODEL = "model"


class FieldType(StrEnum):
    """The normalised type of a field: what it holds, whatever its source calls it."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    BINARY = "binary"
    UUID = "uuid"
    ENUM = "enum"
    JSON = "json"
    XML = "xml"
    ARRAY = "array"
    STRUCT = "struct"
    MAP = "map"
    GEOMETRY = "geometry"
    NETWORK = "network"
    RANGE = "range"
    OTHER = "other"


class KeyKind(StrEnum):
    PRIMARY = "primary"
    UNIQUE = "unique"
    FOREIGN = "foreign"


class FieldSnapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field. `path` has one part for a column and more for a field inside a struct; `position` counts from 1."""

    path: Path
    position: int
    native_type: str
    type: FieldType
    nullable: bool = True
    default: str | None = None
    comment: str | None = None


class KeySnapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """A primary, unique or foreign key. `references` is the native path of the dataset that a foreign key points to."""

    kind: KeyKind
    name: str
    columns: tuple[str, ...]
    references: Path | None = None
    referenced_columns: tuple[str, ...] = ()


class DatasetSnapshot(msgspec.Struct, frozen=True, omit_defaults=True, tag="dataset"):
    """A dataset as its source has it now.

    `fingerprint` changes when the structure (kind, comment, fields, keys, definition) does and only then; it may be made at
    the source and is compared only with fingerprints of the same connector. Empty: the receiver computes `structure_hash`.
    `row_estimate` is a count of rows, `size_bytes` counts bytes on disk; both may be unknown.
    `properties` holds what is particular to the platform: partitions, engine, server.
    """

    path: Path
    kind: DatasetKind
    fields: tuple[FieldSnapshot, ...] = ()
    keys: tuple[KeySnapshot, ...] = ()
    comment: str | None = None
    definition: str | None = None
    row_estimate: int | None = None
    size_bytes: int | None = None
    properties: dict[str, str | int | bool] = {}
    fingerprint: str = ""


class Unchanged(msgspec.Struct, frozen=True, omit_defaults=True, tag="unchanged"):
    """A dataset whose fingerprint is the known one: only its estimates may differ."""

    path: Path
    row_estimate: int | None = None
    size_bytes: int | None = None


class SchemasListed(msgspec.Struct, frozen=True, tag="schemas"):
    """Every schema of the source inside the scope, with the count of datasets expected in each (None: not known yet)."""

    schemas: tuple[Path, ...]
    expected: tuple[int | None, ...] = ()


class SchemaRead(msgspec.Struct, frozen=True, tag="schema_read"):
    """Everything inside this schema and the scope was seen in this reading."""

    schema: Path
    datasets: int


class SchemaFailed(msgspec.Struct, frozen=True, tag="schema_failed"):
    """This schema could not be read, or only in part; nothing may be concluded from what is missing. `reason` is a sentence."""

    schema: Path
    reason: str


Reading = DatasetSnapshot | Unchanged | SchemasListed | SchemaRead | SchemaFailed


def structure_hash(snapshot: DatasetSnapshot) -> str:
    """The hash of a snapshot's structure: 32 hexadecimal digits, equal for equal structure in every process and version."""
    structure = (
        snapshot.kind,
        snapshot.comment,
        snapshot.fields,
        snapshot.keys,
        snapshot.definition,
        sorted(snapshot.properties.items()),
    )
    try:
        encoded = msgspec.json.encode(structure)
    except UnicodeEncodeError:  # a lone surrogate, which only sources with unchecked text bring
        encoded = repr(msgspec.to_builtins(structure)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
