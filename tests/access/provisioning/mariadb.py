"""Random states of privileges on a real MariaDB, and what logging in shows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pymysql
from hypothesis import strategies as st

from access.provisioning.facts import AnyFact, Path
from access.provisioning.mysql.catalogs import MARIADB
from access.provisioning.mysql.inspecting import facts_of
from tests.servers.databases import MariadbServer

PASSWORD = "for tests"
DATABASES = ("rd_1", "rdx1", "rd%")
USERS = {"rd_ann": ("%",), "rd_bob": ("%", "127.0.0.1"), "rd_eve": ("localhost", "%")}
ROLES = ("rd_role1", "rd_role2", "rd@role3")
COLUMNS = ("a", "b c")
PATTERNS = ("rd\\_1", "rdx1", "rd\\%", "rd_1", "rd%", "%", "r%1", "rd__", "rd_%")

ACCOUNTS = [(user, host) for user, hosts in USERS.items() for host in hosts]


def name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


def account(user: str, host: str) -> str:
    return f"{name(user)}@{name(host)}"


GRANTEES = [*(account(*one) for one in ACCOUNTS), *(name(role) for role in ROLES), "PUBLIC"]
TABLES = [f"{name(database)}.t" for database in DATABASES]
VIEWS = [f"{name(database)}.{view}" for database in DATABASES for view in ("v", "w")]

_rights = st.sampled_from(["SELECT", "SELECT", "SELECT (a)", "SELECT (`b c`)", "INSERT"])
_grantee = st.sampled_from(GRANTEES)

grants = st.one_of(
    st.builds(
        lambda right, place, grantee: f"GRANT {right} ON {place} TO {grantee}",
        _rights,
        st.sampled_from([*TABLES, *VIEWS]),
        _grantee,
    ),
    st.builds(
        lambda right, pattern, grantee: f"GRANT {right} ON {name(pattern)}.* TO {grantee}",
        st.sampled_from(["SELECT", "SELECT", "INSERT"]),
        st.sampled_from(PATTERNS),
        _grantee,
    ),
    st.builds(
        lambda role, grantee: f"GRANT {name(role)} TO {grantee}",
        st.sampled_from(ROLES),
        st.sampled_from([one for one in GRANTEES if one != "PUBLIC"]),
    ),
    st.builds(
        lambda role, one: f"SET DEFAULT ROLE {name(role)} FOR {account(*one)}",
        st.sampled_from(ROLES),
        st.sampled_from(ACCOUNTS),
    ),
    st.builds(
        lambda right, grantee: f"GRANT {right} ON *.* TO {grantee}",
        st.sampled_from(["SELECT", "INSERT", "INSERT"]),
        _grantee,
    ),
    st.builds(
        lambda place, grantee: f"REVOKE SELECT ON {place} FROM {grantee}",
        st.sampled_from([*TABLES, *VIEWS]),
        _grantee,
    ),
)

views = st.builds(
    lambda view, definer, security, base, column: (
        f"CREATE OR REPLACE DEFINER = {definer} SQL SECURITY {security} VIEW {view} AS SELECT {column} FROM {base}"
    ),
    st.sampled_from(VIEWS),
    st.sampled_from([*(account(*one) for one in ACCOUNTS), name("rd_role1")]),
    st.sampled_from(["DEFINER", "DEFINER", "INVOKER"]),
    st.sampled_from([*TABLES, *VIEWS]),
    st.sampled_from(["a", "`b c`", "a, `b c`"]),
)


def run(server: MariadbServer, statements: Sequence[str]) -> list[str]:
    """Run statements as superuser, each by itself; those that the server took."""
    taken = []
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            try:
                cursor.execute(statement)
            except pymysql.MySQLError:
                continue
            taken.append(statement)
    return taken


@contextmanager
def scene(server: MariadbServer) -> Iterator[None]:
    """The databases, users and roles of this module, and nothing of them afterwards."""
    clear(server)
    made = [f"CREATE USER {account(*one)} IDENTIFIED BY '{PASSWORD}'" for one in ACCOUNTS]
    made += [f"CREATE ROLE {name(role)}" for role in ROLES]
    for database in DATABASES:
        made += [
            f"CREATE DATABASE {name(database)}",
            f"CREATE TABLE {name(database)}.t (a int, `b c` int)",
        ]
    assert len(run(server, made)) == len(made)
    try:
        yield
    finally:
        clear(server)


def clear(server: MariadbServer) -> None:
    run(
        server,
        [
            *(f"DROP DATABASE IF EXISTS {name(database)}" for database in DATABASES),
            *(f"DROP USER IF EXISTS {account(*one)}" for one in ACCOUNTS),
            *(f"DROP ROLE IF EXISTS {name(role)}" for role in ROLES),
            *(f"REVOKE ALL PRIVILEGES ON {name(pattern)}.* FROM PUBLIC" for pattern in PATTERNS),
            *(f"REVOKE ALL PRIVILEGES ON {place} FROM PUBLIC" for place in [*TABLES, *VIEWS]),
            "REVOKE ALL PRIVILEGES ON *.* FROM PUBLIC",
        ],
    )


def facts(server: MariadbServer) -> frozenset[AnyFact]:
    with closing(server.connect()) as connection, connection.cursor() as cursor:

        def read(statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

        return frozenset(facts_of(read, MARIADB, "", read(MARIADB.locked, ())))


@contextmanager
def login(server: MariadbServer, user: str, *, local: bool = False) -> Iterator[pymysql.cursors.Cursor]:
    """A session as a user, by TCP from 127.0.0.1 or by the socket from localhost."""
    way: dict[str, Any] = {"unix_socket": server.socket} if local else {"host": server.host, "port": server.port}
    with closing(pymysql.connect(user=user, password=PASSWORD, **way)) as connection, connection.cursor() as cursor:
        yield cursor


def reads(cursor: pymysql.cursors.Cursor, path: Path, column: str) -> bool:
    try:
        cursor.execute(f"SELECT {name(column)} FROM {name(path[0])}.{name(path[1])}")
    except pymysql.MySQLError:
        return False
    return True
