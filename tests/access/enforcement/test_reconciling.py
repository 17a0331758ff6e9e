"""From an approval to a privilege in a real database, and back."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.actions import compare_grants_with_policies, expire_grants, mask_items, revoke_grant
from access.actions.policies import draft_policy, publish_policy
from access.enforcement.engines import engine_of
from access.enforcement.leases import Lease, due_sources
from access.enforcement.reconciling import reconcile
from access.enforcement.wanting import wishes_of
from access.models import (
    CampaignItem,
    DatabaseLogin,
    Enforcement,
    Grant,
    JournalEntry,
    ManagedObject,
    PolicyVersion,
    Reconciliation,
)
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Rule, Subjects
from access.provisioning.desired import Profile, view_path
from access.queries import review_of, visible_requests
from access.timeline import timeline_of
from accounts.models import Principal
from audit.events import Subject
from audit.queries import activity_of
from common.components import Activity
from tests.access.enforcement.world import REFUSED, World, catalogued, world_of
from tests.access.provisioning.postgres import Cluster, warehouse

pytestmark = pytest.mark.django_db


def told(grant: Grant) -> list[str]:
    activities, _ = activity_of(Subject("grant", grant.pk))
    return [activity.sentence for activity in reversed(activities)]


def test_an_approval_becomes_a_privilege_that_is_read_back(world: World) -> None:
    grant = world.grant("ada", "id", "email")
    assert grant.state == "provisioning"
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    world.reconcile()
    grant.refresh_from_db()
    assert (grant.state, grant.problem, grant.login) == ("active", "", world.login("ada"))
    assert grant.verified_at is not None and grant.applied_at is not None
    assert world.reads("ada", "SELECT id, email FROM sales.orders") == [(1, "ada@example.org")]
    assert world.reads("ada", "SELECT phone FROM sales.orders") == REFUSED
    assert world.reads("bob", "SELECT id FROM sales.orders") == REFUSED
    assert any("read it back" in sentence for sentence in told(grant))


def test_a_revoked_grant_is_revoked_once_nothing_of_it_is_left(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    assert world.state(grant) == "revoking"
    world.reconcile()
    grant.refresh_from_db()
    assert (grant.state, grant.ends_as) == ("revoked", "revoked")
    assert grant.removed_at is not None
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    assert not ManagedObject.objects.filter(gone_at=None).exists()


def test_a_grant_expires_in_the_source_too(world: World) -> None:
    grant = world.grant("ada", "id", days=2)
    world.reconcile()
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, seconds=1), tick=True):
        assert expire_grants(by=Principal.objects.system()) == 1
        assert world.state(grant) == "expiring"
        world.reconcile()
    assert world.state(grant) == "expired"
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED


def test_a_grant_is_taken_at_its_end_though_no_sweep_has_run(world: World) -> None:
    grant = world.grant("ada", "id", days=2)
    world.reconcile()
    with time_machine.travel(timezone.now() + dt.timedelta(days=2, seconds=1), tick=True):
        world.reconcile()
        assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
        assert world.state(grant) == "active"
        expire_grants(by=Principal.objects.system())
        world.reconcile()
    assert world.state(grant) == "expired"


def test_a_grant_that_replaces_another_leaves_only_its_own_columns(world: World) -> None:
    first = world.grant("ada", "id", "email")
    world.reconcile()
    second = world.grant("ada", "id", "phone")
    assert world.state(first) == "revoking"
    world.reconcile()
    assert (world.state(first), world.state(second)) == ("superseded", "active")
    assert world.reads("ada", "SELECT id, phone FROM sales.orders") == [(1, "0400 123 456")]
    assert world.reads("ada", "SELECT email FROM sales.orders") == REFUSED


def test_without_a_login_the_holder_and_what_to_do_are_named(world: World) -> None:
    DatabaseLogin.objects.filter(principal=world.people["ada"]).update(valid_to=timezone.now())
    grant = world.grant("ada", "id")
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "provision_failed"
    assert grant.problem.startswith("No login of this source is known")
    DatabaseLogin.objects.filter(principal=world.people["ada"]).update(valid_to=None)
    world.reconcile()
    assert world.state(grant) == "active"


def test_another_login_takes_the_old_ones_access_along(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    eve = world.login("eve")
    DatabaseLogin.objects.filter(principal=world.people["eve"]).delete()
    DatabaseLogin.objects.filter(principal=world.people["ada"]).update(name=eve)
    world.reconcile()
    assert Grant.objects.get(pk=grant.pk).login == eve
    assert len(world.place.reads(eve, "SELECT id FROM sales.orders")) == 1
    assert world.place.reads(world.place.logins[0], "SELECT id FROM sales.orders") == REFUSED


def test_a_changed_login_is_remembered_while_the_old_one_still_reads(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    old, new = world.login("ada"), world.login("eve")
    role = ManagedObject.objects.get(kind="role").name
    world.place.owner(f'GRANT "{role}" TO {old}')
    DatabaseLogin.objects.filter(principal=world.people["eve"]).delete()
    DatabaseLogin.objects.filter(principal=world.people["ada"]).update(name=new)
    for _ in range(2):
        world.reconcile()
        grant.refresh_from_db()
        assert (grant.state, grant.login) == ("active", old)
        assert f"made {old} a member of" in grant.problem
    world.place.owner(f'REVOKE "{role}" FROM {old}')
    world.reconcile()
    grant.refresh_from_db()
    assert (grant.state, grant.login, grant.problem) == ("active", new, "")


def test_a_dry_run_shows_the_statements_and_changes_nothing(world: World) -> None:
    world.set(mode="dry_run")
    grant = world.grant("ada", "id")
    world.reconcile()
    assert world.state(grant) == "recorded"
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    run = Reconciliation.objects.get(state="planned")
    assert [step["statements"][0].split()[0] for step in run.plan] == ["CREATE", "GRANT", "GRANT", "GRANT"]
    world.set(mode="automatic")
    world.reconcile()
    assert world.state(grant) == "active"
    run.refresh_from_db()
    assert run.state == "replaced"


def test_confirmed_plans_are_carried_out_and_others_are_not(world: World) -> None:
    world.set(mode="confirm")
    grant = world.grant("ada", "id")
    world.reconcile()
    assert world.state(grant) == "provisioning"
    run = Reconciliation.objects.get(state="waiting")
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    Reconciliation.objects.filter(pk=run.pk).update(state="confirmed", confirmed_by=world.owner)
    other = world.grant("bob", "id")
    world.reconcile()
    assert world.state(grant) == "provisioning", "the plan is another one by now"
    run = Reconciliation.objects.get(state="waiting")
    Reconciliation.objects.filter(pk=run.pk).update(state="confirmed", confirmed_by=world.owner)
    world.reconcile()
    assert (world.state(grant), world.state(other)) == ("active", "active")
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.reconcile()
    assert world.state(grant) == "revoked", "what is over waits for nobody"
    assert world.state(other) == "active"


def test_the_limit_of_revocations_waits_for_a_person(world: World) -> None:
    grants = [world.grant(name, "id") for name in world.people]
    world.reconcile()
    world.set(revoke_limit=1)
    Grant.objects.all().delete()
    world.reconcile()
    run = Reconciliation.objects.get(state="waiting")
    assert "this source's limit is 1" in run.message
    assert len(world.reads("ada", "SELECT id FROM sales.orders")) == 1
    Reconciliation.objects.filter(pk=run.pk).update(state="confirmed", confirmed_by=world.owner)
    world.reconcile()
    assert {world.reads(name, "SELECT id FROM sales.orders") for name in world.people} == {REFUSED}
    assert len(grants) == 3


def test_what_somebody_took_in_the_source_is_given_back(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    world.place.owner("DROP TABLE sales.orders", "CREATE TABLE sales.orders (id int, email text, phone text)")
    world.reconcile()
    assert world.state(grant) == "active"
    assert world.reads("ada", "SELECT id FROM sales.orders") == []


def test_a_table_that_is_gone_drifts_and_is_active_again_when_it_is_back(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    grant.refresh_from_db()
    given = grant.applied_at
    world.place.owner("DROP TABLE sales.orders")
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "drifted" and "not in the source now" in grant.problem
    world.place.owner("CREATE TABLE sales.orders (id int, email text, phone text)")
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "active" and given is not None and grant.applied_at is not None
    told = {step.sentence: step for step in way_of(world, grant)}
    assert given <= told["Given in the source."].at < told["No longer all there."].at
    assert "not in the source now" in told["No longer all there."].reason
    assert told[f"Given again in the source to {grant.login}."].at == grant.applied_at > given
    assert told["Read back: it can be read again."].at >= grant.applied_at


def test_what_is_given_again_at_once_keeps_its_first_giving(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    (first,) = [step.at for step in way_of(world, grant) if step.sentence.startswith("Given in the source to ")]
    world.place.owner("DROP TABLE sales.orders", "CREATE TABLE sales.orders (id int, email text, phone text)")
    world.reconcile()
    told = {step.sentence: step.at for step in way_of(world, grant)}
    assert first <= told["Given in the source."] < told[f"Given again in the source to {world.login('ada')}."]


def way_of(world: World, grant: Grant) -> list[Activity]:
    assert grant.request is not None
    return timeline_of(review_of(world.owner, visible_requests(world.owner).get(pk=grant.request.pk)))


def test_one_refused_change_does_not_hold_up_the_others(world: World) -> None:
    world.place.owner("CREATE TABLE sales.refunds (id int)")
    refunds = catalogued(world.source, world.domain, world.owner, "refunds", ("id",))
    # The account was never given this table.
    stuck, fine = world.grant("ada", "id", on=refunds), world.grant("bob", "id")
    world.place.owner(f"REVOKE ALL ON sales.refunds FROM {world.place.account}")
    world.reconcile()
    assert world.state(fine) == "active"
    stuck = Grant.objects.get(pk=stuck.pk)
    assert stuck.state == "provision_failed" and "PostgreSQL refused" in stuck.problem
    world.place.owner(f"GRANT SELECT ON sales.refunds TO {world.place.account} WITH GRANT OPTION")
    world.reconcile()
    assert world.state(stuck) == "active"


def test_a_closed_account_suspends_and_an_opened_one_resumes(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    user = world.people["ada"].user
    user.is_active = False
    user.save()
    world.reconcile()
    assert world.state(grant) == "suspended"
    assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED
    user.is_active = True
    user.save()
    world.reconcile()
    assert world.state(grant) == "active"


def test_the_journal_holds_each_statement_with_its_undoing(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    entries = JournalEntry.objects.filter(source=world.source).order_by("pk")
    assert {entry.state for entry in entries} == {"done"}
    assert {tuple(entry.grants) for entry in entries} == {(grant.pk,)}
    role = entries[0].fact["name"]
    assert entries[0].statements[0] == f'CREATE ROLE "{role}" NOLOGIN'
    assert entries[0].undo == [f'DROP ROLE "{role}"']


def test_nothing_to_do_leaves_no_trace_but_the_time(world: World) -> None:
    world.grant("ada", "id")
    world.reconcile()
    runs = Reconciliation.objects.count()
    before = world.enforcement.checked_at
    world.reconcile()
    assert Reconciliation.objects.count() == runs
    assert before is not None and world.enforcement.checked_at is not None
    assert world.enforcement.checked_at > before


def test_only_one_reconciler_has_a_source(world: World) -> None:
    lease = Lease.claim(world.source.pk)
    assert lease is not None
    with lease:
        assert reconcile(world.source.pk) is False
        assert due_sources() == []
    assert due_sources() == [world.source.pk]
    world.reconcile()


def test_what_was_asked_for_is_due_and_what_was_done_is_not(world: World) -> None:
    world.reconcile()
    assert due_sources() == []
    world.grant("ada", "id")
    assert due_sources() == [world.source.pk]
    world.reconcile()
    assert due_sources() == []
    Enforcement.objects.update(checked_at=timezone.now() - dt.timedelta(minutes=6))
    assert due_sources() == [world.source.pk]


def test_an_end_says_where_its_holder_can_read_by_another_way(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    world.place.owner("GRANT USAGE ON SCHEMA sales TO PUBLIC", "GRANT SELECT ON sales.orders TO PUBLIC")
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "revoked"
    assert "can read some of it by another way" in grant.problem


def test_a_grant_only_end_waits_for_what_followed_a_renamed_table(db: None, embedded_cluster: Cluster) -> None:
    with warehouse(embedded_cluster, Profile.GRANT_ONLY) as place:
        world = world_of(place)
        grant = world.grant("ada", "id")
        world.reconcile()
        assert world.state(grant) == "active"
        place.owner("ALTER TABLE sales.orders RENAME TO orders_2")
        revoke_grant(grant=grant, reason="Done", by=world.owner)
        world.reconcile()
        grant.refresh_from_db()
        assert grant.state == "revoke_failed"
        assert "sales.orders_2" in grant.problem and place.account in grant.problem
        with place.as_login(place.account) as service:
            service.execute(f"REVOKE SELECT (id) ON sales.orders_2 FROM {world.login('ada')}")
        world.reconcile()
        assert world.state(grant) == "revoked"


def test_statements_of_a_reconciliation_do_not_grow_with_the_grants(world: World) -> None:
    for name in world.people:
        world.grant(name, "id")
    world.reconcile()
    few = statements_of_a_reconciliation(world)
    for number in range(20):
        world.place.owner(f"CREATE TABLE sales.t{number} (id int)")
        more = catalogued(world.source, world.domain, world.owner, f"t{number}", ("id",))
        world.grant("ada", "id", on=more)
    world.place.allow_service()
    world.reconcile()
    assert statements_of_a_reconciliation(world) == few


def statements_of_a_reconciliation(world: World) -> int:
    """Where nothing moved. Roles are of the whole server: other tests' make the catalog compare again now and then."""
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as done:
            world.reconcile()
        counts.append(len(done))
    return min(counts)


def test_on_postgresql_15_too(db: None, machine_cluster: Cluster) -> None:
    for profile in Profile:
        with warehouse(machine_cluster, profile) as place:
            world = world_of(place)
            grant = world.grant("ada", "id")
            world.reconcile()
            assert world.state(grant) == "active"
            assert len(world.reads("ada", "SELECT id FROM sales.orders")) == 1
            revoke_grant(grant=grant, reason="Done", by=world.owner)
            world.reconcile()
            assert world.state(grant) == "revoked"
            assert world.reads("ada", "SELECT id FROM sales.orders") == REFUSED


def test_a_grant_that_is_masked_later_shows_the_mask_in_the_source(world: World) -> None:
    grant = world.grant("ada")
    world.reconcile()
    assert world.reads("ada", "SELECT email FROM sales.orders") == [("ada@example.org",)]
    system = Principal.objects.system()
    email = world.orders.fields.get(path=["email"])
    masks = (MaskOf(Mask.NULL, Columns(fields=(email.pk,))),)
    rule = Rule(Effect.RESTRICT, (Action.READ,), Subjects(everyone=True), masks=masks)
    publish_policy(version=draft_policy(name="No addresses", rule=rule, by=system), by=system)
    while PolicyVersion.objects.to_compare().exists():
        compare_grants_with_policies(by=system)
    world.reconcile()
    assert world.reads("ada", "SELECT email FROM sales.orders") == [("ada@example.org",)]
    mask_items(items=list(CampaignItem.objects.all()), by=world.owner)
    world.reconcile()
    assert world.state(grant) == "active"
    assert world.reads("ada", "SELECT email FROM sales.orders") == REFUSED
    (wanted,) = wishes_of(world.source, engine_of(world.source).path_of).grants
    view = ".".join(f'"{part}"' for part in view_path(world.place.rules, wanted))
    assert world.reads("ada", f"SELECT id, email FROM {view}") == [(1, None)]
