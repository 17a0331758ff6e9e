"""Whole crawls with full sampling of what is in real databases: huge, broken, strange. None stalls or breaks them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from accounts.models import Principal
from catalog.actions import edit_source
from catalog.models import Field, FieldProfile, Sampling, Source
from classification.actions import add_category, apply_rule_set, draft_rule_set
from classification.models import Label, Level
from classification.reclassifying import advance
from common.errors import Invalid
from connections.addresses import parse_address
from ingestion.models import Run, RunState
from ingestion.sources import add_crawled_source
from tests.factories import person
from tests.ingestion.sources import postgres_source
from tests.ingestion.test_crawls import crawl
from tests.servers.databases import MariadbServer, PostgresServer

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = '{{"customer": {{"email": "c{0}@example.org", "tax_file_number": "{0}"}}, "n": {0}}}'


def sampled(source: Source) -> Run:
    source = edit_source(source=source, changes={"sampling": "full"}, by=Principal.objects.system())
    run = crawl(source)
    assert run.state == RunState.SUCCEEDED, run.message
    return run


def file_source(url: str, settings, folder: Path) -> Source:
    settings.CONNECTION_ALLOWED_PATHS = [str(folder)]
    return add_crawled_source(name="files", address=parse_address(url), by=Principal.objects.system())


def category(table: str, *path: str) -> str | None:
    """What is suggested of a column, with values among the evidence."""
    label = Label.objects.current().suggested().filter(field__dataset__name=table, field__path=list(path)).first()
    return label.category.slug if label and label.category else None


def profile(table: str, column: str) -> FieldProfile:
    return FieldProfile.objects.get(field__dataset__name=table, field__path=[column])


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[tuple[str, psycopg.Connection]]:
    with postgres_server.database() as name, psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
        yield name, connection


def test_postgres_with_everything_that_is_hard(postgres_server: PostgresServer, database):
    name, connection = database
    connection.execute("CREATE TABLE huge (id int, body text)")
    connection.execute("INSERT INTO huge VALUES (1, repeat('x', 10 * 1024 * 1024)), (2, 'y')")
    connection.execute(f"CREATE TABLE wide ({', '.join(f'c{number} text' for number in range(1_600))})")
    connection.execute("INSERT INTO wide (c0) SELECT NULL FROM generate_series(1, 500)")
    connection.execute(
        "CREATE TABLE odd (raw bytea, bits bit(9), contacts text[], doc jsonb, grid int[][], nothing point)"
    )
    for number in range(30):
        connection.execute(
            "INSERT INTO odd VALUES (%s, b'101010101', %s, %s, '{{1,2},{3,4}}', NULL)",
            (b"\x00\xff" * number, [f"a{number}@example.org", f"b{number}@example.net"], DOCUMENT.format(number)),
        )
    connection.execute("CREATE TABLE large_docs (doc json)")
    connection.execute(
        "INSERT INTO large_docs SELECT json_build_object('date_of_birth', '1980-01-' || (n % 28 + 1), 'tax_file_number', n,"
        " 'pad', repeat('x', 100000)) FROM generate_series(10, 40) AS n"
    )
    run = sampled(postgres_source(postgres_server, name))
    assert run.message == "4 added. 4 tables sampled."
    assert profile("huge", "body").longest == 2_000
    assert FieldProfile.objects.filter(dataset__name="wide", null_share=1).count() == 1_600
    assert (profile("odd", "raw").shortest, profile("odd", "raw").longest) == (0, 58)
    assert category("odd", "contacts") == "email"
    assert category("odd", "doc") == "au_tfn"
    assert category("large_docs", "doc") == "au_tfn", "a document that was cut off is looked into as well"


def test_database_without_an_encoding(postgres_server: PostgresServer):
    with postgres_server.database() as name:
        with psycopg.connect(postgres_server.url(), autocommit=True) as server:
            server.execute(f"DROP DATABASE {name}")
            server.execute(
                f"CREATE DATABASE {name} ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
            )
        with psycopg.connect(postgres_server.url(name), autocommit=True) as connection:
            connection.execute("CREATE TABLE mess (body text)")
            connection.execute("INSERT INTO mess SELECT E'caf\\xe9 ' || n FROM generate_series(1, 20) AS n")
        assert sampled(postgres_source(postgres_server, name)).message == "1 added. 1 table sampled."
    assert profile("mess", "body").distinct == 20


@pytest.mark.mariadb
def test_mariadb_with_everything_that_is_hard(mariadb_server: MariadbServer):
    with mariadb_server.database() as name, mariadb_server.connect(database=name, charset="utf8mb4") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE huge (id INT, body LONGTEXT)")
        cursor.execute("INSERT INTO huge VALUES (1, REPEAT('x', 10 * 1024 * 1024)), (2, 'y')")
        cursor.execute(f"CREATE TABLE wide ({', '.join(f'c{number} INT' for number in range(900))})")
        cursor.execute("INSERT INTO wide VALUES ()")
        cursor.execute(
            "CREATE TABLE odd (raw LONGBLOB, bits BIT(9), doc JSON, latin VARCHAR(40) CHARACTER SET latin1, day DATE,"
            " place GEOMETRY)"
        )
        cursor.execute("SET SESSION sql_mode = ''")
        for number in range(30):
            cursor.execute(
                "INSERT INTO odd VALUES (%s, b'101', %s, %s, '0000-00-00', POINT(1, 2))",
                (b"\x00\xff" * number, DOCUMENT.format(number), f"café{number}@exämple.org"),
            )
        source = add_crawled_source(
            name="maria",
            address=parse_address(f"{mariadb_server.url(name)}?sslmode=disable"),
            by=Principal.objects.system(),
        )
        assert sampled(source).message == "3 added. 3 tables sampled."
    assert profile("huge", "body").longest == 2_000
    assert category("odd", "doc") == "au_tfn"
    assert profile("odd", "day").minimum == ""


def test_sqlite_with_everything_that_is_hard(tmp_path: Path, settings):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE mess (id INTEGER PRIMARY KEY, body TEXT, raw BLOB, number INTEGER, doc JSON)")
        connection.execute(
            "INSERT INTO mess VALUES (0, CAST(zeroblob(10485760) AS TEXT), zeroblob(10485760), 'no number', '{')"
        )
        for number in range(1, 30):
            connection.execute(
                "INSERT INTO mess VALUES (?, CAST(? AS TEXT), ?, ?, ?)",
                (number, b"\xff\xfe" + str(number).encode(), b"\x00" * number, number * 1.5, DOCUMENT.format(number)),
            )
        connection.execute(f"CREATE TABLE wide ({', '.join(f'c{number}' for number in range(1_600))})")
        connection.execute("INSERT INTO wide (c0) VALUES (NULL)")
    connection.close()
    run = sampled(file_source(f"sqlite://{tmp_path}/shop.db", settings, tmp_path))
    assert run.message == "2 added. 2 tables sampled."
    assert profile("mess", "raw").longest == 10 * 1024 * 1024
    assert category("mess", "doc") == "au_tfn"
    assert profile("mess", "number").maximum == "43.5"


def test_duckdb_with_everything_that_is_hard(tmp_path: Path, settings):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE huge AS SELECT repeat('x', 10485760) AS body UNION ALL SELECT 'y'")
        connection.execute("""
            CREATE TABLE odd AS
            SELECT {'email': 'p' || n || '@example.org', 'tags': ['a', 'b']} AS person, ['q' || n || '@example.org'] AS reach,
                   [{'phone': '0400 000 0' || n}] AS phones, '\\xFF\\x00'::BLOB AS raw, MAP {'k': n} AS words
            FROM range(10, 40) AS r (n)
        """)
    run = sampled(file_source(f"duckdb://{tmp_path}/shop.duckdb", settings, tmp_path))
    assert run.message == "2 added. 2 tables sampled."
    assert category("odd", "person", "email") == "email"
    assert category("odd", "reach") == "email"
    assert FieldProfile.objects.get(field__path=["person", "email"]).shapes == [["a99@a.a", 1.0]]


def test_an_administrators_rules_act_on_values_and_a_hostile_one_stalls_nothing(
    postgres_server: PostgresServer, database
):
    name, connection = database
    connection.execute("CREATE TABLE things (k1 text, k2 text, k3 text)")
    connection.execute(
        "INSERT INTO things SELECT 'WB-' || (1000 + n), '79927398713', repeat('a', 1990) || '!'"
        " FROM generate_series(1, 60) AS n"
    )
    administrator = person("ada", administrator=True)
    level = Level.objects.get(slug="confidential")
    with pytest.raises(Invalid):
        add_category(slug="bomb", name="Bomb", level=level, patterns=["((a{1,100}){1,100}){1,100}"], by=administrator)
    add_category(slug="wombat", name="Wombat", level=level, names=["wombat"], patterns=[r"WB-\d{4}"], by=administrator)
    add_category(
        slug="greedy",
        name="Greedy",
        level=level,
        names=["greed"],
        patterns=["(a+)+$", "(a|aa)*b", "(.*a){12}c"],
        by=administrator,
    )
    draft = draft_rule_set(by=administrator)
    while advance(draft.pk):
        pass
    apply_rule_set(rule_set=draft.rule_set, by=administrator)
    run = sampled(postgres_source(postgres_server, name))
    assert run.message == "1 added. 1 table sampled."
    assert category("things", "k1") == "wombat"
    assert category("things", "k3") is None
    label = Label.objects.current().get(field=Field.objects.get(path=["k1"]))
    assert any("20 of 20" in one["text"] for one in label.evidence)
    assert Sampling.objects.get().failure == ""
