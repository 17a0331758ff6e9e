"""Who can read what on MariaDB: the walk over facts against what happens when somebody logs in."""

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from access.provisioning.identities import MYSQL
from access.provisioning.readers import Readers
from tests.access.provisioning import mariadb
from tests.servers.databases import MariadbServer
from tests.thoroughness import examples

pytestmark = pytest.mark.mariadb

_STATES = st.tuples(
    st.lists(mariadb.grants, max_size=8),
    st.lists(mariadb.views, max_size=4),
    st.lists(mariadb.grants, max_size=8),
)


def holds_at_logins(server: MariadbServer, state: tuple[list[str], list[str], list[str]]) -> None:
    with mariadb.scene(server):
        for statement in mariadb.run(server, [one for part in state for one in part]):
            note(statement)
        readers = Readers(mariadb.facts(server), MYSQL)
        columns = [(path, column) for path, one in readers.relations.items() for column in one.columns]
        columns = [(path, column) for path, column in columns if path[0] in mariadb.DATABASES]
        assert len(columns) >= 2 * len(mariadb.DATABASES)
        seen: dict[tuple, set[str]] = {one: set() for one in columns}
        for user in mariadb.USERS:
            for local in (False, True):
                with mariadb.login(server, user, local=local) as cursor:
                    cursor.execute("SELECT CURRENT_USER()")
                    account = cursor.fetchone()[0]
                    for role in ["", *readers.identities.settable(account)]:
                        if role:
                            cursor.execute(f"SET ROLE {mariadb.name(role.removesuffix('@'))}")
                        for path, column in columns:
                            truth = mariadb.reads(cursor, path, column)
                            told = readers.can_read(account, path, column, set_role=role)
                            assert told == truth, (account, role, path, column)
                            if truth and not role:
                                seen[path, column].add(user)
        for (path, column), users in seen.items():
            found = readers.of_column(path, column)
            at_once = {
                one.name
                for one in found
                if any(way.is_open and way.is_immediate and not way.views for way in one.routes)
            }
            assert at_once & set(mariadb.USERS) == users, (path, column)
        for user in mariadb.USERS:
            listed = {one.relation.path: one.ways for one in readers.of_reader(user)}
            for (path, column), users in seen.items():
                ways = [way for key in ("", column) for way in listed.get(path, {}).get(key, ())]
                assert any(way.is_immediate for way in ways) == (user in users), (user, path, column)


@given(state=_STATES)
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_facts_say_is_what_a_login_finds(mariadb_server: MariadbServer, state) -> None:
    holds_at_logins(mariadb_server, state)


@pytest.mark.long
@given(state=_STATES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_facts_say_is_what_a_login_finds_in_many_states(mariadb_server: MariadbServer, state) -> None:
    holds_at_logins(mariadb_server, state)
