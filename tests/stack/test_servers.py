"""The servers that the tests themselves run on."""

import psycopg
import pytest

from tests.servers.databases import MariadbServer, PostgresServer


def test_a_scratch_database_is_gone_after_its_block(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as name, psycopg.connect(postgres_server.url(name)) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (name,)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(postgres_server.url(name))


def test_the_runtime_role_may_not_make_tables(postgres_server: PostgresServer) -> None:
    with (
        postgres_server.database() as name,
        psycopg.connect(postgres_server.postgres.url("catalog_app", name)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE made_by_runtime (id bigint)")


def test_the_runtime_role_writes_what_the_owner_made(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as name:
        with psycopg.connect(postgres_server.postgres.url("catalog_owner", name), autocommit=True) as owner:
            owner.execute("CREATE TABLE made_by_owner (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
        with psycopg.connect(postgres_server.postgres.url("catalog_app", name), autocommit=True) as runtime:
            runtime.execute("INSERT INTO made_by_owner (word) VALUES ('kept')")
            assert runtime.execute("SELECT id, word FROM made_by_owner").fetchall() == [(1, "kept")]


@pytest.mark.mariadb
def test_a_scratch_database_on_mariadb_is_gone_after_its_block(mariadb_server: MariadbServer) -> None:
    with mariadb_server.database() as name, mariadb_server.connect(database=name) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT DATABASE()")
        assert cursor.fetchone() == (name,)
    with mariadb_server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s", [name])
        assert cursor.fetchone() == (0,)
