"""From an approval to a privilege in a real MariaDB, and back; workers killed on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
import time_machine
from django.utils import timezone

from access.actions import approve_request, expire_grants, request_access, revoke_grant
from access.effective import who_reads
from access.enforcement.reconciling import reconcile
from access.models import DatabaseLogin, Enforcement, Finding, Grant, JournalEntry, ManagedObject
from access.provisioning.desired import Profile, Rules
from access.provisioning.facts import Relation
from access.provisioning.mysql.quoting import quoted
from access.provisioning.mysql.service import service_grants
from accounts.models import Principal
from catalog.models import Dataset, Source, Tier
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source
from tests.access.provisioning import mariadb
from tests.factories import dataset, domain, person
from tests.ingestion.sources import HeldRelay, worker_process
from tests.servers.databases import MariadbServer

SALES, MASKED = "er_sales`_%", "er_masked"
SERVICE, ADA, BOB = "er_service", "er_a'da", "er_bob"
HOSTS = ("%", "127.0.0.1")
PASSWORD = "for-tests"
DENIED = (1142, 1143)

pytestmark = [pytest.mark.mariadb]


@dataclass
class Shop:
    """A MariaDB database that is catalogued and enforced automatically; `ada` and `bob` log in to it."""

    server: MariadbServer
    source: Source
    orders: Dataset
    people: dict[str, Principal]
    owner: Principal

    def grant(self, name: str, *columns: str, days: int = 30) -> Grant:
        fields = list(self.orders.fields.filter(path__in=[[column] for column in columns]))
        request = request_access(
            dataset=self.orders, fields=fields, purpose="To see who needs help", days=days, by=self.people[name]
        )
        made = approve_request(request=request, by=self.owner)
        assert made is not None
        return made

    def reconcile(self) -> None:
        assert reconcile(self.source.pk)

    def state(self, grant: Grant) -> str:
        return Grant.objects.get(pk=grant.pk).state

    def reads(self, user: str, columns: str) -> Any:
        """The rows, or the number of the error."""
        way = {"host": self.server.host, "port": self.server.port}
        with closing(pymysql.connect(user=user, password=PASSWORD, **way)) as session, session.cursor() as cursor:
            try:
                cursor.execute(f"SELECT {columns} FROM {quoted(SALES)}.orders")
            except pymysql.MySQLError as error:
                return error.args[0]
            return cursor.fetchall()


def shop_of(server: MariadbServer, *, port: int | None = None) -> Shop:
    made = [f"CREATE USER {mariadb.account(ADA, host)} IDENTIFIED BY '{PASSWORD}'" for host in HOSTS]
    made += [f"CREATE USER {mariadb.account(user, '%')} IDENTIFIED BY '{PASSWORD}'" for user in (BOB, SERVICE)]
    made += [
        f"CREATE DATABASE {quoted(SALES)}",
        f"CREATE TABLE {quoted(SALES)}.orders (id int, email varchar(40), phone varchar(20))",
        f"INSERT INTO {quoted(SALES)}.orders VALUES (1, 'ada@example.org', '0400 123 456')",
        *service_grants(Profile.ROLE_MANAGING, Rules(mask_schema=MASKED), f"{SERVICE}@%", [(SALES,)]),
    ]
    assert mariadb.run(server, made) == made
    address = parse_address(f"mysql://{SERVICE}:{PASSWORD}@{server.host}:{port or server.port}/?sslmode=disable")
    system = Principal.objects.system()
    source = add_crawled_source(name="Shop", address=address, by=system)
    owner = person()
    orders = dataset(
        "orders", domain=domain(open_tier=Tier.METADATA), source=source, fields=("id", "email", "phone"), owner=owner
    )
    orders.path = [SALES, "orders"]
    orders.save(update_fields=["path"])
    Enforcement.objects.create(source=source, mode="automatic", mask_schema=MASKED, changed_by=system)
    people = {"ada": person(), "bob": person()}
    for name, login in (("ada", ADA), ("bob", BOB)):
        DatabaseLogin.objects.create(source=source, principal=people[name], name=login, set_by=system)
    return Shop(server, source, orders, people, owner)


def clear(server: MariadbServer) -> None:
    gone = [f"DROP DATABASE IF EXISTS {quoted(one)}" for one in (SALES, MASKED)]
    gone += [f"DROP USER IF EXISTS {mariadb.account(ADA, host)}" for host in HOSTS]
    gone += [f"DROP USER IF EXISTS {mariadb.account(user, '%')}" for user in (BOB, SERVICE)]
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT User FROM mysql.user WHERE is_role = 'Y' AND User LIKE 'dc\\_%'")
        gone += [f"DROP ROLE {quoted(name)}" for (name,) in cursor.fetchall()]
    mariadb.run(server, gone)


@pytest.fixture
def server(mariadb_server: MariadbServer) -> Iterator[MariadbServer]:
    clear(mariadb_server)
    yield mariadb_server
    clear(mariadb_server)


@pytest.fixture
def shop(db: None, server: MariadbServer) -> Shop:
    return shop_of(server)


def test_an_approval_is_read_by_logging_in_and_nothing_else_until_it_expires(shop: Shop) -> None:
    grant = shop.grant("ada", "id", "email", days=2)
    assert grant.state == "provisioning"
    assert shop.reads(ADA, "id") in DENIED
    shop.reconcile()
    grant.refresh_from_db()
    assert (grant.state, grant.problem) == ("active", "")
    assert shop.reads(ADA, "id, email") == ((1, "ada@example.org"),)
    assert shop.reads(ADA, "phone") in DENIED
    assert shop.reads(BOB, "id") in DENIED
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, seconds=1), tick=True):
        assert expire_grants(by=Principal.objects.system()) == 1
        shop.reconcile()
    assert shop.state(grant) == "expired"
    assert shop.reads(ADA, "id") in DENIED
    assert not ManagedObject.objects.filter(gone_at=None).exists()
    assert not JournalEntry.objects.filter(state="intended").exists()


def test_a_second_look_changes_nothing(shop: Shop) -> None:
    shop.grant("ada", "id")
    shop.grant("bob", "email")
    shop.reconcile()
    before = mariadb.facts(shop.server)
    entries = JournalEntry.objects.count()
    shop.reconcile()
    assert mariadb.facts(shop.server) == before
    assert JournalEntry.objects.count() == entries


def test_a_grant_that_replaces_another_leaves_only_its_own_columns(shop: Shop) -> None:
    first = shop.grant("ada", "id", "email")
    shop.reconcile()
    second = shop.grant("ada", "id", "phone")
    shop.reconcile()
    assert (shop.state(first), shop.state(second)) == ("superseded", "active")
    assert shop.reads(ADA, "id, phone") == ((1, "0400 123 456"),)
    assert shop.reads(ADA, "email") in DENIED


def test_a_masked_column_is_read_masked_and_not_as_it_is(shop: Shop) -> None:
    grant = shop.grant("ada", "id", "email")
    email = shop.orders.fields.get(path=["email"])
    Grant.objects.filter(pk=grant.pk).update(masks={str(email.pk): "partial"})
    shop.reconcile()
    assert shop.state(grant) == "active"
    assert shop.reads(ADA, "email") in DENIED
    assert shop.reads(ADA, "id") == ((1,),)
    (view,) = [one for one in mariadb.facts(shop.server) if isinstance(one, Relation) and one.path[0] == MASKED]
    way = {"host": shop.server.host, "port": shop.server.port}
    with closing(pymysql.connect(user=ADA, password=PASSWORD, **way)) as session, session.cursor() as cursor:
        cursor.execute(f"SELECT email FROM {quoted(view.path[0])}.{quoted(view.path[1])}")
        assert cursor.fetchall() == (("***********.org",),)


def test_who_reads_a_column_is_told_down_to_the_grant_and_the_rest_is_drift(shop: Shop) -> None:
    grant = shop.grant("ada", "id", "email")
    outside = [
        f"GRANT SELECT (email) ON {quoted(SALES)}.orders TO {mariadb.account(BOB, '%')}",
        f"CREATE ROLE {quoted('dc_er_everything')}",
    ]
    assert mariadb.run(shop.server, outside) == outside
    shop.reconcile()
    found = {one.reader.name: one for one in who_reads(shop.orders, shop.orders.fields.get(path=["email"])).people}
    assert {told.evidence.grant for told in found[ADA].open_routes if told.evidence} == {grant}
    assert not found[ADA].is_drift
    assert found[BOB].is_drift
    assert found[BOB].routes[0].finding == Finding.objects.get(
        source=shop.source, grantee__startswith=BOB, resolution=""
    )
    assert found[SERVICE].routes[0].is_own
    revoke_grant(grant=grant, reason="Done", by=shop.owner)
    shop.reconcile()
    assert ADA not in {one.reader.name for one in who_reads(shop.orders, None).reading}


def test_rights_on_databases_and_on_the_server_are_found_with_what_ends_them(shop: Shop) -> None:
    outside = [
        f"GRANT SELECT ON `er\\_sales%`.* TO {mariadb.account(BOB, '%')}",
        f"GRANT SELECT ON *.* TO {mariadb.account(ADA, '127.0.0.1')}",
    ]
    assert mariadb.run(shop.server, outside) == outside
    shop.reconcile()
    found = Finding.objects.filter(source=shop.source, resolution="")
    ways = {one.reader.name: one.routes for one in who_reads(shop.orders, None).people}
    assert [told.finding and told.finding.principal for told in ways[BOB]] == [shop.people["bob"]]
    remedies = [text for finding in found.filter(principal__in=shop.people.values()) for text in finding.remedy]
    assert sorted(mariadb.run(shop.server, remedies)) == sorted(remedies)
    assert len(remedies) == 2
    shop.reconcile()
    assert not found.filter(principal__in=shop.people.values()).exists()


def test_the_revokes_that_are_shown_close_the_way_through_nested_roles(shop: Shop) -> None:
    """Also the way through the catalog's own role, which passes a default role on that was there before."""
    far, near = quoted("dc_er_far"), quoted("dc_er_near")
    accounts = [mariadb.account(ADA, host) for host in HOSTS]
    outside = [
        *(f"CREATE ROLE {name}" for name in (far, near)),
        f"GRANT SELECT ON {quoted(SALES)}.orders TO {far}",
        f"GRANT {far} TO {near}",
        f"GRANT {near} TO {mariadb.account(SERVICE, '%')} WITH ADMIN OPTION",
        *(f"GRANT {near} TO {account}" for account in accounts),
        *(f"SET DEFAULT ROLE {near} FOR {account}" for account in accounts),
    ]
    assert mariadb.run(shop.server, outside) == outside
    assert shop.reads(ADA, "phone") == (("0400 123 456",),)
    grant = shop.grant("ada", "id")
    shop.reconcile()
    assert shop.state(grant) == "active" and shop.reads(ADA, "phone") == (("0400 123 456",),)
    found = Finding.objects.filter(kind="inherited", principal=shop.people["ada"], resolution="")
    assert {finding.sentence.partition("member of ")[2] for finding in found} == {"dc_er_near, and so of dc_er_far."}
    remedies = list(dict.fromkeys(text for finding in found for text in finding.remedy))
    assert mariadb.run(shop.server, remedies) == remedies and len(remedies) == len(accounts) + 1
    assert shop.reads(ADA, "phone") in DENIED
    assert shop.reads(ADA, "id") == ((1,),)
    shop.reconcile()
    assert not found.all().exists() and shop.state(grant) == "active"


def test_a_table_made_anew_under_the_same_name_is_granted_again(shop: Shop) -> None:
    grant = shop.grant("ada", "id", "email")
    shop.reconcile()
    mariadb.run(shop.server, [f"DROP TABLE {quoted(SALES)}.orders"])
    shop.reconcile()
    assert shop.state(grant) != "active"
    mariadb.run(shop.server, [f"CREATE TABLE {quoted(SALES)}.orders (id int, email varchar(40), secret int)"])
    assert shop.reads(ADA, "id") in DENIED
    shop.reconcile()
    assert shop.state(grant) == "active"
    assert shop.reads(ADA, "id, email") == ()
    assert shop.reads(ADA, "secret") in DENIED


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(1, 9))
def test_a_worker_killed_between_statements_leaves_a_true_state(server: MariadbServer, part: int) -> None:
    """The wire is held after a part of the answers, and the worker behind it is killed with -9."""
    relay = HeldRelay(server.host, server.port, 10**9)
    shop = shop_of(server, port=relay.port)
    shop.grant("bob", "id")
    shop.reconcile()
    before = relay.answered
    shop.reconcile()
    quiet = relay.answered - before
    relay.hold_after = relay.answered + quiet // 2 + part * 40
    grant = shop.grant("ada", "id", "email")
    worker = worker_process(f"from access.enforcement.reconciling import reconcile; reconcile({shop.source.pk})")
    try:
        assert relay.held.wait(60)
        worker.kill()
        worker.wait(30)
    finally:
        relay.hold_after = 10**9
        relay.release.set()
    is_true(shop, grant)
    Enforcement.objects.update(held_until=timezone.now() - dt.timedelta(seconds=1))
    shop.reconcile()
    assert shop.state(grant) == "active"
    assert shop.reads(ADA, "id, email") == ((1, "ada@example.org"),)
    assert shop.reads(ADA, "phone") in DENIED
    with suppress(OSError):
        relay.close()


def is_true(shop: Shop, grant: Grant) -> None:
    """`active` can be read, an end cannot, and nothing else is claimed."""
    state, reads = shop.state(grant), shop.reads(ADA, "id") not in DENIED
    assert not (state == "active" and not reads), "a false active"
    assert not (state in ("revoked", "expired") and reads), "a false end"
