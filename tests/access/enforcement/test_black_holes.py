"""Sources that let a connection in and never answer, or not what they are asked then: those that answer do not wait for
them.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from access.enforcement.leases import AT_ONCE_SECONDS, RETRY_EVERY, due_sources
from access.enforcement.reconciling import reconcile
from access.models import Enforcement, Grant
from access.provisioning.desired import Profile
from access.tasks import enforce, expire, knock_at_hanging
from accounts.models import Principal
from audit.models import Record
from catalog.models import Source
from config.celery import app
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source
from stack.applications import THREADS
from tests.access.enforcement.world import REFUSED, World, connect, world_of
from tests.access.provisioning.postgres import Cluster, warehouse
from tests.ingestion.connectors.relay import Relay, cut

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

BLACK_HOLES = 20
MOST_SECONDS = 60


@contextmanager
def black_hole(options: str = "") -> Iterator[Source]:
    """A source behind a port that everybody may connect to and that says nothing; asked for a minute ago."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        address = parse_address(f"postgres://catalog:secret@127.0.0.1:{port}/sales?sslmode=disable{options}")
        system = Principal.objects.system()
        source = add_crawled_source(name=f"Hole {port}", address=address, by=system)
        asked = timezone.now() - dt.timedelta(minutes=1)
        Enforcement.objects.create(source=source, mode="automatic", changed_by=system, asked_at=asked)
        yield source


class MuteRelay(Relay):
    """Lets everybody in to a real server, and takes what is asked of its catalogs without ever an answer."""

    def __init__(self, cluster: Cluster) -> None:
        self.over = threading.Event()
        super().__init__((cluster.host, cluster.port), "postgres")

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := client.recv(65536):
                if b"aclexplode" in block:
                    self.over.wait(300)
                    break
                server.sendall(block)
        cut(client, server)


@contextmanager
def mute(world: World) -> Iterator[Source]:
    """A source that says who it is and nothing more; asked for a minute ago."""
    relay = MuteRelay(world.place.cluster)
    try:
        source = connect(world.place, relay.port, name=f"Mute {relay.port}")
        asked = timezone.now() - dt.timedelta(minutes=1)
        changed_by = Principal.objects.system()
        Enforcement.objects.create(source=source, mode="automatic", changed_by=changed_by, asked_at=asked)
        yield source
    finally:
        relay.over.set()
        relay.close()


@contextmanager
def prompt_worker() -> Iterator[None]:
    """A real worker with as many threads as the product gives it, that does what ends access and nothing else."""
    own = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + settings.DATABASES["default"]["NAME"]).geturl()
    environment = {**os.environ, "DATABASE_URL": own, "DJANGO_SETTINGS_MODULE": "config.settings"}
    program = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "--queues", "expiry"]
    program += ["--concurrency", str(THREADS["worker-prompt"]), "--without-gossip", "--without-mingle"]
    with subprocess.Popen(
        [*program, "--hostname", f"black-holes-{os.getpid()}@%h", "--loglevel", "WARNING"],
        env={**environment, "CELERY_SKIP_CHECKS": "1"},
    ) as worker:
        try:
            yield
        finally:
            worker.kill()


def ticking_until(true: Callable[[], bool], seconds: float) -> bool:
    """Send what beat sends, as often, until something is so; whether it was within these seconds."""
    every = {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()}
    begun, sent = time.monotonic(), dict.fromkeys((enforce, expire, knock_at_hanging), -1e9)
    while not true():
        now = time.monotonic()
        if now - begun > seconds:
            return False
        for task, before in sent.items():
            if now - before >= every[task.name]:
                task.apply_async(expires=every[task.name])
                sent[task] = now
        time.sleep(0.1)
    return True


@pytest.fixture
def world(transactional_db: None, embedded_cluster: Cluster) -> Iterator[World]:
    with warehouse(embedded_cluster, Profile.ROLE_MANAGING) as place:
        yield world_of(place)


def over_now(grant: Grant) -> None:
    now = timezone.now()
    Grant.objects.filter(pk=grant.pk).update(valid_from=now - dt.timedelta(days=2), valid_to=now)


def deaf(_: World) -> AbstractContextManager[Source]:
    return black_hole()


@pytest.mark.parametrize("hole", [deaf, mute])
@pytest.mark.parametrize("known", [False, True], ids=["all of a sudden", "for a while"])
def test_what_ends_in_a_source_ends_within_a_minute_though_twenty_others_hang(
    world: World, known: bool, hole: Callable[[World], AbstractContextManager[Source]]
) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    assert world.state(grant) == "active"
    with ExitStack() as stack:
        holes = [stack.enter_context(hole(world)) for _ in range(BLACK_HOLES)]
        if known:
            long_ago = timezone.now() - dt.timedelta(hours=1)
            Enforcement.objects.filter(source__in=holes).update(
                failed_since=long_ago, hung_at=long_ago, tried_at=long_ago, problem="It does not answer."
            )
        over_now(grant)
        stack.enter_context(prompt_worker())
        assert ticking_until(lambda: world.state(grant) == "expired", MOST_SECONDS)
        assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
        tried = Enforcement.objects.filter(source__in=holes, tried_at__gt=timezone.now() - dt.timedelta(minutes=2))
        assert ticking_until(lambda: tried.exists(), MOST_SECONDS), "those that hang are tried beside it"


@pytest.mark.parametrize("hole", [deaf, mute])
def test_a_source_that_answers_again_is_seen_to_within_a_minute_though_twenty_others_hang(
    world: World, hole: Callable[[World], AbstractContextManager[Source]]
) -> None:
    """Their turns, each alone and as patient as its address allows, would take more than three minutes."""
    grant = world.grant("ada", "id")
    world.reconcile()
    with ExitStack() as stack:
        holes = [stack.enter_context(hole(world)) for _ in range(BLACK_HOLES)]
        long_ago = timezone.now() - dt.timedelta(hours=1)
        hanging = Enforcement.objects.filter(source__in=[*holes, world.source])
        hanging.update(failed_since=long_ago, hung_at=long_ago, tried_at=long_ago, problem="It does not answer.")
        Enforcement.objects.filter(source=world.source).update(tried_at=timezone.now())
        over_now(grant)
        stack.enter_context(prompt_worker())
        assert ticking_until(lambda: world.state(grant) == "expired", MOST_SECONDS)
        assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
        assert not Enforcement.objects.filter(source__in=holes, hung_at__isnull=True).exists()


def test_a_source_that_does_not_answer_at_once_is_tried_with_more_patience_before_it_is_told(
    transactional_db: None,
) -> None:
    told = Record.objects.filter(event="access.enforcement_failed")
    with black_hole(f"&connect_timeout={AT_ONCE_SECONDS + 6}") as source:
        begun = time.monotonic()
        assert not reconcile(source.pk, in_turn=True)
        assert AT_ONCE_SECONDS - 0.5 < time.monotonic() - begun < AT_ONCE_SECONDS + 5
        setting = Enforcement.objects.get(source=source)
        assert setting.hung_at is not None and setting.failed_since is None and not told.exists()
        assert due_sources() == [source.pk]
        begun = time.monotonic()
        assert reconcile(source.pk, in_turn=True)
        assert time.monotonic() - begun > AT_ONCE_SECONDS + 5
        setting.refresh_from_db()
        assert setting.hung_at is not None and setting.failed_since is not None and told.count() == 1
        assert due_sources() == []
        Enforcement.objects.update(tried_at=timezone.now() - RETRY_EVERY - dt.timedelta(seconds=1))
        assert due_sources() == [source.pk]


def test_a_source_that_answers_again_hangs_no_more(world: World) -> None:
    now = timezone.now() - dt.timedelta(minutes=1)
    Enforcement.objects.update(hung_at=now, failed_since=now, tried_at=now, problem="It does not answer.")
    assert reconcile(world.source.pk, in_turn=True)
    setting = world.enforcement
    assert (setting.hung_at, setting.failed_since, setting.problem) == (None, None, "")
