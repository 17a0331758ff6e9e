"""Families of native column types, and which family can hold which category."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, lru_cache

from classification.detectors.dictionaries import read_table


class Family(StrEnum):
    """What a native type stores, whatever its source calls it."""

    UNKNOWN = "unknown"
    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    MONEY = "money"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    UUID = "uuid"
    NETWORK = "network"
    JSON = "json"
    BINARY = "binary"
    ARRAY = "array"
    GEOMETRY = "geometry"


# The first that matches; names of PostgreSQL, MySQL, SQL Server, Oracle, SQLite, DuckDB, Snowflake, BigQuery, Spark.
_FAMILIES = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"\[\]|^_|^array|^list\b|\blist$", Family.ARRAY),
        (r"^tinyint\(1\)|^bool|^bit(\(1\))?$|^logical|^yes/no", Family.BOOLEAN),
        (r"^json|^variant|^object|^struct|^map\b|^super$|^record|^hstore|^document", Family.JSON),
        (r"geom|geog|^point|polygon|^sdo_", Family.GEOMETRY),
        (r"^uuid|^uniqueidentifier|^guid", Family.UUID),
        (r"^inet|^cidr|^macaddr|^ipv?[46]?(address)?$", Family.NETWORK),
        (r"timestamp|datetime|^smalldatetime|^epoch", Family.DATETIME),
        (r"^date", Family.DATE),
        (r"^time|^interval|^duration|^year$", Family.TIME),
        (r"money", Family.MONEY),
        (r"char|text|string|clob|^enum|^set\(|^name$|^citext|^sysname|^long$|^xml|^symbol", Family.TEXT),
        (r"blob|binary|bytea|^bytes|^image|^raw|^rowversion", Family.BINARY),
        (r"^(number|numeric|decimal)\(\d+(,\s*0)?\)|int|serial|^long|^byteint|^counter|^autonumber", Family.INTEGER),
        (r"numeric|decimal|^number|^dec\b|^fixed", Family.DECIMAL),
        (r"float|double|real", Family.FLOAT),
    )
)
_LENGTH = re.compile(r"char\w*\s*\((\d{1,6})")


@lru_cache(maxsize=1024)
def family_of(native: str) -> Family:
    """The family of a native type; UNKNOWN when it is empty or of no family known."""
    text = native[:100].strip().lower()
    if not text:
        return Family.UNKNOWN
    return next((family for pattern, family in _FAMILIES if pattern.search(text)), Family.UNKNOWN)


@lru_cache(maxsize=1024)
def declared_length(native: str) -> int | None:
    """The declared length of a character type, None where there is none."""
    found = _LENGTH.search(native[:100].lower())
    return int(found[1]) if found else None


@cache
def _gates() -> tuple[dict[str, frozenset[str]], dict[str, int]]:
    table = read_table("gates.toml")
    return {kind: frozenset(families.split()) for kind, families in table["families"].items()}, table["least"]


@lru_cache(maxsize=4096)
def can_hold(native: str, kind: str) -> bool:
    """Whether a column of the native type could hold the category; an administrator's and look-alikes always."""
    families, least = _gates()
    family = family_of(native)
    if family is Family.TEXT:
        length = declared_length(native)
        return length is None or length >= least.get(kind, 0)
    return family is Family.UNKNOWN or kind not in families or family.value in families[kind]
