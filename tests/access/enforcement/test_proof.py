"""Whatever happens to grants and to the source: after a reconciliation people read what was approved, and no more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from access.provisioning.desired import Inspection, Mask, MaskedColumn, Profile, Wanted, view_path
from access.provisioning.plan import Plan, make_plan
from tests.access.provisioning.postgres import Cluster, Warehouse, warehouse

TABLES = ("orders", "odd\"na'me", "100%_done")
COLUMNS = ("id", "email", 'we"ird', "über")
REFUSED, UNKNOWN_COLUMN = "42501", "42703"

pytestmark = pytest.mark.long

_numbers = itertools.count(1)

columns = st.lists(st.sampled_from(COLUMNS), unique=True, max_size=4).map(tuple)
masked = st.lists(
    st.tuples(st.sampled_from(COLUMNS), st.sampled_from(list(Mask))), unique_by=lambda one: one[0], max_size=2
)
wishes = st.dictionaries(st.tuples(st.integers(0, 2), st.sampled_from(TABLES)), st.tuples(columns, masked), max_size=6)
events = st.lists(
    st.sampled_from(
        ["drop", "rename", "add_column", "drop_column", "revoke_all", "drop_view", "tamper", "foreign", "strip_role"]
    ),
    max_size=4,
)


def quoted(*names: str) -> str:
    return sql.Identifier(*names).as_string(None)


@pytest.fixture(
    scope="module", params=[("18", Profile.ROLE_MANAGING), ("15", Profile.ROLE_MANAGING), ("18", Profile.GRANT_ONLY)]
)
def place(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    major, profile = request.param
    cluster: Cluster = request.getfixturevalue("machine_cluster" if major == "15" else "embedded_cluster")
    with warehouse(cluster, profile) as made:
        made.owner("CREATE SCHEMA sales")
        yield made


def table(place: Warehouse, name: str) -> None:
    place.owner(f"CREATE TABLE sales.{quoted(name)} ({', '.join(f'{quoted(one)} text' for one in COLUMNS)})")


def happen(place: Warehouse, event: str, name: str) -> None:
    """Something that an owner of the database does, by the way."""
    where = f"sales.{quoted(name)}"
    if event == "drop":
        place.owner(f"DROP TABLE {where} CASCADE")
        table(place, name)
    elif event == "rename":
        place.owner(f"ALTER TABLE {where} RENAME TO {quoted(f'old{next(_numbers)}')}")
        table(place, name)
    elif event == "add_column":
        place.owner(f"ALTER TABLE {where} ADD COLUMN {quoted(f'new{next(_numbers)}')} text")
    elif event == "drop_column":
        place.owner(f"ALTER TABLE {where} DROP COLUMN IF EXISTS email CASCADE")
    elif event == "revoke_all":
        place.owner(f"REVOKE ALL ON {where} FROM {place.account} CASCADE")
    elif event == "drop_view":
        for view in place.journal.views:
            place.owner(f"DROP VIEW IF EXISTS {quoted(*view)} CASCADE")
    elif event == "tamper":
        for view in place.journal.views:
            place.owner(
                f"DO $$ BEGIN IF to_regclass({literal(quoted(*view))}) IS NOT NULL THEN"
                f" EXECUTE {literal(f'ALTER VIEW {quoted(*view)} SET (security_invoker = true)')}; END IF; END $$"
            )
    elif event == "strip_role":
        for role in sorted(place.journal.roles):
            strip = f"REVOKE ALL ON ALL TABLES IN SCHEMA sales FROM {quoted(role)}"
            # Of a table that was revoked from the account or made anew it has nothing to take back.
            with suppress(psycopg.errors.InsufficientPrivilege):
                place.owner(f"SET ROLE {quoted(place.account)}", strip, "RESET ROLE")
    elif event == "foreign":
        place.owner(f"GRANT SELECT ON {where} TO pg_monitor")


def literal(text: str) -> str:
    return sql.Literal(text).as_string(None)


def reads(connection: psycopg.Connection[Any], relation: str, column: str) -> bool:
    try:
        connection.execute(f"SELECT {quoted(column)} FROM {relation}")
    except psycopg.Error as error:
        assert error.sqlstate in (REFUSED, UNKNOWN_COLUMN)
        return False
    return True


def compare(
    place: Warehouse, connection: psycopg.Connection[Any], present: tuple[str, ...], grant: Wanted | None, about: str
) -> None:
    """A login reads each column as granted: from the table, or masked from the view, or not at all."""
    for column in present:
        wants = grant is not None and (not grant.columns or column in grant.columns)
        hides = grant is not None and any(one.name == column for one in grant.masks)
        assert reads(connection, quoted("sales", about), column) is (wants and not hides), (about, column)
        if grant is not None and any(one.name in present for one in grant.masks):
            assert reads(connection, quoted(*view_path(place.rules, grant)), column) is wants, (about, column)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rounds=st.lists(st.tuples(wishes, events, st.sampled_from(TABLES)), min_size=1, max_size=3))
def test_people_read_what_was_approved_by_logging_in_and_the_second_plan_is_empty(
    place: Warehouse, rounds: list[Any]
) -> None:
    manages = place.rules.manages_roles
    place.owner("DROP SCHEMA sales CASCADE", "CREATE SCHEMA sales")
    for name in TABLES:
        table(place, name)
    place.allow_service()
    before: list[Wanted] = []
    for wanted, happening, name in rounds:
        for event in happening:
            happen(place, event, name)
        place.allow_service()
        grants = []
        for (person, about), (some, masks) in wanted.items():
            hidden = tuple(
                MaskedColumn(column, mask) for column, mask in masks if manages and (not some or column in some)
            )
            grants.append(
                Wanted(next(_numbers), place.logins[person], TABLES.index(about) + 1, ("sales", about), some, hidden)
            )
        with place.enforcer() as enforcer:

            def replan(inspection: Inspection) -> Plan:
                return make_plan(grants, before, inspection, place.rules, place.journal.ours)  # noqa: B023

            after = enforcer.carry_out(replan(enforcer.inspect()), replan, place.journal)
            place.journal.seen(after)
            assert not replan(after).steps
            present = {one.path: one.columns for one in after.relations.values()}
        by_place = {(grant.login, grant.path): grant for grant in grants}
        for login in place.logins:
            with place.as_login(login) as connection:
                for about in TABLES:
                    compare(
                        place, connection, present[("sales", about)], by_place.get((login, ("sales", about))), about
                    )
        before = grants
