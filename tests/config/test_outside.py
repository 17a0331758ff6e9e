"""Servers of one's own are called before anything starts; one that does not do is told of by a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.servers.databases import PostgresServer

NOWHERE = "127.0.0.1:9"


def call(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config", "--servers"],
        cwd=settings.BASE_DIR,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def role(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.role() as name:
        yield name


@pytest.fixture
def fresh(postgres_server: PostgresServer) -> Iterator[str]:
    """A database without a table."""
    with postgres_server.database() as name:
        yield name


def run_in(server: PostgresServer, name: str, statement: str, **identifiers: str) -> None:
    quoted = {key: sql.Identifier(value) for key, value in identifiers.items()}
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(**quoted))


def test_servers_that_do_are_passed_in_silence(fresh: str, postgres_server: PostgresServer) -> None:
    called = call(DATABASE_URL=postgres_server.url(fresh))
    assert (called.returncode, called.stderr) == (0, "")


@pytest.mark.parametrize(
    ("variable", "address", "what"),
    [
        ("DATABASE_URL", f"postgresql://me:hunter2@{NOWHERE}/catalog", "database"),
        ("DATABASE_OWNER_URL", f"postgresql://me:hunter2@{NOWHERE}/catalog", "database"),
        ("REDIS_URL", f"redis://:hunter2@{NOWHERE}/0", "Redis or Valkey"),
    ],
)
def test_a_server_that_does_not_answer_is_named_by_its_variable_and_without_its_password(
    fresh: str, postgres_server: PostgresServer, variable: str, address: str, what: str
) -> None:
    called = call(**{"DATABASE_URL": postgres_server.url(fresh), variable: address})
    assert called.returncode == 1
    assert called.stderr.startswith(
        f"The {what} of {variable} cannot be reached. Start it, or correct {variable}. What was heard: "
    )
    assert called.stderr.count("\n") == 1 and "hunter2" not in called.stderr


def test_an_owner_s_address_of_another_scheme_is_refused_under_its_own_name(
    fresh: str, postgres_server: PostgresServer
) -> None:
    called = call(DATABASE_URL=postgres_server.url(fresh), DATABASE_OWNER_URL="mysql://me:hunter2@host/name")
    assert called.returncode == 1
    assert called.stderr.startswith("DATABASE_OWNER_URL cannot be read. Allowed: ")
    assert "hunter2" not in called.stderr


def test_a_role_that_may_make_no_tables_is_refused_while_there_are_none(
    fresh: str, role: str, postgres_server: PostgresServer
) -> None:
    owner = postgres_server.url_of(role, fresh)
    called = call(DATABASE_URL=owner, DATABASE_OWNER_URL=owner)
    assert called.returncode == 1
    assert f"{role}, the role of DATABASE_OWNER_URL, may not make tables in the database {fresh}" in called.stderr
    run_in(postgres_server, fresh, "CREATE TABLE django_migrations ()")
    assert call(DATABASE_URL=owner, DATABASE_OWNER_URL=owner).returncode == 0


def test_a_role_that_may_make_no_extension_is_refused_while_one_is_lacking(
    fresh: str, role: str, postgres_server: PostgresServer
) -> None:
    run_in(postgres_server, fresh, "GRANT CREATE ON SCHEMA public TO {role}", role=role)
    run_in(postgres_server, fresh, "DROP EXTENSION IF EXISTS btree_gist")
    try:
        owner = postgres_server.url_of(role, fresh)
        called = call(DATABASE_URL=owner)
        assert called.returncode == 1
        assert (
            f"The database {fresh} lacks the extensions btree_gist, and {role}, the role of DATABASE_URL, may not make"
            in (called.stderr)
        )
        run_in(postgres_server, fresh, "CREATE EXTENSION btree_gist")
        assert call(DATABASE_URL=owner).returncode == 0
    finally:
        run_in(postgres_server, fresh, "REVOKE CREATE ON SCHEMA public FROM {role}", role=role)
