"""Workers that die, come late or work beside each other leave nothing half done."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from django.db.models import F
from django.utils import timezone

from access.actions import confirm_plan, revoke_grant
from access.enforcement import reconciling
from access.enforcement.engines import engine_of
from access.enforcement.journals import DatabaseJournal, ours_of
from access.enforcement.leases import Lease, LeaseLost, due_sources, ending_sources
from access.enforcement.reconciling import _fail, _Reconciler
from access.enforcement.wanting import wishes_of
from access.models import Enforcement, Reconciliation
from access.provisioning.desired import Inspection
from access.provisioning.plan import Plan, make_plan
from access.tasks import reconcile_source
from accounts.models import Principal
from tests.access.enforcement.world import REFUSED, World, catalogued
from tests.factories import person, source

pytestmark = pytest.mark.django_db


def steps_of(world: World):
    """What the catalog would do in the source, as a function of what was found there."""

    def plan(seen: Inspection) -> Plan:
        wishes = wishes_of(world.source, engine_of(world.source).path_of)
        return make_plan(wishes.grants, wishes.leaving, seen, world.place.rules, ours_of(world.source))

    return plan


def test_sessions_that_a_dead_worker_left_are_ended_before_a_grant_is_over(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    with world.place.as_login(world.login("ada")) as session:
        session.execute("BEGIN")
        session.execute("DECLARE c CURSOR FOR SELECT id FROM sales.orders")
        revoke_grant(grant=grant, reason="Done", by=world.owner)
        lease, plan = Lease.claim(world.source.pk), steps_of(world)
        assert lease is not None
        with lease, world.place.enforcer() as enforcer:
            # As far as a worker comes that is killed right after the commit.
            run = Reconciliation.objects.create(source=world.source, fence=lease.fence)
            journal = DatabaseJournal(run, lease, world.place.rules)
            enforcer.carry_out(plan(enforcer.inspect()), plan, journal, lease.check)
        assert session.execute("FETCH 1 FROM c").fetchall() == [(1,)]
        world.reconcile()
        assert world.state(grant) == "revoked"
        with pytest.raises(psycopg.OperationalError):
            session.execute("FETCH 1 FROM c")


def test_a_worker_whose_source_is_anothers_by_now_commits_nothing(world: World) -> None:
    world.grant("ada", "id")
    lease, plan = Lease.claim(world.source.pk), steps_of(world)
    assert lease is not None

    def stalled() -> None:
        Enforcement.objects.update(fence=F("fence") + 1)
        lease.check()

    run = Reconciliation.objects.create(source=world.source, fence=lease.fence)
    with world.place.enforcer() as enforcer:
        journal = DatabaseJournal(run, lease, world.place.rules)
        with pytest.raises(LeaseLost):
            enforcer.carry_out(plan(enforcer.inspect()), plan, journal, stalled)
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    theirs = Reconciliation.objects.create(source=world.source, fence=lease.fence + 1)
    with pytest.raises(LeaseLost):
        _fail(world.source, lease, "The wire broke.")
    assert {one.state for one in Reconciliation.objects.filter(pk__in=[run.pk, theirs.pk])} == {"running"}


def test_sources_that_hang_wait_for_those_that_answer_and_for_each_other(db: None) -> None:
    now = timezone.now()
    sources = [source(name) for name in ("answers", "asked", "hangs", "waits")]
    for place, one in enumerate(sources):
        Enforcement.objects.create(
            source=one, mode="automatic", changed_by=Principal.objects.system(), asked_at=now - dt.timedelta(minutes=place),
            hung_at=now if place > 1 else None, tried_at=now - dt.timedelta(minutes=place) if place > 1 else None,
        )  # fmt: skip
    answers, asked, hangs, waits = [one.pk for one in sources]
    assert due_sources() == [asked, answers, waits]
    lease = Lease.claim(waits, in_turn=True)
    assert lease is not None and lease.hangs
    assert due_sources() == [asked, answers]
    assert Lease.claim(hangs, in_turn=True) is None
    for pk in (asked, answers):
        other = Lease.claim(pk, in_turn=True)
        assert other is not None and not other.hangs
    assert Lease.claim(asked, in_turn=True) is None and due_sources() == []
    Enforcement.objects.update(held_until=None)
    assert due_sources() == [asked, answers, hangs], "the one that was tried longest ago"
    lease.note_hanging(hangs=False)
    assert due_sources() == [waits, asked, answers, hangs]
    Enforcement.objects.update(asked_at=None, checked_at=now)
    assert Lease.claim(asked, in_turn=True) is None, "seen to since it was sent"


def test_access_that_is_over_ends_before_another_source_has_its_turn(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    other = Enforcement.objects.create(
        source=source("other"), mode="automatic", changed_by=Principal.objects.system(), asked_at=timezone.now()
    )
    reconcile_source(other.source_id)
    assert ending_sources() == []
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.set(asked_at=timezone.now() + dt.timedelta(minutes=1))
    assert ending_sources() == [world.source.pk]
    Enforcement.objects.filter(pk=other.pk).update(asked_at=timezone.now(), failed_since=None)
    reconcile_source(other.source_id)
    assert world.state(grant) == "revoked"
    other.refresh_from_db()
    first, second = world.enforcement.tried_at, other.tried_at
    assert first is not None and second is not None and first < second, "and then the one that was sent"
    assert ending_sources() == []


def test_a_source_that_hangs_ends_nothing_before_others(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.set(hung_at=timezone.now())
    assert ending_sources() == []


def test_a_confirmed_plan_is_carried_out_but_for_what_the_source_refuses(world: World) -> None:
    world.set(mode="confirm")
    world.place.owner("CREATE TABLE sales.refunds (id int)")
    refunds = catalogued(world.source, world.domain, world.owner, "refunds", ("id",))
    stuck, fine = world.grant("ada", "id", on=refunds), world.grant("bob", "id")
    world.place.owner(f"REVOKE ALL ON sales.refunds FROM {world.place.account}")
    world.reconcile()
    run = Reconciliation.objects.get(state="waiting")
    confirm_plan(reconciliation=run, plan_hash=run.plan_hash, by=person(administrator=True))
    world.reconcile()
    run.refresh_from_db()
    assert (run.state, run.message) == (
        "applied",
        "Carried out as it was confirmed, but for what the source refused.",
    )
    assert (world.state(stuck), world.state(fine)) == ("provision_failed", "active")
    world.grant("eve", "id")
    world.reconcile()
    assert world.reads("eve", "SELECT id FROM sales.orders") == REFUSED, "nobody confirmed that"


def test_a_confirmation_that_comes_while_the_rest_is_noted_is_kept(world: World) -> None:
    world.set(mode="confirm")
    grant = world.grant("ada", "id")
    world.reconcile()
    run = Reconciliation.objects.get(state="waiting")
    lease = Lease.claim(world.source.pk)
    assert lease is not None
    with lease, world.place.enforcer() as enforcer:
        seen = enforcer.inspect()
        confirm_plan(reconciliation=run, plan_hash=run.plan_hash, by=person(administrator=True))
        Enforcement.objects.update(asked_at=None)
        _Reconciler(world.source, lease)._keep_rest(seen, steps_of(world)(seen))
    run.refresh_from_db()
    assert run.state == "confirmed"
    assert due_sources() == [world.source.pk]
    world.reconcile()
    assert world.state(grant) == "active"


def test_what_is_asked_for_while_a_source_is_seen_to_is_done_by_the_same_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants = [world.grant("ada", "id")]
    settle = reconciling.settle

    def approved_meanwhile(*args: object) -> None:
        settle(*args)
        if len(grants) == 1:
            grants.append(world.grant("bob", "id"))
            assert due_sources() == [], "it is held"

    monkeypatch.setattr(reconciling, "settle", approved_meanwhile)
    reconcile_source(world.source.pk)
    assert [world.state(grant) for grant in grants] == ["active", "active"]
    assert due_sources() == []
