"""Whatever people do with grants, and whatever happens to the source: what is told of each grant is what logging in shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

import psycopg
import pymysql
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.actions import expire_grants, revoke_grant
from access.enforcement.engines import engine_of
from access.enforcement.journals import ours_of
from access.enforcement.wanting import wishes_of
from access.models import Enforcement, Grant
from access.policies.masking import Mask
from access.provisioning.desired import Inspection, Profile, Wanted, view_path
from access.provisioning.facts import Path
from access.provisioning.mysql.quoting import place, quoted
from access.provisioning.plan import make_plan
from access.states import GRANT_ALLOWS, GRANT_ENDED, GRANT_LIVE
from accounts.models import Principal
from catalog.models import Dataset, Source
from tests.access.enforcement import test_mariadb as mariadb_shop
from tests.access.enforcement.world import World, world_of
from tests.access.provisioning import mariadb
from tests.access.provisioning.postgres import Cluster, warehouse
from tests.servers.databases import MariadbServer

COLUMNS = ("id", "email", "phone")
PEOPLE = ("ada", "bob")

pytestmark = [pytest.mark.django_db, pytest.mark.long]

columns = st.lists(st.sampled_from(COLUMNS), unique=True, max_size=3).map(tuple)
asking = st.tuples(st.just("ask"), st.sampled_from(PEOPLE), columns, st.sampled_from([None, Mask.NULL, Mask.PARTIAL]))
ending = st.tuples(st.sampled_from(["revoke", "expire"]), st.sampled_from(PEOPLE))
happening = st.tuples(st.sampled_from(["drop", "add_column", "drop_column", "strip_roles", "drop_roles", "drop_views"]))
rounds = st.lists(st.lists(st.one_of(asking, asking, ending, happening), max_size=4), min_size=2, max_size=4)


@dataclass
class Place:
    """A catalogued table that people log in to. `happen` does something there by the way; `reads` logs in."""

    source: Source
    orders: Dataset
    grant: Callable[..., Grant]
    reconcile: Callable[[], None]
    owner: Principal
    people: dict[str, Principal]
    happen: Callable[[str], None]
    reads: Callable[[str, Path, str], bool]
    table: Path


def postgres_place(world: World) -> Place:
    account = psycopg.sql.Identifier(world.place.account).as_string(None)

    def happen(event: str) -> None:
        ours = ours_of(world.source)
        match event:
            case "drop":
                world.place.owner(
                    "DROP TABLE sales.orders CASCADE", "CREATE TABLE sales.orders (id int, email text, phone text)"
                )
            case "add_column":
                world.place.owner("ALTER TABLE sales.orders ADD COLUMN IF NOT EXISTS fax text")
            case "drop_column":
                world.place.owner("ALTER TABLE sales.orders DROP COLUMN IF EXISTS email CASCADE")
            case "strip_roles":
                for role in ours.roles:
                    strip = f'REVOKE ALL ON ALL TABLES IN SCHEMA sales FROM "{role}"'
                    # Of a table that was made anew the account has nothing to take back.
                    with suppress(psycopg.errors.InsufficientPrivilege):
                        world.place.owner(f"SET ROLE {account}", strip, "RESET ROLE")
            case "drop_roles":
                for role in ours.roles:
                    if (
                        world.place.cluster.connect()
                        .execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
                        .fetchone()
                    ):
                        world.place.owner(f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')
            case _:
                for view in ours.views:
                    world.place.owner(f"DROP VIEW IF EXISTS {psycopg.sql.Identifier(*view).as_string(None)} CASCADE")
        world.place.allow_service()

    def reads(name: str, path: Path, column: str) -> bool:
        relation, chosen = psycopg.sql.Identifier(*path).as_string(None), psycopg.sql.Identifier(column).as_string(None)
        return not isinstance(world.reads(name, f"SELECT {chosen} FROM {relation}"), str)

    return Place(
        world.source, world.orders, world.grant, world.reconcile, world.owner, world.people, happen, reads, ("sales", "orders")
    )  # fmt: skip


def mariadb_place(shop: mariadb_shop.Shop) -> Place:
    path = (mariadb_shop.SALES, "orders")
    logins = {"ada": mariadb_shop.ADA, "bob": mariadb_shop.BOB}

    def happen(event: str) -> None:
        ours, where = ours_of(shop.source), place(path)
        match event:
            case "drop":
                made = "(id int, email varchar(40), phone varchar(20))"
                told = [f"DROP TABLE {where}", f"CREATE TABLE {where} {made}"]
            case "add_column":
                told = [f"ALTER TABLE {where} ADD COLUMN IF NOT EXISTS fax int"]
            case "drop_column":
                told = [f"ALTER TABLE {where} DROP COLUMN IF EXISTS email"]
            case "strip_roles":
                told = [f"REVOKE SELECT ON {where} FROM {quoted(role)}" for role in ours.roles]
            case "drop_roles":
                told = [f"DROP ROLE {quoted(role)}" for role in ours.roles]
            case _:
                told = [f"DROP VIEW IF EXISTS {place(view)}" for view in ours.views]
        mariadb.run(shop.server, told)

    def reads(name: str, where: Path, column: str) -> bool:
        way = {"host": shop.server.host, "port": shop.server.port, "password": mariadb_shop.PASSWORD}
        with closing(pymysql.connect(user=logins[name], **way)) as session, session.cursor() as cursor:
            try:
                cursor.execute(f"SELECT {quoted(column)} FROM {place(where)}")
            except pymysql.MySQLError:
                return False
            return True

    return Place(shop.source, shop.orders, shop.grant, shop.reconcile, shop.owner, shop.people, happen, reads, path)


def act(at: Place, step: Sequence) -> None:
    kind, *rest = step
    if kind == "ask":
        name, asked, mask = rest
        granted = at.grant(name, *asked)
        email = at.orders.fields.get(path=["email"])
        if mask and (not asked or "email" in asked):
            Grant.objects.filter(pk=granted.pk).update(masks={str(email.pk): mask.value})
    elif kind in ("revoke", "expire"):
        live = Grant.objects.filter(dataset=at.orders, principal=at.people[rest[0]], state__in=GRANT_ALLOWS).first()
        if live is not None and kind == "revoke":
            revoke_grant(grant=live, reason="Done", by=at.owner)
        elif live is not None:
            Grant.objects.filter(pk=live.pk).update(valid_to=timezone.now())
            expire_grants(by=Principal.objects.system())
    else:
        at.happen(kind)


def check(at: Place) -> Inspection:
    """Each login reads what its live grant says; each grant is told as it is; and nothing is left to be done."""
    rules = Enforcement.objects.get(source=at.source).rules(wraps=engine_of(at.source).wraps_logins)
    engine = engine_of(at.source)
    opened = engine.open(at.source.connection.target(), rules)
    try:
        seen = opened.inspect()
    finally:
        opened.close()
    wishes = wishes_of(at.source, engine.path_of)
    assert make_plan(wishes.grants, wishes.leaving, seen, rules, ours_of(at.source)).steps == ()
    wanted: dict[int, Wanted] = {one.grant_id: one for one in wishes.grants}
    present = seen.relations[at.table].columns
    fields = dict(at.orders.fields.values_list("pk", "path"))
    for name in PEOPLE:
        live = list(Grant.objects.filter(dataset=at.orders, principal=at.people[name], state__in=GRANT_LIVE))
        assert len(live) <= 1
        allowed, masked = set(), set()
        for grant in live:
            allowed = {fields[pk][0] for pk in grant.field_ids} or set(present)
            masked = {fields[int(pk)][0] for pk in grant.masks} & set(present)
            lacks = allowed - set(present)
            assert grant.state in (("drifted", "provision_failed") if lacks else ("active",)), grant.problem
            assert bool(grant.problem) is bool(lacks), grant.problem
        for column in present:
            assert at.reads(name, at.table, column) is (column in allowed - masked), (name, column)
            for grant in live if masked else ():
                assert at.reads(name, view_path(rules, wanted[grant.pk]), column) is (column in allowed), (name, column)
    return seen


def run(at: Place, drawn: Sequence[Sequence[Sequence]]) -> None:
    for steps in drawn:
        for step in steps:
            act(at, step)
        at.reconcile()
        check(at)
    for name in PEOPLE:
        act(at, ("revoke", name))
    at.reconcile()
    seen, ours = check(at), ours_of(at.source)
    assert not Grant.objects.filter(dataset=at.orders).exclude(state__in=GRANT_ENDED).exists()
    # What others dropped of the catalog's is remembered for a while.
    assert ours.roles.isdisjoint(seen.roles) and ours.views.keys().isdisjoint(seen.relations)


@contextmanager
def forgotten() -> Iterator[None]:
    """The catalog of an example, undone when it ends."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


patiently = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@patiently
@given(drawn=rounds)
def test_what_is_told_of_grants_is_what_logging_in_to_postgresql_shows(
    db: None, embedded_cluster: Cluster, drawn: Sequence
) -> None:
    with forgotten(), warehouse(embedded_cluster, Profile.ROLE_MANAGING, people=2) as made:
        run(postgres_place(world_of(made)), drawn)


@pytest.mark.mariadb
@patiently
@given(drawn=rounds)
def test_what_is_told_of_grants_is_what_logging_in_to_mariadb_shows(
    db: None, mariadb_server: MariadbServer, drawn: Sequence
) -> None:
    mariadb_shop.clear(mariadb_server)
    try:
        with forgotten():
            run(mariadb_place(mariadb_shop.shop_of(mariadb_server)), drawn)
    finally:
        mariadb_shop.clear(mariadb_server)
