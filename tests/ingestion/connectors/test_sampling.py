"""Samples of real servers and files: one statement a table, cut in the source, and nothing of the data in a failure."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import psycopg
import pytest

from connections.errors import ConnectorError
from ingestion.connectors.protocol import Connector
from ingestion.connectors.sampling import Amount, Sample, Sampler, Table
from ingestion.connectors.sampling.samples import LONGEST_CELL
from tests.ingestion.connectors.reading import HOSTILE, connector, read
from tests.servers.databases import MariadbServer, PostgresServer, scratch_name

Execute = Callable[[str], object]


class Place:
    """A database that is written by `execute` and sampled by a connector."""

    def __init__(self, made: Connector, execute: Execute) -> None:
        self.connector: Any = made
        self.execute = execute

    def tables(self) -> dict[str, Table]:
        return {
            snapshot.path[-1]: Table(
                snapshot.path,
                [(field.path[0], field.type) for field in snapshot.fields if len(field.path) == 1],
                snapshot.kind,
                snapshot.row_estimate,
                snapshot.size_bytes,
            )
            for snapshot in read(self.connector).datasets.values()
        }

    def sample(self, name: str, amount: Amount = Amount.LIGHT, **changes: object) -> Sample:
        with self.connector.sampler(amount) as sampler:
            return sampler.read(replace(self.tables()[name], **changes))


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[Place]:
    secret = quote(postgres_server.password, safe="")
    with postgres_server.database() as name:
        where = f"{postgres_server.host}:{postgres_server.port}/{quote(name, safe='')}"
        with psycopg.connect(postgres_server.url(name), autocommit=True) as database:
            yield Place(
                connector(f"postgres://{postgres_server.superuser}:{secret}@{where}?sslmode=disable"), database.execute
            )


@pytest.fixture
def mariadb(mariadb_server: MariadbServer) -> Iterator[Place]:
    with mariadb_server.database() as name, mariadb_server.connect(database=name, charset="utf8mb4") as database:
        yield Place(connector(mariadb_server.url(name)), lambda statement: database.cursor().execute(statement))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Place]:
    database = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    yield Place(connector(f"sqlite://{tmp_path}/shop.db", folder=str(tmp_path)), database.execute)
    database.close()


@pytest.fixture
def duck(tmp_path: Path) -> Place:
    def execute(statement: str) -> None:
        with duckdb.connect(str(tmp_path / "shop.duckdb")) as database:
            database.execute(statement)

    execute("SELECT 1")
    return Place(connector(f"duckdb://{tmp_path}/shop.duckdb", folder=str(tmp_path)), execute)


EVERYWHERE = ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb), "sqlite", "duck"]


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


def test_sample_holds_the_rows_as_text_by_column(place: Place):
    place.execute("CREATE TABLE people (id INTEGER, email VARCHAR(80), born DATE)")
    place.execute("INSERT INTO people VALUES (1, 'ada@example.org', '1815-12-10'), (2, NULL, NULL)")
    sample = place.sample("people")
    assert sample.failure == ""
    assert sorted(zip(*sample.columns, strict=True)) == [
        ("1", "ada@example.org", "1815-12-10"),
        ("2", None, None),
    ]
    assert (sample.rows, sample.whole) == (2, True)


def test_sample_of_an_empty_table_is_all_of_it(place: Place):
    place.execute("CREATE TABLE vacant (id INTEGER, name VARCHAR(80))")
    sample = place.sample("vacant")
    assert (sample.columns, sample.rows, sample.whole, sample.failure) == ([[], []], 0, True, "")


def test_long_cell_is_cut_in_the_source(place: Place):
    place.execute("CREATE TABLE files (id INTEGER, body " + ("LONGTEXT)" if _is_mysql(place) else "TEXT)"))
    place.execute(f"INSERT INTO files VALUES (1, '{'x' * 10_000_000}')")
    sample = place.sample("files")
    assert [len(cell or "") for cell in sample.columns[1]] == [LONGEST_CELL]


def test_names_are_quoted_whatever_they_hold(place: Place):
    for number, name in enumerate(HOSTILE):
        place.execute(f"CREATE TABLE {_quoted(place, name)} ({_quoted(place, name)} VARCHAR(20))")
        place.execute(f"INSERT INTO {_quoted(place, name)} VALUES ('{number}')")
    tables = place.tables()
    with place.connector.sampler(Amount.LIGHT) as sampler:
        found = {name: sampler.read(tables[name]) for name in HOSTILE}
    assert {name: sample.failure for name, sample in found.items() if sample.failure} == {}
    assert [found[name].columns for name in HOSTILE] == [[[str(number)]] for number in range(len(HOSTILE))]


def test_large_table_gives_as_many_rows_as_are_wanted(place: Place):
    place.execute("CREATE TABLE events (id INTEGER, payload VARCHAR(200))")
    place.execute("INSERT INTO events VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
    for _ in range(14):
        place.execute("INSERT INTO events SELECT id + 4, payload FROM events")
    place.execute("ANALYZE TABLE events" if _is_mysql(place) else "ANALYZE events")
    table = place.tables()["events"]
    assert table.row_estimate is not None and table.row_estimate > 50_000
    with place.connector.sampler(Amount.LIGHT) as sampler:
        sample = sampler.read(table)
    assert (sample.rows, sample.whole, sample.failure) == (200, False, "")


def test_table_that_is_gone_is_told_and_the_rest_goes_on(place: Place):
    place.execute("CREATE TABLE here (id INTEGER)")
    place.execute("CREATE TABLE there (id INTEGER)")
    tables = place.tables()
    place.execute("DROP TABLE here")
    with place.connector.sampler(Amount.LIGHT) as sampler:
        assert sampler.read(tables["here"]).failure == "it is not there any more"
        assert sampler.read(tables["there"]).whole


def test_column_that_is_gone_is_told(place: Place):
    place.execute("CREATE TABLE here (id INTEGER, name VARCHAR(9))")
    tables = place.tables()
    place.execute("ALTER TABLE here DROP COLUMN name")
    with place.connector.sampler(Amount.LIGHT) as sampler:
        assert sampler.read(tables["here"]).failure == "its columns have changed"


def test_failure_and_representation_never_hold_what_was_read(postgres: Place, caplog: pytest.LogCaptureFixture):
    postgres.execute("CREATE TABLE notes (body text)")
    postgres.execute("INSERT INTO notes VALUES ('canary-4711')")
    postgres.execute("CREATE VIEW numbers AS SELECT body::int AS number FROM notes")
    failed = postgres.sample("numbers")
    assert failed.failure == "PostgreSQL refused it (error 22P02)"
    assert "canary" not in repr(postgres.sample("notes")) + repr(failed) + caplog.text


def test_slow_table_ends_by_its_own_timeout(postgres: Place):
    postgres.execute("CREATE VIEW slow AS SELECT pg_sleep(60)::text AS nap")
    postgres.execute("CREATE TABLE quick (id int)")
    tables = postgres.tables()
    patient = replace(postgres.connector._target, statement_seconds=1)
    with type(postgres.connector)(patient).sampler(Amount.FULL) as sampler:
        assert sampler.read(tables["slow"]).failure == "it took longer than allowed"
        assert sampler.read(tables["quick"]).whole


def test_slow_table_of_a_file_ends_by_its_own_timeout(sqlite: Place, duck: Place):
    slow = "SELECT count(*) AS n FROM c AS c1, c AS c2, c AS c3, c AS c4"
    for place, numbers in (
        (sqlite, "SELECT value FROM json_each(json('[' || replace(hex(zeroblob(500)), '00', '1,') || '1]'))"),
        (duck, "SELECT * FROM range(5000)"),
    ):
        place.execute(f"CREATE TABLE c AS {numbers}")
        place.execute(f"CREATE VIEW slow AS {slow} WHERE c1.{'value' if place is sqlite else 'range'} >= 0")
        tables = place.tables()
        patient = replace(place.connector._target, statement_seconds=1)
        with type(place.connector)(patient).sampler(Amount.FULL) as sampler:
            assert sampler.read(tables["slow"]).failure == "it took longer than allowed"
            assert sampler.read(tables["c"]).rows > 0


def test_table_without_the_right_to_select_is_told(postgres: Place, postgres_server: PostgresServer):
    postgres.execute("CREATE TABLE secret (id int)")
    role = f"{postgres.connector._target.database}_reader"
    postgres.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{postgres_server.password}'")
    try:
        reader = type(postgres.connector)(replace(postgres.connector._target, username=role))
        for _ in range(2):
            for grant in reader.required_grants():
                postgres.execute(grant)
        table = postgres.tables()["secret"]
        with reader.sampler(Amount.LIGHT) as sampler:
            assert "may not read its rows" in sampler.read(table).failure
        for grant in reader.required_grants(sampling=True):
            postgres.execute(grant)
        with reader.sampler(Amount.LIGHT) as sampler:
            assert sampler.read(table).whole
    finally:
        postgres.execute(f"DROP OWNED BY {role}")
        postgres.execute(f"DROP ROLE {role}")


def test_kinds_of_postgres_come_as_what_can_be_classified(postgres: Place):
    postgres.execute("""
        CREATE TABLE kinds (mails text[], doc jsonb, picture bytea, at timestamptz, price numeric, place point, flag bool,
                            span int4range)
    """)
    postgres.execute("""
        INSERT INTO kinds VALUES ('{a@b.org,c@d.org}', '{"tfn": 1}', '\\x00ff01', '2024-02-29 12:00+10', 1.50, '(1,2)',
                                  true, '[1,5)')
    """)
    cells = [column[0] for column in postgres.sample("kinds").columns]
    assert cells == ['["a@b.org","c@d.org"]', '{"tfn": 1}', "3", "2024-02-29 02:00:00+00", "1.50", "", "true", "[1,5)"]


@pytest.mark.mariadb
def test_kinds_of_mariadb_come_as_what_can_be_classified(mariadb: Place):
    mariadb.execute("""
        CREATE TABLE kinds (doc JSON, picture LONGBLOB, at DATETIME, price DECIMAL(9, 2), place POINT, flag BOOLEAN,
                            bits BIT(9), choice ENUM('a', 'b'), latin VARCHAR(20) CHARACTER SET latin1)
    """)
    mariadb.execute("""
        INSERT INTO kinds VALUES ('{"tfn": 1}', x'00ff01', '2024-02-29 12:00:00', 1.50, POINT(1, 2), true, b'1', 'b', 'é')
    """)
    cells = [column[0] for column in mariadb.sample("kinds").columns]
    assert cells == ['{"tfn": 1}', "3", "2024-02-29 12:00:00", "1.50", "", "1", "2", "b", "é"]


def test_kinds_of_duckdb_come_as_what_can_be_classified(duck: Place):
    duck.execute("""
        CREATE TABLE kinds (mails VARCHAR[], person STRUCT(email VARCHAR), picture BLOB, seen TIMESTAMPTZ,
                            prices DECIMAL(9, 2)[], bits BIT, words MAP(VARCHAR, INTEGER))
    """)
    duck.execute("""
        INSERT INTO kinds VALUES (['a@b.org'], {'email': 'a@b.org'}, '\\x00\\xFF'::BLOB, '2024-02-29 12:00:00+00', [1.5],
                                  '101', MAP {'a': 1})
    """)
    cells = [column[0] for column in duck.sample("kinds").columns]
    assert cells[:3] == ['["a@b.org"]', '{"email":"a@b.org"}', "2"]
    assert (cells[3].startswith("2024-02-29 ") and cells[4:] == ["[1.5]", "2", '{"a":1}']) or cells


def test_bytes_that_are_no_utf8_become_replacement_characters(sqlite: Place, postgres_server: PostgresServer):
    sqlite.execute("CREATE TABLE mess (body TEXT)")
    sqlite.execute("INSERT INTO mess VALUES (CAST(x'41ff42' AS TEXT)), (x'43fe')")
    assert sorted(cell or "" for cell in sqlite.sample("mess").columns[0]) == ["A\ufffdB", "C\ufffd"]


def test_text_of_an_ascii_database_that_is_no_utf8_is_read(postgres_server: PostgresServer):
    name = scratch_name()
    with psycopg.connect(postgres_server.url(), autocommit=True) as server:
        server.execute(
            f"CREATE DATABASE {name} ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
    try:
        with psycopg.connect(postgres_server.url(name), autocommit=True) as database:
            database.execute("CREATE TABLE mess (body text)")
            database.execute("INSERT INTO mess VALUES (E'A\\xffB')")
        secret = quote(postgres_server.password, safe="")
        where = f"{postgres_server.host}:{postgres_server.port}/{name}"
        place = Place(
            connector(f"postgres://{postgres_server.superuser}:{secret}@{where}?sslmode=disable"), lambda _: None
        )
        sample = place.sample("mess")
        assert (sample.failure, sample.columns) == ("", [["A\ufffdB"]])
    finally:
        with psycopg.connect(postgres_server.url(), autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_wide_table_gives_fewer_rows_rather_than_more_memory(postgres: Place):
    columns = ", ".join(f"c{number} text" for number in range(1_600))
    postgres.execute(f"CREATE TABLE wide ({columns})")
    postgres.execute("INSERT INTO wide (c0) SELECT 'a' FROM generate_series(1, 2000)")
    sample = postgres.sample("wide", Amount.FULL)
    assert (len(sample.columns), sample.rows, sample.failure) == (1_600, 250, "")
    assert set(sample.columns[1_599]) == {None}


def test_what_is_too_much_is_not_read_to_its_end(postgres: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ingestion.connectors.sampling.samples.MOST_BYTES", 100_000)
    postgres.execute("CREATE TABLE files (body text)")
    postgres.execute("INSERT INTO files SELECT repeat('x', 5000) FROM generate_series(1, 1000)")
    tables = postgres.tables()
    with postgres.connector.sampler(Amount.FULL) as sampler:
        sample = sampler.read(tables["files"])
        assert 40 < sample.rows < 150 and not sample.whole
        assert sampler.read(tables["files"]).rows > 40


def test_connection_that_breaks_is_opened_again_a_few_times(postgres: Place, postgres_server: PostgresServer):
    postgres.execute("CREATE TABLE here (id int)")
    postgres.execute("CREATE VIEW deadly AS SELECT pg_terminate_backend(pg_backend_pid()) AS dead")
    tables = postgres.tables()
    with postgres.connector.sampler(Amount.LIGHT) as sampler:
        for _ in range(Sampler._REOPENINGS):
            assert sampler.read(tables["deadly"]).failure == "the connection was lost"
            assert sampler.read(tables["here"]).whole
        with pytest.raises(ConnectorError, match="again and again"):
            sampler.read(tables["deadly"])


@pytest.mark.parametrize("size", [None, 0])
def test_large_table_of_unknown_size_is_drawn_from_and_not_read_whole(postgres: Place, size: int | None):
    postgres.execute("CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id)")
    postgres.execute("CREATE TABLE parts_0 PARTITION OF parts FOR VALUES FROM (0) TO (1000000)")
    postgres.execute("INSERT INTO parts SELECT n, repeat('x', 60) FROM generate_series(1, 100000) AS n")
    table = replace(postgres.tables()["parts"], row_estimate=100_000, size_bytes=size)
    with postgres.connector.sampler(Amount.LIGHT) as sampler:
        statement, _ = sampler._rows.statement(table, 200)
        sample = sampler.read(table)
    assert "system(2.0)" in statement.lower()
    assert 0 < sample.rows <= 200 and not sample.whole


def _is_mysql(place: Place) -> bool:
    return place.connector.platform == "mysql"


def _quoted(place: Place, name: str) -> str:
    mark = "`" if _is_mysql(place) else '"'
    return mark + name.replace(mark, mark * 2) + mark
