"""From an approval to a privilege in a real database, and back."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
import time_machine
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.actions import (
    accept_finding,
    adopt_finding,
    compare_grants_with_policies,
    confirm_plan,
    expire_grants,
    mask_items,
    name_login,
    revoke_grant,
)
from access.actions.policies import draft_policy, publish_policy
from access.enforcement.engines import engine_of
from access.enforcement.journals import DatabaseJournal, ours_of
from access.enforcement.leases import Lease, LeaseLost, due_sources
from access.enforcement.reconciling import _fail, _Reconciler, reconcile
from access.enforcement.wanting import wishes_of
from access.models import (
    CampaignItem,
    DatabaseLogin,
    Enforcement,
    Finding,
    Grant,
    JournalEntry,
    ManagedObject,
    Policy,
    PolicyVersion,
    Reconciliation,
)
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Rule, Step, Subjects
from access.provisioning.desired import Inspection, Profile, view_path
from access.provisioning.plan import Plan, make_plan
from accounts.models import Principal
from audit.events import Subject
from audit.models import Record
from audit.queries import activity_of
from common.errors import Conflict, Forbidden, Invalid
from tests.access.enforcement.world import REFUSED, World, catalogued, world_of
from tests.access.provisioning.postgres import Cluster, warehouse
from tests.factories import person, role

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
    world.place.owner("DROP TABLE sales.orders")
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "drifted" and "not in the source now" in grant.problem
    world.place.owner("CREATE TABLE sales.orders (id int, email text, phone text)")
    world.reconcile()
    assert world.state(grant) == "active"


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


def test_drift_is_found_once_and_goes_when_it_is_gone(world: World) -> None:
    bob = world.login("bob")
    world.place.owner(
        f"GRANT SELECT (email) ON sales.orders TO {bob}",
        "GRANT SELECT (id) ON sales.orders TO PUBLIC",
        "CREATE VIEW sales.leak AS SELECT id, email, phone FROM sales.orders",
        f"GRANT SELECT ON sales.leak TO {bob}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO {bob}",
    )
    world.reconcile()
    found = {finding.kind: finding for finding in Finding.objects.filter(resolution="")}
    assert {"privilege", "public", "definer_view", "defaults", "superuser"} <= set(found)
    assert found["privilege"].sentence == f"{bob} may read email of sales.orders."
    assert found["privilege"].principal == world.people["bob"] and found["privilege"].dataset == world.orders
    number = Finding.objects.count()
    world.reconcile()
    assert Finding.objects.count() == number
    DatabaseLogin.objects.filter(principal=world.people["bob"]).update(principal=world.owner)
    world.reconcile()
    assert Finding.objects.get(pk=found["privilege"].pk).principal == world.owner
    assert Finding.objects.count() == number
    for kind in ("privilege", "public", "definer_view", "defaults"):
        world.place.owner(*found[kind].remedy)
    world.reconcile()
    left = Finding.objects.filter(resolution="")
    assert {(finding.kind, finding.sentence) for finding in left if finding.kind != "superuser"} == set()


def accepted(world: World, *statements: str, kind: str = "privilege") -> Finding:
    """The one finding of a kind after these statements, accepted."""
    world.place.owner(*statements)
    world.reconcile()
    finding = Finding.objects.get(resolution="", kind=kind)
    return accept_finding(finding=finding, note="The nightly report", by=person(administrator=True))


def reopened(finding: Finding) -> list[str]:
    """Why a finding opened again, each time with what was said before."""
    rows = Record.objects.filter(event="access.finding_reopened").select_related("personal").order_by("pk")
    values = [row.values | row.personal.values for row in rows]
    return [f"{told['why']}: {told['note']}" for told in values if told["finding_id"] == finding.pk]


def test_what_was_accepted_ends_with_its_right_and_is_new_work_when_given_again(world: World) -> None:
    bob = world.login("bob")
    given, taken = (
        f"{way} ON sales.orders {to} {bob}" for way, to in (("GRANT SELECT", "TO"), ("REVOKE SELECT", "FROM"))
    )
    finding = accepted(world, given)
    world.reconcile()
    finding.refresh_from_db()
    assert finding.resolution == "accepted"
    world.place.owner(taken)
    world.reconcile()
    finding.refresh_from_db()
    assert (finding.resolution, finding.note) == ("gone", "The nightly report")
    world.place.owner(given)
    world.reconcile()
    again = Finding.objects.get(kind="privilege", resolution="")
    assert again.pk != finding.pk and again.note == ""


def test_what_was_accepted_stays_so_while_a_grant_explains_it(world: World) -> None:
    finding = accepted(world, f"GRANT SELECT (email) ON sales.orders TO {world.login('bob')}")
    grant = world.grant("bob", "email")
    world.reconcile()
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.reconcile()
    finding.refresh_from_db()
    assert finding.resolution == "accepted" and reopened(finding) == []


def test_what_was_accepted_of_one_person_opens_again_when_its_login_is_anothers(world: World) -> None:
    finding = accepted(world, f"GRANT SELECT ON sales.orders TO {world.login('bob')}")
    name, mine = world.login("bob"), DatabaseLogin.objects.filter(principal=world.people["bob"])
    mine.update(valid_to=timezone.now())
    world.reconcile()
    finding.refresh_from_db()
    assert (finding.resolution, finding.principal) == ("accepted", None)
    DatabaseLogin.objects.create(source=world.source, principal=world.owner, name=name, set_by=world.owner)
    before = Record.objects.filter(event="access.drift_found").count()
    world.reconcile()
    finding.refresh_from_db()
    assert (finding.resolution, finding.principal, finding.note) == ("", world.owner, "The nightly report")
    assert reopened(finding) == ["its login is known to be another person's: The nightly report"]
    assert Record.objects.filter(event="access.drift_found").count() == before + 1
    world.reconcile()
    assert len(reopened(finding)) == 1


def test_a_view_that_was_accepted_opens_again_when_it_shows_another_relation(world: World) -> None:
    world.place.owner("CREATE TABLE sales.refunds (id int)")
    catalogued(world.source, world.domain, world.owner, "refunds", ("id",))
    finding = accepted(
        world,
        "CREATE VIEW sales.leak AS SELECT id FROM sales.orders",
        f"GRANT SELECT ON sales.leak TO {world.login('bob')}",
        kind="definer_view",
    )
    world.place.owner(f"ALTER VIEW sales.leak OWNER TO {world.login('eve')}")
    world.reconcile()
    finding.refresh_from_db()
    assert finding.resolution == "accepted" and finding.fact["owner"] == world.login("eve")
    world.place.owner(
        "CREATE OR REPLACE VIEW sales.leak AS SELECT id FROM sales.orders UNION SELECT id FROM sales.refunds"
    )
    world.reconcile()
    finding.refresh_from_db()
    assert finding.resolution == "" and "shows sales.orders, sales.refunds to" in finding.sentence
    assert reopened(finding) == ["the view shows something else: The nightly report"]


def test_a_finding_says_what_is_so_now_and_what_ends_it_now(world: World) -> None:
    ada, bob, eve = (world.login(name) for name in ("ada", "bob", "eve"))
    world.place.owner(f"GRANT SELECT ON sales.orders TO {ada}, {eve}", f"GRANT {ada} TO {bob}")
    world.reconcile()
    finding = Finding.objects.get(kind="inherited")
    assert finding.sentence.endswith(f"as a member of {ada}.") and ada in finding.remedy[0]
    world.place.owner(f"REVOKE {ada} FROM {bob}", f"GRANT {eve} TO {bob}")
    world.reconcile()
    renewed = Finding.objects.get(kind="inherited")
    assert renewed.pk == finding.pk and renewed.sentence.endswith(f"as a member of {eve}.")
    assert renewed.fact["role"] == eve
    world.place.owner(*renewed.remedy)
    world.reconcile()
    assert Finding.objects.get(kind="inherited").resolution == "gone"


def test_nobody_gets_to_judge_what_they_read_by_taking_their_name_away(world: World) -> None:
    bob = world.people["bob"]
    role(world.domain, bob, "owner")
    world.source.domain = world.domain
    world.source.save()
    world.place.owner(f"GRANT SELECT ON sales.orders TO {world.login('bob')}")
    world.reconcile()
    name_login(source=world.source, principal=bob, name="", by=bob)
    world.reconcile()
    finding = Finding.objects.get(kind="privilege")
    assert finding.principal is None
    with pytest.raises(Forbidden, match="read yourself"):
        accept_finding(finding=finding, note="Fine", by=bob)


def adopted(world: World, *columns: str, days: int = 30) -> Grant:
    """A grant of what bob can read without one."""
    named = f" ({', '.join(columns)})" if columns else ""
    world.place.owner(f"GRANT SELECT{named} ON sales.orders TO {world.login('bob')}")
    world.reconcile()
    finding = Finding.objects.get(resolution="", kind="privilege")
    return adopt_finding(finding=finding, days=days, note="The nightly report", by=world.owner)


def test_what_is_adopted_is_what_can_be_read_and_no_more(world: World) -> None:
    world.orders.fields.filter(path=["phone"]).update(gone_since=timezone.now())
    with pytest.raises(Conflict, match="phone of orders is not in the catalog"):
        adopted(world, "email", "phone")
    world.orders.fields.update(gone_since=None)
    grant = adopted(world, "email", "phone")
    assert set(grant.field_ids) == set(world.orders.fields.exclude(path=["id"]).values_list("pk", flat=True))
    assert world.state(grant) == "provisioning"


def test_policy_binds_what_is_adopted(world: World) -> None:
    def publish(rule: Rule) -> None:
        system = Principal.objects.system()
        name = f"{rule.effect.label} {Policy.objects.count()}"
        publish_policy(version=draft_policy(name=name, rule=rule, by=system), by=system)

    everybody, asking = Subjects(everyone=True), (Action.REQUEST,)
    publish(Rule(Effect.RESTRICT, (Action.READ,), everybody, masks=(MaskOf(Mask.HASH),)))
    publish(Rule(Effect.APPROVAL, asking, everybody, steps=(Step(),), max_days=7))
    with pytest.raises(Invalid, match="7 days"):
        adopted(world, "email", days=8)
    grant = adopted(world, "email", days=7)
    assert set(grant.masks.values()) == {"hash"} and list(map(int, grant.masks)) == grant.field_ids
    Grant.objects.all().delete()
    Finding.objects.update(resolution="", resolved_at=None)
    publish(Rule(Effect.APPROVAL, asking, everybody, steps=(Step(needed=2),)))
    with pytest.raises(Conflict, match="more approvals"):
        adopted(world, "email")
    publish(Rule(Effect.DENY, (Action.READ,), everybody))
    with pytest.raises(Conflict, match="have the policy changed"):
        adopted(world, "email")


def test_an_end_says_where_its_holder_can_read_by_another_way(world: World) -> None:
    grant = world.grant("ada", "id")
    world.reconcile()
    world.place.owner("GRANT USAGE ON SCHEMA sales TO PUBLIC", "GRANT SELECT ON sales.orders TO PUBLIC")
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "revoked"
    assert "can read some of it by another way" in grant.problem


def test_somebody_elses_membership_of_a_managed_role_is_no_revocation(world: World) -> None:
    grant = world.grant("ada", "id")
    world.grant("bob", "id")
    world.reconcile()
    role = ManagedObject.objects.get(kind="role").name
    world.place.owner(f'GRANT "{role}" TO {world.login("ada")}')
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    world.reconcile()
    grant.refresh_from_db()
    assert grant.state == "revoke_failed"
    assert "made" in grant.problem and "a member of" in grant.problem
    world.place.owner(f'REVOKE "{role}" FROM {world.login("ada")}')
    world.reconcile()
    assert world.state(grant) == "revoked"


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
    with CaptureQueriesContext(connection) as few:
        world.reconcile()
    for number in range(20):
        world.place.owner(f"CREATE TABLE sales.t{number} (id int)")
        more = catalogued(world.source, world.domain, world.owner, f"t{number}", ("id",))
        world.grant("ada", "id", on=more)
    world.place.allow_service()
    world.reconcile()
    with CaptureQueriesContext(connection) as many:
        world.reconcile()
    assert len(many) == len(few)


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
