"""The PostgreSQL connector on a real server."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from catalog.snapshots import DatasetKind, DatasetSnapshot, FieldType, KeyKind, SchemasListed
from connections.errors import ConnectorError, FailureKind
from ingestion.connectors.protocol import Connector
from ingestion.connectors.scope import Scope
from tests.ingestion.connectors.reading import HOSTILE, Read, checked, connector, read
from tests.ingestion.connectors.relay import relay
from tests.servers.databases import PostgresServer


class Source:
    """A scratch database, written by a superuser and read by the connector."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server = server
        self.database = database
        self.connection = psycopg.connect(server.url(database), autocommit=True)

    def execute(self, statement: str) -> None:
        self.connection.execute(statement)

    def url(self, *, port: int | None = None, user: str | None = None, options: str = "") -> str:
        secret = quote(self.server.password, safe="")
        where = f"{self.server.host}:{port or self.server.port}/{quote(self.database, safe='')}"
        return f"postgres://{user or self.server.superuser}:{secret}@{where}?sslmode=disable{options}"

    def connector(self, **how: object) -> Connector:
        return connector(self.url(**how))

    def read(self, **how: object) -> Read:
        return read(self.connector(), **how)


@pytest.fixture
def source(postgres_server: PostgresServer) -> Iterator[Source]:
    with postgres_server.database() as name:
        made = Source(postgres_server, name)
        yield made
        made.connection.close()


@pytest.fixture
def crawler(source: Source) -> Iterator[str]:
    """A role that may connect and nothing else."""
    role = f'{source.database}"crawl'
    source.connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), source.server.password)
    )
    yield role
    source.connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
    source.connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_everything_a_table_is_made_of_is_read(source: Source):
    source.execute(
        """
        CREATE TYPE mood AS ENUM ('sad', 'happy');
        CREATE DOMAIN price AS numeric(10, 2);
        CREATE TYPE street AS (name text, number int);
        CREATE TYPE address AS (street street, city text, moods mood[]);
        CREATE TABLE unit (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(80) NOT NULL,
            cost price DEFAULT 0, twice numeric GENERATED ALWAYS AS (cost * 2) STORED,
            mood mood, home address, others address[], made timestamptz(3) DEFAULT now(),
            CONSTRAINT code_unique UNIQUE (code) INCLUDE (cost));
        CREATE UNLOGGED TABLE task (
            unit_id bigint, unit_code varchar(80),
            CONSTRAINT of_unit FOREIGN KEY (unit_id) REFERENCES unit (id));
        COMMENT ON TABLE unit IS 'Units of study'; COMMENT ON COLUMN unit.code IS 'Printed on the diploma';
        ALTER TABLE task DROP COLUMN unit_code; ALTER TABLE task ADD COLUMN note text;
        """
    )
    found = source.read()
    unit, task = found.named("unit"), found.named("task")
    assert unit.path == (source.database, "public", "unit")
    assert unit.kind is DatasetKind.TABLE
    assert unit.comment == "Units of study"
    fields = {field.path: field for field in unit.fields}
    assert fields[("code",)].native_type == "character varying(80)"
    assert fields[("code",)].comment == "Printed on the diploma"
    assert not fields[("code",)].nullable
    assert fields[("id",)].default == "generated always as identity"
    assert fields[("twice",)].default == "generated always as (((cost)::numeric * (2)::numeric)) stored"
    assert fields[("cost",)].type is FieldType.DECIMAL
    assert fields[("cost",)].native_type == "public.price"
    assert fields[("mood",)].type is FieldType.ENUM
    assert fields[("made",)].native_type == "timestamp(3) with time zone"
    assert fields[("made",)].type is FieldType.TIMESTAMP
    assert fields[("home",)].type is FieldType.STRUCT
    assert fields[("home", "street", "number")].type is FieldType.INTEGER
    assert fields[("others",)].type is FieldType.ARRAY
    assert fields[("others", "street", "name")].type is FieldType.STRING
    assert [(key.kind, key.name, key.columns) for key in unit.keys] == [
        (KeyKind.UNIQUE, "code_unique", ("code",)),
        (KeyKind.PRIMARY, "unit_pkey", ("id",)),
    ]
    assert [(field.path, field.position) for field in task.fields] == [(("unit_id",), 1), (("note",), 3)]
    (foreign,) = task.keys
    assert (foreign.kind, foreign.references, foreign.referenced_columns) == (
        KeyKind.FOREIGN,
        unit.path,
        ("id",),
    )
    assert task.properties == {"unlogged": True}


def test_views_and_foreign_tables_are_told_apart_and_tell_their_definition(source: Source):
    source.execute(
        """
        CREATE TABLE unit (id int); CREATE VIEW v AS SELECT id FROM unit;
        CREATE MATERIALIZED VIEW m AS SELECT id FROM v;
        CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
        CREATE FOREIGN TABLE f (id int) SERVER far;
        """
    )
    found = source.read()
    assert found.named("v").kind is DatasetKind.VIEW
    assert "FROM public.unit" in (found.named("v").definition or "")
    assert found.named("m").kind is DatasetKind.MATERIALIZED_VIEW
    assert found.named("f").kind is DatasetKind.FOREIGN
    assert found.named("f").properties == {"server": "far"}


def test_system_schemas_and_objects_of_extensions_are_out(source: Source):
    source.execute(
        "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;"
        "CREATE TEMP TABLE passing (id int); CREATE TABLE kept (id int)"
    )
    found = source.read()
    assert list(found.complete) == [(source.database, "public")]
    assert [path[-1] for path in found.datasets] == ["kept"]


def test_rows_and_bytes_are_estimated_with_and_without_analyze(source: Source):
    source.execute("CREATE TABLE t AS SELECT generate_series(1, 10000) AS id; ANALYZE t")
    source.execute("CREATE TABLE empty (id int)")
    found = source.read()
    assert found.named("t").row_estimate == 10000
    assert (found.named("t").size_bytes or 0) > 100_000
    assert found.named("empty").row_estimate == 0


def test_five_thousand_partitions_are_one_dataset(source: Source):
    # In two levels, because PostgreSQL takes a minute to make them in one.
    source.execute("CREATE TABLE t (id int, at date) PARTITION BY RANGE (id)")
    for first in range(0, 5000, 100):
        source.execute(
            f"CREATE TABLE b{first} PARTITION OF t FOR VALUES FROM ({first}) TO ({first + 100})"
            " PARTITION BY RANGE (id);"
            + "".join(
                f"CREATE TABLE p{number} PARTITION OF b{first} FOR VALUES FROM ({number}) TO ({number + 1});"
                for number in range(first, first + 100)
            )
        )
    source.execute("INSERT INTO t SELECT generate_series(0, 9); ANALYZE p0; ANALYZE p1")
    found = source.read()
    (dataset,) = found.datasets.values()
    assert dataset.kind is DatasetKind.PARTITIONED
    assert dataset.properties == {
        "partition_key": "RANGE (id)",
        "partition_strategy": "range",
        "partitions": 5000,
    }
    assert (dataset.row_estimate or 0) >= 2
    assert found.complete == {(source.database, "public"): 1}


def test_hostile_names_come_back_as_they_are(source: Source):
    names = [*HOSTILE, "emoji 😀🎉", "é" * 31]
    for name in names:
        identifier = sql.Identifier(name)
        source.connection.execute(
            sql.SQL(
                "CREATE SCHEMA {0}; CREATE TABLE {0}.{0} ({0} int PRIMARY KEY, other int REFERENCES {0}.{0})"
            ).format(identifier)
        )
    found = source.read()
    for name in names:
        dataset = found.datasets[(source.database, name, name)]
        assert dataset.fields[0].path == (name,)
        assert dataset.keys[-1].references == dataset.path
    again = source.read(known=found.fingerprints)
    assert sorted(again.unchanged) == sorted(found.datasets)
    for name in names:
        quoted = name.replace('"', '""')
        only = source.read(scope=Scope(include=(f'"{quoted}"."{quoted}"',)))
        assert list(only.datasets) == [(source.database, name, name)]


def test_a_database_whose_name_is_a_connection_string_is_just_a_name(postgres_server: PostgresServer):
    with postgres_server.database("test_0 host=169.254.169.254 service=x") as name:
        assert connector(Source(postgres_server, name).url()).check().ok


def test_a_table_of_1600_columns_is_read(source: Source):
    source.execute("CREATE TABLE wide (" + ", ".join(f"column_{n} int" for n in range(1600)) + ")")
    assert len(source.read().named("wide").fields) == 1600


def test_an_empty_database_is_complete_and_empty(source: Source):
    assert source.read().complete == {(source.database, "public"): 0}
    source.execute("DROP SCHEMA public CASCADE")
    assert source.read().readings == [SchemasListed((), ())]


def test_only_what_changed_is_sent_again(source: Source):
    source.execute(
        """
        CREATE TYPE street AS (name text);
        CREATE TABLE plain (id int); CREATE TABLE typed (home street); CREATE TABLE many (homes street[]);
        CREATE TABLE keyed (id int); CREATE TABLE told (id int DEFAULT 1);
        CREATE VIEW v AS SELECT id FROM plain;
        CREATE TABLE gone (id int); CREATE TABLE split (id int) PARTITION BY LIST (id);
        """
    )
    known = source.read().fingerprints
    assert len(source.read(known=known).unchanged) == len(known)
    source.execute("INSERT INTO plain SELECT generate_series(1, 100); ANALYZE plain")
    assert len(source.read(known=known).unchanged) == len(known)
    source.execute(
        """
        ALTER TYPE street ADD ATTRIBUTE number int; ALTER TABLE keyed ADD PRIMARY KEY (id);
        COMMENT ON COLUMN told.id IS 'x';
        CREATE OR REPLACE VIEW v AS SELECT id FROM plain WHERE id > 1;
        DROP TABLE gone; CREATE TABLE fresh (id int); CREATE TABLE part PARTITION OF split FOR VALUES IN (1);
        """
    )
    found = source.read(known=known)
    assert sorted(path[-1] for path in found.unchanged) == ["plain"]
    assert sorted(path[-1] for path in found.datasets) == [
        "fresh",
        "keyed",
        "many",
        "split",
        "told",
        "typed",
        "v",
    ]


def test_patterns_decide_in_the_source(source: Source):
    source.execute(
        """
        CREATE SCHEMA sales; CREATE SCHEMA "sales.old"; CREATE SCHEMA hr;
        CREATE TABLE sales.unit (id int);
        CREATE TABLE sales.tmp_1 (id int); CREATE TABLE sales.tmpx1 (id int);
        CREATE TABLE "sales.old".unit (id int); CREATE TABLE hr.person (id int);
        """
    )

    def paths(**scope: tuple[str, ...]) -> list[str]:
        found = source.read(scope=Scope(**scope))
        return sorted("/".join(path[1:]) for path in found.datasets)

    assert paths(include=("sales.*",)) == ["sales/tmp_1", "sales/tmpx1", "sales/unit"]
    assert paths(include=("sales",), exclude=("sales.tmp_*",)) == ["sales/tmpx1", "sales/unit"]
    assert paths(include=('"sales.old".unit', "h?.p*n")) == ["hr/person", "sales.old/unit"]
    assert paths(exclude=("s*.*",)) == ["hr/person"]
    assert list(source.read(scope=Scope(exclude=("s*",))).complete) == [
        (source.database, "hr"),
        (source.database, "public"),
    ]


@pytest.mark.parametrize("crawl", ["first", "again", "changed"])
def test_statements_do_not_grow_with_tables(source: Source, crawl: str):
    counts = []
    for tables in (10, 300):
        source.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TYPE mood AS ENUM ('sad')")
        source.execute("".join(f"CREATE TABLE t{n} (id int PRIMARY KEY, m mood, x int);" for n in range(tables)))
        known = source.read().fingerprints if crawl != "first" else {}
        if crawl == "changed":
            source.execute("".join(f"COMMENT ON TABLE t{n} IS 'x';" for n in range(0, tables, 2)))
        with relay(source.server.host, source.server.port, "postgres") as between:
            found = read(source.connector(port=between.port), known=known)
        assert len(found.datasets) + len(found.unchanged) == tables
        counts.append(len([text for text in between.statements if b"pg_catalog.version" not in text]))
    assert counts[0] == counts[1] <= {"first": 12, "again": 12, "changed": 13}[crawl]


def test_a_schema_without_rights_fails_alone_and_names_the_grant(source: Source, crawler: str):
    source.execute("CREATE SCHEMA open; CREATE TABLE open.t (id int); CREATE SCHEMA shut; CREATE TABLE shut.t (id int)")
    source.connection.execute(sql.SQL("GRANT USAGE ON SCHEMA open TO {}").format(sql.Identifier(crawler)))
    reader = source.connector(user=quote(crawler, safe=""))
    check = reader.check()
    assert check.ok
    assert "shut" in " ".join(check.warnings)
    found = read(reader)
    assert list(found.datasets) == [(source.database, "open", "t")]
    (reason,) = found.failed.values()
    grant = reason.partition("Run: ")[2]
    assert grant.startswith('GRANT USAGE ON SCHEMA "shut" TO ')
    source.execute(grant)
    assert not read(reader).failed


def test_the_grants_that_are_shown_are_enough(source: Source, crawler: str):
    source.execute('CREATE SCHEMA "a""b"; CREATE TABLE "a""b".t (id int); REVOKE ALL ON SCHEMA public FROM public')
    source.connection.execute(
        sql.SQL("REVOKE CONNECT ON DATABASE {} FROM public").format(sql.Identifier(source.database))
    )
    reader = source.connector(user=quote(crawler, safe=""))
    refused = reader.check()
    assert (refused.ok, refused.kind) == (False, FailureKind.PERMISSION)
    for _ in range(2):  # the first reaches the database, and only then can the second name its schemas
        for grant in reader.required_grants():
            source.execute(grant)
    assert reader.check().warnings == ()
    assert len(read(reader).datasets) == 1


def test_no_grant_is_asked_for_that_the_crawl_never_uses(source: Source, crawler: str):
    source.execute(
        "CREATE SCHEMA kept; CREATE TABLE kept.t (id int); CREATE SCHEMA left_out; CREATE TABLE left_out.t (id int)"
    )
    source.execute("CREATE TABLE public.t (id int)")
    reader = source.connector(user=quote(crawler, safe=""))
    scope = Scope(exclude=("left_out.*",))
    asked = "\n".join(reader.required_grants(scope, sampling=True))
    assert 'USAGE ON SCHEMA "kept"' in asked and 'ALL TABLES IN SCHEMA "kept"' in asked
    assert "left_out" not in asked
    assert "left_out" not in " ".join(reader.check(scope).warnings) and "kept" in " ".join(reader.check(scope).warnings)
    assert "left_out" in "\n".join(reader.required_grants())


def test_a_wrong_password_is_an_authentication_failure_without_the_password(source: Source):
    url = f"postgres://{source.server.superuser}:canary-secret@127.0.0.1:{source.server.port}/{source.database}"
    check = connector(url).check()
    assert (check.ok, check.kind) == (False, FailureKind.AUTHENTICATION)
    assert "password" in check.reason
    assert "canary-secret" not in check.reason
    with pytest.raises(ConnectorError) as raised:
        next(connector(url).read(Scope(), {}))
    assert raised.value.kind is FailureKind.AUTHENTICATION


def test_an_unknown_database_and_a_closed_port_are_told_apart(source: Source):
    missing = connector(source.url().replace(source.database, "no_such_database")).check()
    assert (missing.ok, missing.kind) == (False, FailureKind.UNREACHABLE)
    assert "no such database" in missing.reason
    with relay("127.0.0.1", 1, "postgres") as closed:
        port = closed.port
    refused = source.connector(port=port).check()
    assert (refused.ok, refused.kind) == (False, FailureKind.UNREACHABLE)
    assert "refuses connections" in refused.reason


def test_a_lock_on_one_table_fails_its_schema_alone(source: Source):
    source.execute(
        "CREATE SCHEMA busy; CREATE SCHEMA calm;CREATE TABLE busy.free (id int); CREATE TABLE calm.t (id int)"
    )
    source.execute("CREATE TABLE base (id int); CREATE VIEW busy.locked AS SELECT id FROM base")
    with psycopg.connect(source.server.url(source.database)) as other:
        other.execute("ALTER TABLE base ADD COLUMN other int; ALTER VIEW busy.locked SET (security_barrier)")
        found = read(source.connector(options="&lock_timeout=1"))
        other.rollback()
    assert list(found.failed) == [(source.database, "busy")]
    assert "lock" in found.failed[(source.database, "busy")]
    assert (source.database, "calm") in found.complete
    assert (source.database, "busy", "free") in found.datasets
    assert not read(source.connector()).failed


def test_a_view_that_cannot_be_written_out_loses_only_its_definition(source: Source):
    source.execute(
        "CREATE TABLE base (a int, b int); CREATE VIEW broken AS SELECT a, b FROM base;CREATE TABLE t (id int)"
    )
    # PostgreSQL does not let the column go; a damaged catalog does.
    source.execute(
        "SET allow_system_table_mods = on;DELETE FROM pg_attribute WHERE attrelid = 'base'::regclass AND attname = 'a'"
    )
    found = source.read()
    assert not found.failed
    assert found.named("broken").definition is None
    assert found.named("t").fields


def test_a_table_dropped_during_the_crawl_leaves_the_rest_complete(source: Source):
    source.execute(
        "".join(
            f"CREATE TABLE t{n:04} (id int DEFAULT 1); CREATE VIEW v{n:04} AS SELECT id FROM t{n:04};"
            for n in range(400)
        )
    )
    readings = []
    for reading in source.connector().read(Scope(), {}):
        readings.append(reading)
        if isinstance(reading, DatasetSnapshot) and len(readings) == 2:
            source.execute("DROP TABLE t0398, t0399 CASCADE")
    found = checked(readings)
    assert not found.failed
    kept = {path[-1] for path in found.datasets}
    assert {f"t{n:04}" for n in range(398)} | {f"v{n:04}" for n in range(398)} <= kept


def test_a_cut_wire_is_mended_and_nothing_is_missing(source: Source):
    source.execute("".join(f"CREATE SCHEMA s{n}; CREATE TABLE s{n}.t (id int);" for n in range(5)))
    source.execute("".join(f"CREATE TABLE s2.t{n} (id int PRIMARY KEY, x text);" for n in range(600)))
    with relay(source.server.host, source.server.port, "postgres", cut_after=100_000) as between:
        found = read(source.connector(port=between.port))
    assert between.connections == 2
    assert not found.failed
    assert len(found.datasets) == 605


def test_a_wire_that_stays_cut_fails_what_was_not_read(source: Source):
    source.execute("".join(f"CREATE SCHEMA s{n}; CREATE TABLE s{n}.t (id int);" for n in range(5)))
    source.execute("".join(f"CREATE TABLE s2.t{n} (id int PRIMARY KEY, x text);" for n in range(600)))
    with relay(source.server.host, source.server.port, "postgres", cut_after=100_000, stay_down=True) as between:
        found = read(source.connector(port=between.port))
    assert (source.database, "s0") in found.complete
    assert {(source.database, "s2"), (source.database, "s3"), (source.database, "s4")} <= set(found.failed)
    assert all("lost" in reason for reason in found.failed.values())


def test_a_terminated_backend_is_survived(source: Source):
    source.execute("".join(f"CREATE TABLE t{n} (id int PRIMARY KEY, x text);" for n in range(600)))
    readings = []
    for reading in source.connector(options="&application_name=victim").read(Scope(), {}):
        readings.append(reading)
        if len(readings) == 10:
            source.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'")
    assert len(checked(readings).datasets) == 600


def test_closing_early_gives_the_connection_back(source: Source):
    source.execute("".join(f"CREATE TABLE t{n} (id int);" for n in range(600)))
    reading = source.connector(options="&application_name=leaver").read(Scope(), {})
    next(reading)
    next(reading)
    reading.close()
    gone = threading.Event()
    for _ in range(100):
        row = source.connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaver' AND state IS NOT NULL"
        ).fetchone()
        if row == (0,):
            gone.set()
            break
        gone.wait(0.02)
    assert gone.is_set()


def test_the_session_cannot_write(source: Source):
    from connections.engines import postgres
    from tests.ingestion.connectors.reading import opened

    with (
        postgres.connect(opened(source.url())) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("CREATE TABLE t (id int)")


@pytest.mark.skipif(sys.platform != "linux", reason="The names of these options are Linux's.")
def test_a_server_that_falls_silent_is_given_up_within_a_minute(source: Source):
    from connections.engines import postgres
    from tests.ingestion.connectors.reading import opened

    with (
        postgres.connect(opened(source.url())) as connection,
        socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as wire,
    ):
        idle, interval, tries = (
            wire.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * tries <= 60
        assert 0 < wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 60_000
