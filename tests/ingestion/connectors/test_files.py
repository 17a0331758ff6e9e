"""The SQLite and DuckDB connectors on real files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from catalog.snapshots import DatasetKind, FieldType, KeyKind
from common.errors import Forbidden
from connections.engines import duckdb as duckdb_engine
from connections.engines import sqlite as sqlite_engine
from connections.errors import ConnectorError, FailureKind
from ingestion.connectors.protocol import Connector
from ingestion.connectors.scope import Scope
from tests.ingestion.connectors.reading import HOSTILE, connector, opened, read

NAMES = [*HOSTILE, "emoji 😀🎉", "é" * 31, "[a-z]*"]


def sqlite_file(folder: Path, script: str) -> Connector:
    file = folder / "a #?%.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(script)
    connection.close()
    return connector(f"sqlite://{file}".replace("%", "%25").replace("#", "%23").replace("?", "%3F"), folder=str(folder))


def duckdb_file(folder: Path, *statements: str) -> Connector:
    file = folder / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    return connector(f"duckdb://{file}", folder=str(folder))


def test_sqlite_tells_everything_of_a_table(tmp_path: Path):
    found = read(
        sqlite_file(
            tmp_path,
            """
            CREATE TABLE unit (id INTEGER PRIMARY KEY, code VARCHAR(10) NOT NULL UNIQUE,
                               price NUMERIC DEFAULT 1.5, twice REAL AS (price * 2) STORED,
                               doc JSON, anything);
            CREATE TABLE task (a TEXT, b INT REFERENCES unit, PRIMARY KEY (b, a)) WITHOUT ROWID;
            CREATE UNIQUE INDEX partly ON unit (price) WHERE price > 1;
            CREATE VIEW v AS SELECT code FROM unit;
            CREATE VIRTUAL TABLE words USING fts5 (body);
            INSERT INTO unit (code, price) VALUES ('a', 1), ('b', 2); ANALYZE;
            """,
        )
    )
    assert sorted(path[-1] for path in found.datasets) == ["task", "unit", "v", "words"]
    unit, task = found.named("unit"), found.named("task")
    assert unit.path == ("main", "unit")
    assert unit.row_estimate == 2
    assert [(field.path[0], field.type) for field in unit.fields] == [
        ("id", FieldType.INTEGER),
        ("code", FieldType.STRING),
        ("price", FieldType.DECIMAL),
        ("twice", FieldType.FLOAT),
        ("doc", FieldType.JSON),
        ("anything", FieldType.OTHER),
    ]
    assert [(key.kind, key.columns) for key in unit.keys] == [
        (KeyKind.PRIMARY, ("id",)),
        (KeyKind.UNIQUE, ("code",)),
    ]
    assert task.keys[0].columns == ("b", "a")
    assert (task.keys[1].references, task.keys[1].columns) == (("main", "unit"), ("b",))
    assert found.named("v").definition == "CREATE VIEW v AS SELECT code FROM unit"
    assert found.named("words").properties == {"virtual": True}


def test_duckdb_tells_everything_of_a_table(tmp_path: Path):
    found = read(
        duckdb_file(
            tmp_path,
            "CREATE SCHEMA sales",
            """CREATE TABLE sales.unit (id INTEGER PRIMARY KEY, code VARCHAR UNIQUE,
               home STRUCT(street STRUCT("the name" VARCHAR)[], city VARCHAR),
               sizes MAP(VARCHAR, STRUCT(x DOUBLE)),
               mood ENUM('sad', 'hap,py'), price DECIMAL(18, 3) DEFAULT 1)""",
            "CREATE TABLE sales.task (unit_id INTEGER REFERENCES sales.unit (id))",
            "CREATE VIEW v AS SELECT code FROM sales.unit",
            "COMMENT ON TABLE sales.unit IS 'Units'",
            "COMMENT ON COLUMN sales.unit.code IS 'Printed'",
            "INSERT INTO sales.unit (id) VALUES (1), (2)",
        )
    )
    unit = found.datasets[("shop", "sales", "unit")]
    fields = {field.path: field for field in unit.fields}
    assert unit.comment == "Units"
    assert unit.row_estimate == 2
    assert fields[("code",)].comment == "Printed"
    assert fields[("home",)].type is FieldType.STRUCT
    assert fields[("home", "street")].type is FieldType.ARRAY
    assert fields[("home", "street", "the name")].native_type == "VARCHAR"
    assert fields[("sizes", "value", "x")].type is FieldType.FLOAT
    assert fields[("mood",)].type is FieldType.ENUM
    assert {key.kind for key in unit.keys} == {KeyKind.PRIMARY, KeyKind.UNIQUE}
    (foreign,) = found.named("task").keys
    assert (foreign.references, foreign.referenced_columns) == (unit.path, ("id",))
    assert found.named("v").kind is DatasetKind.VIEW
    assert found.complete == {("shop", "main"): 1, ("shop", "sales"): 2}


BROKEN = (
    "CREATE TABLE gone (a INT)",
    "CREATE VIEW broken AS SELECT a FROM gone",
    "DROP TABLE gone",
    "CREATE TABLE t (id INT)",
)


@pytest.mark.parametrize("platform", ["sqlite", "duckdb"])
class TestBoth:
    def file(self, platform: str, folder: Path, *statements: str) -> Connector:
        if platform == "sqlite":
            return sqlite_file(folder, ";\n".join(statements))
        return duckdb_file(folder, *statements)

    def test_a_view_over_a_dropped_table_is_read_as_broken(self, platform: str, tmp_path: Path):
        found = read(self.file(platform, tmp_path, *BROKEN, "CREATE VIEW whole AS SELECT id FROM t"))
        broken = found.named("broken")
        if platform == "sqlite":
            assert (broken.properties, broken.fields) == ({"invalid": True}, ())
        else:  # DuckDB remembers what the view's columns were
            assert [field.path for field in broken.fields] == [("a",)]
        assert found.named("whole").fields
        assert not found.failed

    def test_hostile_names_come_back_as_they_are(self, platform: str, tmp_path: Path):
        made = []
        for name in NAMES:
            quoted = '"' + name.replace('"', '""') + '"'
            made.append(f"CREATE TABLE {quoted} ({quoted} INT PRIMARY KEY)")
        source = self.file(platform, tmp_path, *made)
        found = read(source)
        assert sorted(path[-1] for path in found.datasets) == sorted(NAMES)
        for name in NAMES:
            assert found.named(name).fields[0].path == (name,)
            doubled = name.replace('"', '""')
            assert [path[-1] for path in read(source, scope=Scope(include=(f'main."{doubled}"',))).datasets] == [name]
        assert len(read(source, known=found.fingerprints).unchanged) == len(NAMES)

    def test_an_empty_file_and_a_wide_table_are_read(self, platform: str, tmp_path: Path):
        assert list(read(self.file(platform, tmp_path, "SELECT 1")).complete.values()) == [0]
        wide = "CREATE TABLE wide (" + ", ".join(f"c{n} INT" for n in range(1600)) + ")"
        assert len(read(self.file(platform, tmp_path, wide)).named("wide").fields) == 1600

    def test_only_what_changed_is_sent_again(self, platform: str, tmp_path: Path):
        known = read(self.file(platform, tmp_path, "CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)")).fingerprints
        found = read(self.file(platform, tmp_path, "ALTER TABLE b ADD COLUMN x INT"), known=known)
        assert [path[-1] for path in found.unchanged] == ["a"]
        assert [path[-1] for path in found.datasets] == ["b"]

    def test_patterns_decide_in_the_source(self, platform: str, tmp_path: Path):
        tables = ("unit", "tmp_1", "tmpx1")
        source = self.file(platform, tmp_path, *(f"CREATE TABLE {name} (id INT)" for name in tables))
        found = read(source, scope=Scope(include=("main.*",), exclude=("main.tmp_*",)))
        assert sorted(path[-1] for path in found.datasets) == ["tmpx1", "unit"]

    def test_a_file_that_is_none_says_so(self, platform: str, tmp_path: Path):
        file = tmp_path / "notes.txt"
        file.write_text("not a database, " * 500)
        source = connector(f"{platform}://{file}", folder=str(tmp_path))
        check = source.check()
        assert (check.ok, check.kind) == (False, FailureKind.UNREACHABLE)
        with pytest.raises(ConnectorError):
            next(source.read(Scope(), {}))

    def test_a_file_outside_the_allowed_folders_is_refused(self, platform: str, tmp_path: Path):
        allowed = tmp_path / "allowed"
        allowed.mkdir()
        (tmp_path / "secret").write_text("x")
        (allowed / "link").symlink_to(tmp_path / "secret")
        for path in (tmp_path / "secret", allowed / "link", allowed / ".." / "secret"):
            with pytest.raises(Forbidden, match="CONNECTION_ALLOWED_PATHS"):
                opened(f"{platform}://{path}", folder=str(allowed))


def test_a_duckdb_file_open_for_writing_elsewhere_is_left_alone(tmp_path: Path):
    source = duckdb_file(tmp_path, "CREATE TABLE t (id INT)")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as writer:
        writer.execute("INSERT INTO t VALUES (1)")
        assert not source.check().ok
    assert source.check().ok


def test_duckdb_reaches_no_other_file(tmp_path: Path):
    duckdb_file(tmp_path, "CREATE TABLE t (id INT)")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    connection = duckdb_engine.connect(opened(f"duckdb://{tmp_path}/shop.duckdb", folder=str(tmp_path)))
    with pytest.raises(duckdb.Error):
        connection.execute(f"SELECT * FROM '{tmp_path}/secret.csv'")
    with pytest.raises(duckdb.Error):
        connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(duckdb.Error):
        connection.execute("SET enable_external_access = true")
    connection.close()


def test_sqlite_is_read_while_a_writer_holds_its_log_and_never_written(tmp_path: Path):
    file = tmp_path / "wal.db"
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (id INT)")
    target = opened(f"sqlite://{file}", folder=str(tmp_path))
    assert len(read(connector(f"sqlite://{file}", folder=str(tmp_path))).datasets) == 1
    connection = sqlite_engine.connect(target)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    writer.close()
