"""Who can read what on PostgreSQL 15 and 18: the walk over facts against the server's own judgement and logins."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from psycopg import sql

from access.provisioning.identities import POSTGRES
from access.provisioning.postgres.inspection import inspect
from access.provisioning.readers import Readers
from tests.access.provisioning.postgres import Cluster

PASSWORD = "for tests"
TAG = secrets.token_hex(3)
USERS = [f"rd_{TAG}_ann", f"rd_{TAG}_bob", f"rd_{TAG} eve"]
ROLES = [f"rd_{TAG}_one", f"rd_{TAG}_two", f'rd_{TAG}_"three']
SCHEMAS = ["one", "tw o"]
TABLES = [(schema, "t") for schema in SCHEMAS]
VIEWS = [(schema, view) for schema in SCHEMAS for view in ("v", "w")]
COLUMNS = ("a", "b c")

_everybody = st.sampled_from([*USERS, *ROLES])
_grantee = st.sampled_from([*USERS, *ROLES, ""])
_columns = st.sampled_from(["", "", "(a)", '("b c")'])


def name(*parts: str) -> str:
    return sql.Identifier(*parts).as_string(None)


def whom(grantee: str) -> str:
    return name(grantee) if grantee else "PUBLIC"


grants = st.one_of(
    st.builds(
        lambda columns, place, grantee: f"GRANT SELECT {columns} ON {name(*place)} TO {whom(grantee)}",
        _columns,
        st.sampled_from([*TABLES, *VIEWS]),
        _grantee,
    ),
    st.builds(
        lambda schema, grantee: f"GRANT USAGE ON SCHEMA {name(schema)} TO {whom(grantee)}",
        st.sampled_from(SCHEMAS),
        _grantee,
    ),
    st.builds(
        lambda role, member, options: f"GRANT {name(role)} TO {name(member)} {options}",
        st.sampled_from([*ROLES, "pg_read_all_data"]),
        _everybody,
        st.sampled_from(["", "", "WITH INHERIT FALSE", "WITH SET FALSE", "WITH INHERIT FALSE, SET FALSE"]),
    ),
    st.builds(
        lambda role, attribute: f"ALTER ROLE {name(role)} {attribute}",
        _everybody,
        st.sampled_from(["NOINHERIT", "NOINHERIT", "SUPERUSER"]),
    ),
    st.builds(
        lambda place, owner: f"ALTER TABLE {name(*place)} OWNER TO {name(owner)}",
        st.sampled_from([*TABLES, *VIEWS]),
        _everybody,
    ),
    st.builds(
        lambda place, grantee: f"REVOKE SELECT ON {name(*place)} FROM {whom(grantee)}",
        st.sampled_from([*TABLES, *VIEWS]),
        _grantee,
    ),
    st.builds(lambda grantee: f"GRANT CONNECT ON DATABASE {{database}} TO {whom(grantee)}", _everybody),
    st.just("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC"),
)
views = st.builds(
    lambda view, invoker, base, columns: (
        f"CREATE VIEW {name(*view)} WITH (security_invoker = {invoker}) AS SELECT {columns} FROM {name(*base)}"
    ),
    st.sampled_from(VIEWS),
    st.sampled_from(["false", "false", "true"]),
    st.sampled_from([*TABLES, *VIEWS]),
    st.sampled_from(["a", '"b c"', 'a, "b c"']),
)
STATES = st.tuples(st.lists(views, max_size=4), st.lists(grants, min_size=2, max_size=14))


@contextmanager
def scene(cluster: Cluster) -> Iterator[str]:
    """A database of its own with two schemas, and roles; nothing of it afterwards."""
    database = f"rd_{secrets.token_hex(4)}"
    with closing(cluster.connect()) as server:
        for text in clearing():
            attempt(server, text)
        server.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(database)))
        for user in USERS:
            server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), PASSWORD))
        for role in ROLES:
            server.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        try:
            yield database
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
            for text in clearing():
                attempt(server, text)


def clearing() -> list[str]:
    return [f"DROP ROLE IF EXISTS {name(role)}" for role in [*USERS, *ROLES]]


def attempt(connection: psycopg.Connection[Any], text: str) -> bool:
    try:
        connection.execute(text)
    except psycopg.Error:
        return False
    return True


def holds_at_logins(cluster: Cluster, state: tuple[Sequence[str], Sequence[str]]) -> None:
    with scene(cluster) as database, closing(cluster.connect(database)) as owner:
        for schema in SCHEMAS:
            owner.execute(f"CREATE SCHEMA {name(schema)}")
            owner.execute(f'CREATE TABLE {name(schema, "t")} (a int, "b c" int)')
        for text in [one.replace("{database}", name(database)) for part in state for one in part]:
            if attempt(owner, text):
                note(text)
        with owner.transaction():
            inspection = inspect(owner, "dc_masked")
        readers = Readers(inspection.facts, POSTGRES)
        columns = [(path, column) for path, one in readers.relations.items() for column in one.columns]
        assert len(columns) >= 2 * len(SCHEMAS)
        for user in USERS:
            settable = [role for role in readers.identities.settable(user) if role in ROLES]
            truth = at_login(cluster, database, user, ["", *settable], columns)
            for role in ["", *settable]:
                for path, column in columns:
                    told = readers.can_read(user, path, column, set_role=role)
                    assert told == ((role, path, column) in truth), (user, role, path, column)
        agrees_with_the_server(owner, readers, columns)


def at_login(cluster: Cluster, database: str, user: str, roles: Sequence[str], columns: Sequence[Any]) -> set[Any]:
    """What a login reads at once and after each SET ROLE; nothing where it is not let in."""
    found = set()
    try:
        session = cluster.connect(database, user, PASSWORD)
    except psycopg.OperationalError:
        return found
    with closing(session):
        for role in roles:
            if role:
                session.execute(f"SET ROLE {name(role)}")
            for path, column in columns:
                if attempt(session, f"SELECT {name(column)} FROM {name(*path)}"):
                    found.add((role, path, column))
            session.execute("RESET ROLE")
    return found


def agrees_with_the_server(owner: psycopg.Connection[Any], readers: Readers, columns: Sequence[Any]) -> None:
    """Rights on columns, whatever lies before or behind them, are those that the server finds."""
    for path, column in columns:
        told = {
            route.account
            for reader in readers.of_column(path, column)
            for route in reader.routes
            if not route.views and not route.set_role
        }
        for role in [*USERS, *ROLES]:
            ((judged,),) = owner.execute(
                "SELECT has_column_privilege(%s, %s, %s, 'SELECT')", [role, name(*path), column]
            ).fetchall()
            # What everybody has is told of those who can log in.
            assert (role in told) == judged or (role in ROLES and judged), (role, path, column)


@given(state=STATES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_facts_say_is_what_a_login_finds(cluster: Cluster, state) -> None:
    holds_at_logins(cluster, state)


@pytest.mark.long
@given(state=STATES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_facts_say_is_what_a_login_finds_in_many_states(cluster: Cluster, state) -> None:
    holds_at_logins(cluster, state)
