"""Native type names → normalised types, as tables. The names are those that each source's catalog writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from catalog.snapshots import FieldType

_PARAMETERS = re.compile(r"\s*\([^()]*\)")
_ARRAY = re.compile(r"(\[\d*\])+$")


def _table(**names: str) -> dict[str, FieldType]:
    return {name.strip(): FieldType[kind] for kind, listed in names.items() for name in listed.split(",")}


_POSTGRES = _table(
    STRING=(
        'text, character varying, character, name, "char", bpchar, citext, ltree, lquery, ltxtquery, tsvector, tsquery'
    ),
    INTEGER="smallint, integer, bigint, oid, xid, xid8, cid",
    DECIMAL="numeric, money",
    FLOAT="real, double precision",
    BOOLEAN="boolean",
    DATE="date",
    TIME="time without time zone, time with time zone",
    TIMESTAMP="timestamp without time zone, timestamp with time zone",
    INTERVAL="interval",
    BINARY="bytea, bit, bit varying",
    UUID="uuid",
    JSON="json, jsonb, jsonpath",
    XML="xml",
    ARRAY="oidvector, int2vector, vector, halfvec, sparsevec",
    MAP="hstore",
    GEOMETRY=("point, line, lseg, box, path, polygon, circle, geometry, geography, raster, box2d, box3d"),
    NETWORK="inet, cidr, macaddr, macaddr8",
    RANGE=(
        "int4range, int8range, numrange, tsrange, tstzrange, daterange,"
        " int4multirange, int8multirange, nummultirange, tsmultirange, tstzmultirange, datemultirange"
    ),
)
_MYSQL = _table(
    STRING="char, varchar, tinytext, text, mediumtext, longtext, set",
    INTEGER="tinyint, smallint, mediumint, int, integer, bigint, year",
    DECIMAL="decimal, numeric",
    FLOAT="float, double, real",
    BOOLEAN="bool, boolean",
    DATE="date",
    TIME="time",
    TIMESTAMP="datetime, timestamp",
    BINARY="bit, binary, varbinary, tinyblob, blob, mediumblob, longblob",
    UUID="uuid",
    ENUM="enum",
    JSON="json",
    XML="xmltype",
    ARRAY="vector",
    GEOMETRY=(
        "geometry, point, linestring, polygon, multipoint, multilinestring, multipolygon,"
        " geometrycollection, geomcollection"
    ),
    NETWORK="inet4, inet6",
)
_DUCKDB = _table(
    STRING="varchar, char, bpchar, text, string",
    INTEGER=(
        "tinyint, smallint, integer, bigint, hugeint, utinyint, usmallint, uinteger, ubigint, uhugeint, bignum, varint"
    ),
    DECIMAL="decimal",
    FLOAT="float, double, real",
    BOOLEAN="boolean",
    DATE="date",
    TIME="time, time with time zone, time_ns",
    TIMESTAMP=(
        "timestamp, timestamp with time zone, timestamp_s, timestamp_ms, timestamp_ns, timestamp_us, timestamptz_ns"
    ),
    INTERVAL="interval",
    BINARY="blob, bit",
    UUID="uuid",
    ENUM="enum",
    JSON="json, variant",
    STRUCT="struct, union",
    MAP="map",
    GEOMETRY="geometry",
    NETWORK="inet",
)
_SQLITE = _table(
    STRING=("text, char, varchar, nvarchar, nchar, clob, character, varying character, native character, string"),
    INTEGER="int, integer, tinyint, smallint, mediumint, bigint, unsigned big int, int2, int4, int8, year",
    DECIMAL="numeric, decimal, money",
    FLOAT="real, double, double precision, float",
    BOOLEAN="boolean, bool",
    DATE="date",
    TIME="time",
    TIMESTAMP="datetime, timestamp",
    BINARY="blob, binary, varbinary",
    UUID="uuid, guid",
    JSON="json, jsonb",
    GEOMETRY=("geometry, point, linestring, polygon, multipoint, multilinestring, multipolygon, geometrycollection"),
)
# SQLite's five affinity rules, in their order: https://www.sqlite.org/datatype3.html#determination_of_column_affinity
_SQLITE_AFFINITY = (
    ("int", FieldType.INTEGER),
    ("char", FieldType.STRING),
    ("clob", FieldType.STRING),
    ("text", FieldType.STRING),
    ("blob", FieldType.BINARY),
    ("real", FieldType.FLOAT),
    ("floa", FieldType.FLOAT),
    ("doub", FieldType.FLOAT),
)


def _looked_up(native: str, table: Mapping[str, FieldType]) -> FieldType | None:
    return table.get(_PARAMETERS.sub("", native.lower()).strip())


@lru_cache(maxsize=4096)
def postgres_type(native: str) -> FieldType:
    """The type of what `format_type` writes: "numeric(10,2)", "public.geometry(Point,4326)"."""
    if _ARRAY.search(native):
        return FieldType.ARRAY
    if native.startswith("interval"):
        return FieldType.INTERVAL
    found = _looked_up(native, _POSTGRES)
    if found is None and "." in native:
        found = _looked_up(native.rpartition(".")[2].strip('"'), _POSTGRES)
    return found or FieldType.OTHER


@lru_cache(maxsize=4096)
def mysql_type(native: str) -> FieldType:
    """The type of COLUMN_TYPE: "int(10) unsigned", "enum('a')". tinyint(1) is MariaDB's boolean."""
    if native.lower().startswith("tinyint(1)"):
        return FieldType.BOOLEAN
    return _MYSQL.get(re.split(r"[ (]", native.lower(), maxsplit=1)[0], FieldType.OTHER)


@lru_cache(maxsize=4096)
def duckdb_type(native: str) -> FieldType:
    """The type of what DuckDB writes: "DECIMAL(18,3)", "STRUCT(a INTEGER)[]", "MAP(VARCHAR, DOUBLE)"."""
    if _ARRAY.search(native):
        return FieldType.ARRAY
    return _DUCKDB.get(native.partition("(")[0].strip().lower(), FieldType.OTHER)


@lru_cache(maxsize=4096)
def sqlite_type(declared: str) -> FieldType:
    """The type of a declared type: a known name first, else SQLite's affinity rules. Empty: OTHER."""
    found = _looked_up(declared, _SQLITE)
    if found is None:
        lower = declared.lower()
        found = next((kind for fragment, kind in _SQLITE_AFFINITY if fragment in lower), None)
    return found or FieldType.OTHER
