"""Native types and what they hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from catalog.snapshots import FieldType
from ingestion.connectors.nested import parts
from ingestion.connectors.type_names import duckdb_type, mysql_type, postgres_type, sqlite_type


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("numeric(10,2)", FieldType.DECIMAL),
        ("timestamp(3) with time zone", FieldType.TIMESTAMP),
        ("interval day to second(3)", FieldType.INTERVAL),
        ("character varying(80)[]", FieldType.ARRAY),
        ("public.geometry(Point,4326)", FieldType.GEOMETRY),
        ('"My Schema".citext', FieldType.STRING),
        ("public.hstore", FieldType.MAP),
        ('"char"', FieldType.STRING),
        ("tstzmultirange", FieldType.RANGE),
        ("public.mystery", FieldType.OTHER),
    ],
)
def test_postgres(native: str, kind: FieldType):
    assert postgres_type(native) is kind


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("int(10) unsigned zerofill", FieldType.INTEGER),
        ("tinyint(1)", FieldType.BOOLEAN),
        ("tinyint(4)", FieldType.INTEGER),
        ("enum('a(','b')", FieldType.ENUM),
        ("set('int')", FieldType.STRING),
        ("datetime(6)", FieldType.TIMESTAMP),
        ("inet6", FieldType.NETWORK),
        ("double unsigned", FieldType.FLOAT),
        ("mystery", FieldType.OTHER),
    ],
)
def test_mysql(native: str, kind: FieldType):
    assert mysql_type(native) is kind


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("DECIMAL(18,3)", FieldType.DECIMAL),
        ("STRUCT(a INTEGER[])", FieldType.STRUCT),
        ("STRUCT(a INTEGER)[]", FieldType.ARRAY),
        ("INTEGER[3]", FieldType.ARRAY),
        ("MAP(VARCHAR, DOUBLE)", FieldType.MAP),
        ("ENUM('a[]', 'b')", FieldType.ENUM),
        ("TIMESTAMP WITH TIME ZONE", FieldType.TIMESTAMP),
        ("HUGEINT", FieldType.INTEGER),
    ],
)
def test_duckdb(native: str, kind: FieldType):
    assert duckdb_type(native) is kind


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("VARCHAR(10)", FieldType.STRING),
        ("Unsigned Big Int", FieldType.INTEGER),
        ("FLOATING POINT", FieldType.INTEGER),  # rule 1: it contains "INT"
        ("LONGCHAR", FieldType.STRING),
        ("", FieldType.OTHER),
        ("DATETIME", FieldType.TIMESTAMP),
    ],
)
def test_sqlite(declared: str, kind: FieldType):
    assert sqlite_type(declared) is kind


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("INTEGER", ()),
        ('STRUCT("a ""b, (" INTEGER, c DECIMAL(3,1))', (('a "b, (', "INTEGER"), ("c", "DECIMAL(3,1)"))),
        ("STRUCT(a ENUM('x, y', ')'))[]", (("a", "ENUM('x, y', ')')"),)),
        ("MAP(VARCHAR, DOUBLE)", ()),
        ("MAP(VARCHAR, STRUCT(x INTEGER))", (("key", "VARCHAR"), ("value", "STRUCT(x INTEGER)"))),
        ("UNION(a INTEGER, b VARCHAR)", (("a", "INTEGER"), ("b", "VARCHAR"))),
    ],
)
def test_duckdb_types_are_taken_apart(native: str, expected: tuple[tuple[str, str], ...]):
    assert parts(native) == expected


def test_the_registry_imports_no_driver_and_no_django():
    script = (
        "import sys, ingestion.connectors.registry\n"
        "print(sorted({'psycopg', 'pymysql', 'duckdb', 'sqlalchemy', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
