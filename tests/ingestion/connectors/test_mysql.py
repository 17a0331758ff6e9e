"""The MariaDB and MySQL connector on a real MariaDB."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pymysql
import pytest

from catalog.snapshots import DatasetKind, DatasetSnapshot, FieldType, KeyKind
from connections.engines import mysql
from connections.errors import ConnectorError, FailureKind
from ingestion.connectors.protocol import Connector
from ingestion.connectors.scope import Scope
from tests.ingestion.connectors.reading import HOSTILE, checked, connector, opened, read
from tests.ingestion.connectors.relay import relay
from tests.servers.databases import MariadbServer

pytestmark = pytest.mark.mariadb


class Source:
    """A scratch database, written by the superuser and read by the connector."""

    def __init__(self, server: MariadbServer, database: str) -> None:
        self.server = server
        self.database = database
        self.connection = server.connect(database=database, charset="utf8mb4")

    def execute(self, *statements: str) -> None:
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def url(self, *, port: int | None = None, user: str = "", database: str | None = None) -> str:
        name = self.database if database is None else database
        account = f"{user or self.server.superuser}:{self.server.password}"
        return f"mysql://{account}@{self.server.host}:{port or self.server.port}/{quote(name, safe='')}"

    def connector(self, **how: object) -> Connector:
        return connector(self.url(**how))


@pytest.fixture
def source(mariadb_server: MariadbServer) -> Iterator[Source]:
    with mariadb_server.database() as name:
        made = Source(mariadb_server, name)
        yield made
        made.connection.close()


@pytest.fixture
def crawler(source: Source) -> Iterator[str]:
    """An account without rights."""
    name = source.database[-20:]
    source.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY '{source.server.password}'")
    yield name
    source.execute(f"DROP USER '{name}'@'%'")


def test_everything_a_table_is_made_of_is_read(source: Source):
    source.execute(
        """
        CREATE TABLE unit (
            id int AUTO_INCREMENT PRIMARY KEY,
            code varchar(10) NOT NULL COMMENT 'Printed on the diploma',
            price decimal(10, 2) DEFAULT 1.5, twice decimal(12, 2) AS (price * 2) STORED, active tinyint(1),
            mood enum('sad', 'happy') DEFAULT 'sad', doc json,
            made timestamp DEFAULT current_timestamp ON UPDATE current_timestamp,
            UNIQUE KEY code_unique (code)
        ) COMMENT 'Units of study'
        """,
        "CREATE TABLE task (id int PRIMARY KEY, unit_id int,"
        " CONSTRAINT of_unit FOREIGN KEY (unit_id) REFERENCES unit (id))",
        "CREATE VIEW v AS SELECT code FROM unit",
        "CREATE TABLE split (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4",
        "CREATE SEQUENCE counter",
    )
    found = read(source.connector())
    assert sorted(path[-1] for path in found.datasets) == ["split", "task", "unit", "v"]
    unit = found.named("unit")
    assert unit.path == (source.database, "unit")
    assert unit.comment == "Units of study"
    fields = {field.path[0]: field for field in unit.fields}
    assert fields["id"].default == "auto_increment"
    assert fields["code"].comment == "Printed on the diploma"
    assert fields["twice"].default == "generated always as (`price` * 2) stored"
    assert fields["active"].type is FieldType.BOOLEAN
    assert fields["mood"].type is FieldType.ENUM
    assert fields["doc"].type is FieldType.JSON
    assert fields["made"].default == "current_timestamp() on update current_timestamp()"
    assert [(key.kind, key.name, key.columns) for key in unit.keys] == [
        (KeyKind.PRIMARY, "PRIMARY", ("id",)),
        (KeyKind.UNIQUE, "code_unique", ("code",)),
    ]
    foreign = found.named("task").keys[-1]
    assert (foreign.name, foreign.references, foreign.referenced_columns) == ("of_unit", unit.path, ("id",))
    assert found.named("v").kind is DatasetKind.VIEW
    assert "`code`" in (found.named("v").definition or "")
    assert found.named("split").kind is DatasetKind.PARTITIONED
    assert found.named("split").properties["partitions"] == 4


def test_a_view_over_a_dropped_table_is_read_as_broken(source: Source):
    source.execute(
        "CREATE TABLE gone (a int)",
        "CREATE VIEW broken AS SELECT a FROM gone",
        "DROP TABLE gone",
        "CREATE TABLE t (id int)",
    )
    found = read(source.connector())
    assert found.named("broken").properties == {"invalid": True}
    assert found.named("broken").fields == ()
    assert found.complete == {(source.database,): 2}


def test_hostile_names_come_back_as_they_are(source: Source):
    # MariaDB's names stay inside the basic plane, and end in no space.
    names = [*HOSTILE, "é" * 64, "Upper", "upper"]
    for name in names:
        quoted = "`" + name.replace("`", "``").replace("%", "%%").replace("%%", "%") + "`"
        source.execute(f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY)")
    found = read(source.connector())
    assert sorted(path[-1] for path in found.datasets) == sorted(names)
    for name in names:
        assert found.datasets[(source.database, name)].fields[0].path == (name,)
        doubled = name.replace('"', '""')
        only = read(source.connector(), scope=Scope(include=(f'"{source.database}"."{doubled}"',)))
        assert list(only.datasets) == [(source.database, name)]
    assert len(read(source.connector(), known=found.fingerprints).unchanged) == len(names)


def test_a_table_of_a_thousand_columns_and_an_empty_database_are_read(source: Source):
    assert read(source.connector()).complete == {(source.database,): 0}
    source.execute("CREATE TABLE wide (" + ", ".join(f"c{n} int" for n in range(1000)) + ")")
    assert len(read(source.connector()).named("wide").fields) == 1000


@pytest.mark.long
def test_five_thousand_partitions_are_one_dataset(source: Source):
    source.execute("CREATE TABLE t (id int PRIMARY KEY) ENGINE=Aria PARTITION BY HASH (id) PARTITIONS 5000")
    (dataset,) = read(source.connector()).datasets.values()
    assert dataset.properties["partitions"] == 5000


def test_patterns_decide_in_the_source(source: Source):
    source.execute(*(f"CREATE TABLE {name} (id int)" for name in ("unit", "tmp_1", "tmpx1", "Unit")))

    def names(**scope: tuple[str, ...]) -> list[str]:
        return sorted(path[-1] for path in read(source.connector(database=""), scope=Scope(**scope)).datasets)

    only = f"{source.database}.*"
    assert names(include=(only,), exclude=("*.tmp_*",)) == ["Unit", "tmpx1", "unit"]
    assert names(include=(f"{source.database}.u?it",)) == ["unit"]
    assert names(include=(only,), exclude=(source.database,)) == []


@pytest.mark.parametrize("crawl", ["first", "again"])
def test_statements_do_not_grow_with_tables(source: Source, crawl: str):
    counts = []
    for first, last in ((0, 10), (10, 300)):
        source.execute(*(f"CREATE TABLE t{n} (id int PRIMARY KEY) ENGINE=Aria" for n in range(first, last)))
        known = read(source.connector()).fingerprints if crawl == "again" else {}
        with relay(source.server.host, source.server.port, "mysql") as between:
            found = read(source.connector(port=between.port), known=known)
        assert len(found.datasets) + len(found.unchanged) == last
        counts.append(len(between.statements))
    assert counts[0] == counts[1] <= 36


def test_a_database_without_rights_is_not_there_and_says_nothing_of_what_was_known(source: Source, crawler: str):
    source.execute("CREATE TABLE t (id int)", "CREATE TABLE u (id int)")
    reader = source.connector(user=crawler, database="")
    with source.server.database() as other:
        source.execute(f"GRANT SELECT, SHOW VIEW ON `{other.replace('_', chr(92) + '_')}`.* TO '{crawler}'@'%'")
        source.execute(f"CREATE TABLE `{other}`.kept (id int)")
        known = {(source.database, "t"): "x", (other, "kept"): "x"}
        found = read(reader, known=known)
        assert list(found.datasets) == [(other, "kept")]
        assert (
            f"GRANT SELECT, SHOW VIEW ON `{source.database.replace('_', chr(92) + '_')}`.*"
            in found.failed[(source.database,)]
        )
        # A right on one table shows one table: the other is not gone.
        source.execute(f"GRANT SELECT ON t TO '{crawler}'@'%'")
        found = read(reader, known=known)
        assert (source.database, "t") in found.datasets
        assert list(found.failed) == [(source.database,)]


def test_a_database_that_was_dropped_is_gone(source: Source):
    found = read(source.connector(database=""), known={("no_such_database", "t"): "x"})
    assert ("no_such_database",) not in {**found.failed, **found.complete}


def test_the_grants_that_are_shown_are_enough(source: Source, crawler: str):
    source.execute("CREATE TABLE t (id int)", "CREATE VIEW v AS SELECT id FROM t")
    reader = source.connector(user=crawler)
    refused = reader.check()
    assert (refused.ok, refused.kind) == (False, FailureKind.PERMISSION)
    source.execute(*reader.required_grants())
    assert reader.check().ok
    found = read(reader)
    assert not found.failed
    assert found.named("v").definition


def test_a_wrong_password_and_a_closed_port_are_told_apart(source: Source):
    wrong = connector(source.url().replace(source.server.password, "canary-secret")).check()
    assert (wrong.ok, wrong.kind) == (False, FailureKind.AUTHENTICATION)
    assert "canary-secret" not in wrong.reason
    with relay("127.0.0.1", 1, "mysql") as closed:
        port = closed.port
    refused = source.connector(port=port).check()
    assert (refused.ok, refused.kind) == (False, FailureKind.UNREACHABLE)
    with pytest.raises(ConnectorError):
        next(source.connector(port=port).read(Scope(), {}))


def test_a_table_dropped_during_the_crawl_leaves_the_rest_complete(source: Source):
    source.execute(*(f"CREATE TABLE t{n:03} (id int) ENGINE=Aria" for n in range(200)))
    readings = []
    for reading in source.connector().read(Scope(), {}):
        readings.append(reading)
        if isinstance(reading, DatasetSnapshot) and len(readings) == 2:
            source.execute("DROP TABLE t198, t199")
    found = checked(readings)
    assert not found.failed
    assert {f"t{n:03}" for n in range(198)} <= {path[-1] for path in found.datasets}


@pytest.mark.parametrize("stay_down", [False, True])
def test_a_cut_wire_removes_nothing(source: Source, stay_down: bool):
    source.execute(*(f"CREATE TABLE t{n:03} (id int) ENGINE=Aria" for n in range(300)))
    with relay(source.server.host, source.server.port, "mysql", cut_after=30_000, stay_down=stay_down) as between:
        found = read(source.connector(port=between.port))
    if stay_down:
        assert list(found.failed) == [(source.database,)]
        assert not found.complete
    else:
        assert found.complete == {(source.database,): 300}


def test_the_session_cannot_write_nor_load_files(source: Source, tmp_path):
    file = tmp_path / "x.csv"
    file.write_text("1\n")
    source.execute("CREATE TABLE t (id int)")
    connection = mysql.connect(opened(source.url()))
    with connection.cursor() as cursor:
        with pytest.raises(pymysql.MySQLError, match="READ ONLY"):
            cursor.execute("INSERT INTO t VALUES (1)")
        with pytest.raises(pymysql.MySQLError):
            cursor.execute(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE t")
    connection.close()
