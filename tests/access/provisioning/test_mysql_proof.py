"""Whatever happens in a MariaDB: after a reconciliation people read what was approved, and no more, by logging in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import closing

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.provisioning.desired import Mask, MaskedColumn, Profile, Rules, Wanted, view_path
from access.provisioning.facts import Path
from access.provisioning.mysql.quoting import place, quoted
from access.provisioning.mysql.service import service_grants
from tests.access.provisioning import mariadb
from tests.access.provisioning.test_mysql_enforcer import PASSWORD, SERVICE, Keeper, clear, enforcer
from tests.servers.databases import MariadbServer

DATABASE = "mp_shop_%"
TABLES = ("orders", "odd`na'me", "100%_done" + "x" * 55)
COLUMNS = ("id", "email", "we`ird", "über")
READERS = {"mp_ann": ("%",), "mp_b'ob": ("%", "127.0.0.1")}
ACCOUNTS = [mariadb.account(user, host) for user, hosts in READERS.items() for host in hosts]

pytestmark = [pytest.mark.mariadb, pytest.mark.long]

_numbers = itertools.count(1)

columns = st.lists(st.sampled_from(COLUMNS), unique=True, max_size=4).map(tuple)
masked = st.lists(
    st.tuples(st.sampled_from(COLUMNS), st.sampled_from(list(Mask))), unique_by=lambda one: one[0], max_size=2
)
wishes = st.dictionaries(
    st.tuples(st.sampled_from(sorted(READERS)), st.sampled_from(TABLES)), st.tuples(columns, masked), max_size=5
)
EVENTS = ("drop", "rename", "add_column", "drop_column", "revoke", "drop_view", "drop_role", "no_default", "widen")
events = st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(TABLES)), max_size=4)


def table(name: str) -> str:
    listed = ", ".join(f"{quoted(column)} varchar(20)" for column in COLUMNS)
    return f"CREATE TABLE {place((DATABASE, name))} ({listed})"


def happening(event: str, name: str, keeper: Keeper) -> list[str]:
    """Something that an administrator of the server does, by the way."""
    where = place((DATABASE, name))
    ours = sorted(keeper.ours.roles)
    match event:
        case "drop":
            return [f"DROP TABLE {where}", table(name)]
        case "rename":
            return [f"RENAME TABLE {where} TO {place((DATABASE, f'old{next(_numbers)}'))}", table(name)]
        case "add_column":
            return [f"ALTER TABLE {where} ADD COLUMN {quoted(f'new{next(_numbers)}')} int"]
        case "drop_column":
            return [f"ALTER TABLE {where} DROP COLUMN email"]
        case "revoke":
            return [f"REVOKE SELECT ON {where} FROM {quoted(role)}" for role in ours]
        case "drop_view":
            return [f"DROP VIEW IF EXISTS {place(view)}" for view in keeper.ours.views]
        case "drop_role":
            return [f"DROP ROLE {quoted(role)}" for role in ours]
        case "no_default":
            return [f"SET DEFAULT ROLE NONE FOR {account}" for account in ACCOUNTS]
        case _:
            return [f"GRANT SELECT ON {where} TO {quoted(role)}" for role in ours]


def reads(server: MariadbServer, user: str, path: Path, column: str, *, local: bool) -> bool:
    way = {"unix_socket": server.socket} if local else {"host": server.host, "port": server.port}
    with closing(pymysql.connect(user=user, password=PASSWORD, **way)) as session, session.cursor() as cursor:
        try:
            cursor.execute(f"SELECT {quoted(column)} FROM {place(path)}")
        except pymysql.MySQLError:
            return False
        return True


@pytest.mark.parametrize("profile", [Profile.ROLE_MANAGING, Profile.GRANT_ONLY])
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=st.lists(st.tuples(wishes, events), min_size=1, max_size=3))
def test_people_read_what_was_approved_by_logging_in_and_the_second_plan_is_empty(
    mariadb_server: MariadbServer, profile: Profile, rounds: Sequence
) -> None:
    server, rules = mariadb_server, Rules(profile=profile, mask_schema="en_masked", wraps=True)
    tidy(server)
    made = [f"CREATE USER {account} IDENTIFIED BY '{PASSWORD}'" for account in ACCOUNTS]
    made += [f"CREATE USER {mariadb.account(SERVICE, '%')} IDENTIFIED BY '{PASSWORD}'"]
    made += [f"CREATE DATABASE {quoted(DATABASE)}", *(table(name) for name in TABLES)]
    made += service_grants(profile, rules, f"{SERVICE}@%", [(DATABASE,)])
    assert mariadb.run(server, made) == made
    try:
        with enforcer(server, rules) as opened:
            settle_all(server, Keeper(opened, rules), rounds)
    finally:
        tidy(server)


def settle_all(server: MariadbServer, keeper: Keeper, rounds: Sequence) -> None:
    before: list[Wanted] = []
    for wanted, happened in rounds:
        for event, name in happened:
            mariadb.run(server, happening(event, name, keeper))
        grants = [
            Wanted(
                grant_id=next(_numbers),
                login=user,
                dataset_id=TABLES.index(name) + 1,
                path=(DATABASE, name),
                columns=some,
                masks=tuple(
                    MaskedColumn(column, mask)
                    for column, mask in masks
                    if keeper.rules.manages_roles and (not some or column in some)
                ),
            )
            for (user, name), (some, masks) in wanted.items()
        ]
        keeper.settle(grants, before)
        assert keeper.plan(grants, before).steps == ()
        present = {one.path: one.columns for one in keeper.opened.inspect().relations.values()}
        by_place = {(grant.login, grant.path): grant for grant in grants}
        for user, name, local in itertools.product(READERS, TABLES, (False, True)):
            path = (DATABASE, name)
            grant = by_place.get((user, path))
            for column in present[path]:
                wants = grant is not None and (not grant.columns or column in grant.columns)
                hides = grant is not None and any(one.name == column for one in grant.masks)
                assert reads(server, user, path, column, local=local) is (wants and not hides), (user, path, column)
                if grant is not None and any(one.name in present[path] for one in grant.masks):
                    view = view_path(keeper.rules, grant)
                    assert reads(server, user, view, column, local=local) is wants, (user, view, column)
        before = grants


def tidy(server: MariadbServer) -> None:
    clear(server)
    gone = [f"DROP DATABASE IF EXISTS {quoted(DATABASE)}"]
    mariadb.run(server, [*gone, *(f"DROP USER IF EXISTS {account}" for account in ACCOUNTS)])
