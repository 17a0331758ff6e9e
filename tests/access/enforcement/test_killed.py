"""Workers that are killed with -9, or lose the wire, at each statement by which a grant ends or is masked, and sources
that fall silent amid a plan: never a false state, and the next turn ends right.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
import pymysql
import pytest
from django.utils import timezone

from access.actions import expire_grants
from access.enforcement.engines import engine_of
from access.enforcement.leases import ANSWER_SECONDS, AT_ONCE_SECONDS
from access.enforcement.reconciling import reconcile
from access.enforcement.wanting import wishes_of
from access.models import Enforcement, Grant, JournalEntry, ManagedObject, Reconciliation
from access.provisioning.desired import Profile, view_path
from accounts.models import Principal
from catalog.models import Dataset, Source
from tests.access.enforcement import test_mariadb as mariadb
from tests.access.enforcement.world import World, world_of
from tests.access.provisioning.postgres import Cluster, warehouse
from tests.ingestion.connectors.relay import Relay
from tests.ingestion.sources import worker_process
from tests.servers.databases import MariadbServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

COLUMNS = ("id", "email", "phone")
_CHANGES = re.compile(
    rb"(?:^|\x00)\s*(?:GRANT|REVOKE|CREATE|DROP|ALTER|COMMENT|COMMIT|SET DEFAULT|KILL|INSERT)\b|pg_terminate_backend"
)


class StepRelay(Relay):
    """Holds the wire at the n-th statement that changes something, counted from `arm` on: before the server has it, or
    when the server has carried it out and nobody is told.
    """

    def __init__(self, host: str, port: int, protocol: str) -> None:
        self.held = threading.Event()
        self.release = threading.Event()
        self._left: int | None = None
        self._told = False
        self._silent = False
        super().__init__((host, port), protocol)

    @property
    def changes(self) -> int:
        return sum(bool(_CHANGES.search(statement)) for statement in self.statements)

    def arm(self, number: int, *, told: bool) -> None:
        self.held.clear()
        self.release.clear()
        self._left, self._told, self._silent = self.changes + number, told, False

    def disarm(self) -> None:
        self._left = None
        self.release.set()

    def lets_through(self) -> bool:
        if self._left is None or self.changes < self._left:
            return True
        if not self._told:
            return self._hold()
        self._silent = True
        return True

    def lets_back(self) -> bool:
        return self._hold() if self._silent and self._left is not None else True

    def _hold(self) -> bool:
        """The wire of whoever is killed meanwhile carries nothing more; one that is made anew does."""
        self.held.set()
        self.release.wait(120)
        self._left = None
        return False


class Place(Protocol):
    source: Source
    orders: Dataset
    people: dict[str, Principal]

    def grant(self, name: str, *columns: str) -> Grant: ...

    def reconcile(self) -> None: ...

    def state(self, grant: Grant) -> str: ...


@dataclass
class Scene(ABC):
    """A real source behind a wire that can be held, and how ada reads in it."""

    place: Any
    relay: StepRelay
    table: str

    def rows(self, columns: str, table: str) -> Any:
        """What ada gets, or None where she is refused."""
        try:
            with closing(self.session()) as session, closing(session.cursor()) as cursor:
                cursor.execute(f"SELECT {columns} FROM {table}")
                return list(cursor.fetchall())
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
            return None
        except pymysql.err.OperationalError as error:
            assert error.args[0] in mariadb.DENIED, error
            return None

    @abstractmethod
    def session(self) -> Any:
        """A connection of ada's own, past the wire."""

    def readable(self) -> set[str]:
        return {column for column in COLUMNS if self.rows(column, self.table) is not None}

    def view(self) -> str:
        """The masked view of the one grant that is wanted."""
        engine = engine_of(self.place.source)
        (wanted,) = wishes_of(self.place.source, engine.path_of).grants
        rules = Enforcement.objects.get(source=self.place.source).rules(wraps=engine.wraps_logins)
        quote = "`" if engine.wraps_logins else '"'
        return ".".join(f"{quote}{part}{quote}" for part in view_path(rules, wanted))

    def killed_at(self, number: int, *, told: bool) -> None:
        """A worker of its own sees to the source and is killed at a statement."""
        self.relay.arm(number, told=told)
        code = f"from access.enforcement.reconciling import reconcile; reconcile({self.place.source.pk})"
        worker = worker_process(code)
        try:
            assert self.relay.held.wait(120), number
            worker.kill()
            worker.wait(30)
        finally:
            self.relay.disarm()
        Enforcement.objects.update(held_until=timezone.now() - dt.timedelta(seconds=1))

    def broken_at(self, number: int, *, told: bool) -> None:
        """The wire breaks at a statement, and carries the next one again."""
        self.relay.arm(number, told=told)
        self.relay.release.set()
        self.place.reconcile()
        assert self.relay.held.is_set(), number
        self.relay.disarm()

    def changes_of_a_turn(self) -> int:
        before = self.relay.changes
        self.place.reconcile()
        return self.relay.changes - before


class PostgresScene(Scene):
    def session(self) -> psycopg.Connection[Any]:
        world: World = self.place
        return world.place.as_login(world.login("ada"))


class MariadbScene(Scene):
    def session(self) -> pymysql.Connection[Any]:
        shop: mariadb.Shop = self.place
        return pymysql.connect(
            user=mariadb.ADA, password=mariadb.PASSWORD, host=shop.server.host, port=shop.server.port
        )


@contextmanager
def on_postgres(cluster: Cluster) -> Iterator[Scene]:
    relay = StepRelay(cluster.host, cluster.port, "postgres")
    with warehouse(cluster, Profile.ROLE_MANAGING) as place, closing(relay):
        yield PostgresScene(world_of(place, port=relay.port), relay, "sales.orders")


@contextmanager
def on_mariadb(server: MariadbServer) -> Iterator[Scene]:
    mariadb.clear(server)
    relay = StepRelay(server.host, server.port, "mysql")
    with closing(relay):
        yield MariadbScene(mariadb.shop_of(server, port=relay.port), relay, f"{mariadb.quoted(mariadb.SALES)}.orders")
    mariadb.clear(server)


@pytest.fixture(params=["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def scene(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Scene]:
    if request.param == "postgres":
        made = on_postgres(request.getfixturevalue("embedded_cluster"))
    else:
        made = on_mariadb(request.getfixturevalue("mariadb_server"))
    with made as found:
        yield found


def given(scene: Scene) -> Grant:
    grant: Grant = scene.place.grant("ada", "id", "email")
    scene.place.reconcile()
    assert scene.place.state(grant) == "active" and scene.readable() == {"id", "email"}
    return grant


def ended(grant: Grant) -> None:
    """Its time is over, and the sweep has said so."""
    now = timezone.now()
    Grant.objects.filter(pk=grant.pk).update(valid_from=now - dt.timedelta(days=2), valid_to=now)
    assert expire_grants(by=Principal.objects.system()) == 1


def is_over(scene: Scene, grant: Grant) -> None:
    assert scene.place.state(grant) == "expired" and scene.readable() == set()
    # What was made a moment ago is not given up where a worker died before it noted the end.
    ManagedObject.objects.update(made_at=timezone.now() - dt.timedelta(hours=1))
    scene.place.reconcile()
    assert not ManagedObject.objects.filter(gone_at=None).exists()
    assert not JournalEntry.objects.filter(state="intended").exists()


@pytest.mark.parametrize("told", [False, True], ids=["before", "after"])
def test_a_worker_killed_at_any_statement_of_an_expiry_claims_no_end(scene: Scene, told: bool) -> None:
    grant = given(scene)
    ended(grant)
    steps = scene.changes_of_a_turn()
    is_over(scene, grant)
    assert steps > 3
    for number in range(1, steps + 1):
        grant = given(scene)
        ended(grant)
        scene.killed_at(number, told=told)
        state, readable = scene.place.state(grant), scene.readable()
        assert not (state == "expired" and readable), (number, "a false end")
        assert state in ("expiring", "expired"), number
        scene.place.reconcile()
        is_over(scene, grant)


@pytest.mark.parametrize("told", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [Scene.killed_at, Scene.broken_at], ids=["killed", "broken"])
def test_a_fault_at_any_statement_of_a_mask_leaves_the_old_or_the_new(
    scene: Scene, fault: Callable[..., None], told: bool
) -> None:
    """What the grant names can be read throughout, as it was or as it will be, and never more than before."""
    email = scene.place.orders.fields.get(path=["email"]).pk

    def masked(grant: Grant) -> None:
        Grant.objects.filter(pk=grant.pk).update(masks={str(email): "null"})

    def is_masked(grant: Grant) -> None:
        assert scene.place.state(grant) == "active" and scene.readable() == {"id"}
        assert scene.rows("id, email", scene.view()) == [(1, None)]
        assert not JournalEntry.objects.filter(state="intended").exists()

    grant = given(scene)
    masked(grant)
    steps = scene.changes_of_a_turn()
    is_masked(grant)
    assert steps > 3
    for number in range(1, steps + 1):
        ended(grant)
        scene.place.reconcile()
        is_over(scene, grant)
        grant = given(scene)
        masked(grant)
        fault(scene, number, told=told)
        state, readable = scene.place.state(grant), scene.readable()
        assert state in ("active", "drifted"), number
        assert state != "active" or "id" in readable, (number, "a false active")
        assert readable <= {"id", "email"}, number
        scene.place.reconcile()
        is_masked(grant)


@pytest.mark.parametrize("told", [False, True], ids=["before", "after"])
def test_a_source_that_falls_silent_amid_a_plan_is_left_at_once_and_seen_to_when_it_answers(
    scene: Scene, told: bool
) -> None:
    """The wire takes what is sent, and never answers: neither the server nor the machine's network ends that."""
    source = scene.place.source.pk
    grant = scene.place.grant("ada", "id", "email")
    scene.relay.arm(3, told=told)
    begun = time.monotonic()
    assert not reconcile(source, in_turn=True)
    assert ANSWER_SECONDS - 1 < time.monotonic() - begun < 2 * ANSWER_SECONDS + AT_ONCE_SECONDS
    assert scene.relay.held.is_set()
    setting = Enforcement.objects.get(source=source)
    assert setting.hung_at is not None and setting.failed_since is None, "others wait no longer; nothing is told yet"
    assert scene.place.state(grant) == "provisioning"
    assert not Reconciliation.objects.filter(state="running").exists()
    scene.relay.disarm()
    assert reconcile(source, in_turn=True)
    assert scene.place.state(grant) == "active" and scene.readable() == {"id", "email"}
    assert Enforcement.objects.get(source=source).hung_at is None
    assert not JournalEntry.objects.filter(state="intended").exists()
