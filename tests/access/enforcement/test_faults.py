"""Wires that break, workers that are killed, sources that are down, two reconcilers: never a false state."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from django.utils import timezone

from access.actions import revoke_grant
from access.enforcement.leases import due_sources
from access.enforcement.reconciling import reconcile
from access.models import Enforcement, Grant, JournalEntry, Reconciliation
from access.provisioning.desired import Profile
from catalog.models import Source
from tests.access.enforcement.world import REFUSED, World, world_of
from tests.access.provisioning.postgres import Cluster, warehouse
from tests.ingestion.connectors.relay import Relay
from tests.ingestion.sources import HeldRelay, worker_process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wired(transactional_db: None, embedded_cluster: Cluster) -> Iterator[tuple[World, Relay]]:
    """A world whose source is reached through a wire that can be cut."""
    relay = Relay((embedded_cluster.host, embedded_cluster.port), "postgres")
    with warehouse(embedded_cluster, Profile.ROLE_MANAGING) as place:
        yield world_of(place, port=relay.port), relay
    relay.close()


def is_true(world: World, grant: Grant) -> None:
    """`active` can be read, an end cannot, and nothing else is claimed."""
    state = world.state(grant)
    reads = world.reads("ada", "SELECT id FROM sales.orders") != REFUSED
    assert not (state == "active" and not reads), "a false active"
    assert not (state in ("revoked", "expired") and reads), "a false end"


def answered_by_a_whole_run(world: World, relay: Relay) -> int:
    before = relay.answered
    world.reconcile()
    return relay.answered - before


def test_wherever_the_wire_breaks_the_state_is_true_and_the_next_run_finishes(wired: tuple[World, Relay]) -> None:
    world, relay = wired
    probe = world.grant("bob", "id")
    length = answered_by_a_whole_run(world, relay)
    assert world.state(probe) == "active"
    for part in range(1, 12):
        grant = world.grant("ada", "id", "email")
        relay.cut_after = relay.answered + length * part // 10
        reconcile(world.source.pk)
        is_true(world, grant)
        relay.cut_after = None
        world.reconcile()
        assert world.state(grant) == "active"
        is_true(world, grant)
        revoke_grant(grant=grant, reason="Done", by=world.owner)
        relay.cut_after = relay.answered + length * part // 10
        reconcile(world.source.pk)
        is_true(world, grant)
        relay.cut_after = None
        world.reconcile()
        assert world.state(grant) == "revoked"
        is_true(world, grant)
    assert not JournalEntry.objects.filter(state="intended").exists()


def test_a_source_that_is_down_is_told_and_finished_when_it_answers(wired: tuple[World, Relay]) -> None:
    world, relay = wired
    grant = world.grant("ada", "id")
    world.reconcile()
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    relay.cut_after = relay.answered
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "revoke_failed" and grant.problem
    assert world.enforcement.failed_since is not None
    assert due_sources() == [], "tried a moment ago"
    Enforcement.objects.update(tried_at=timezone.now() - dt.timedelta(seconds=16))
    assert due_sources() == [world.source.pk]
    relay.cut_after = None
    world.reconcile()
    assert world.state(grant) == "revoked"
    assert world.enforcement.failed_since is None
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED


@pytest.mark.long
@pytest.mark.parametrize("part", range(1, 9))
def test_a_worker_killed_anywhere_leaves_a_true_state(
    transactional_db: None, embedded_cluster: Cluster, part: int
) -> None:
    """The wire is held after a part of the answers, and the worker behind it is killed with -9."""
    counted = Relay((embedded_cluster.host, embedded_cluster.port), "postgres")
    with warehouse(embedded_cluster, Profile.ROLE_MANAGING) as place:
        world = world_of(place, port=counted.port)
        world.grant("bob", "id")
        length = answered_by_a_whole_run(world, counted)
        relay = HeldRelay(embedded_cluster.host, embedded_cluster.port, length * part // 9)
        source = Source.objects.get(pk=world.source.pk)
        assert source.connection is not None
        type(source.connection).objects.filter(pk=source.connection.pk).update(port=relay.port)
        world.source.connection.port = relay.port
        world.source.connection.set_secret("of the test")
        world.source.connection.save()
        grant = world.grant("ada", "id", "email")
        code = f"from access.enforcement.reconciling import reconcile; reconcile({source.pk})"
        worker = worker_process(code)
        try:
            assert relay.held.wait(60)
            worker.kill()
            worker.wait(30)
        finally:
            relay.release.set()
        is_true(world, grant)
        Enforcement.objects.update(held_until=timezone.now() - dt.timedelta(seconds=1))
        world.reconcile()
        assert world.state(grant) == "active"
        is_true(world, grant)
        relay.close()
    counted.close()


def test_two_reconcilers_at_once_do_the_work_once(wired: tuple[World, Relay]) -> None:
    world, _ = wired
    grants = [world.grant(name, "id") for name in world.people]
    done: list[bool] = []

    def work() -> None:
        try:
            done.append(reconcile(world.source.pk))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done.count(True) >= 1
    if {world.state(grant) for grant in grants} != {"active"}:
        world.reconcile()
    assert {world.state(grant) for grant in grants} == {"active"}
    assert Reconciliation.objects.filter(state="applied").count() == 1
    assert not JournalEntry.objects.exclude(state="done").exists()
