"""What a source allows that nobody approved: found, judged, and gone or found again."""

from __future__ import annotations

import pytest
from django.utils import timezone

from access.actions import accept_finding, adopt_finding, name_login, revoke_grant
from access.actions.policies import draft_policy, publish_policy
from access.effective import who_reads
from access.models import DatabaseLogin, Finding, Grant, ManagedObject, Policy
from access.policies.masking import Mask
from access.policies.rules import Action, Effect, MaskOf, Rule, Step, Subjects
from accounts.models import Principal
from audit.models import Record
from common.errors import Conflict, Forbidden, Invalid
from tests.access.enforcement.world import REFUSED, World, catalogued
from tests.factories import person, role

pytestmark = pytest.mark.django_db


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


def test_the_revoke_that_is_shown_closes_the_way_through_nested_roles(world: World) -> None:
    """By two roles, and into one of them by two grantors; the roles keep what they have for others."""
    bob, eve = world.login("bob"), world.login("eve")
    far, near, other = (f"{name}_{bob}" for name in ("far", "near", "other"))
    query = "SELECT id FROM sales.orders"
    world.place.owner(
        *(f"CREATE ROLE {name}" for name in (far, near, other)),
        f"GRANT USAGE ON SCHEMA sales TO {far}",
        f"GRANT SELECT ON sales.orders TO {far}",
        f"GRANT {far} TO {near}, {other}",
        f"GRANT {near}, {other} TO {bob}",
        f"GRANT {near} TO {eve} WITH ADMIN OPTION",
        f"SET ROLE {eve}",
        f"GRANT {near} TO {bob}",
    )
    assert world.reads("bob", query) == [(1,)]
    world.reconcile()
    finding = Finding.objects.get(kind="inherited", principal=world.people["bob"])
    assert (
        finding.sentence
        == f"{bob} may read all columns of sales.orders as a member of {near} and {other}, and so of {far}."
    )
    assert (finding.fact["role"], finding.fact["member"], len(finding.remedy)) == (near, bob, 3)
    world.place.owner(*finding.remedy)
    assert world.reads("bob", query) == REFUSED
    assert world.reads("eve", query) == [(1,)]
    world.reconcile()
    finding.refresh_from_db()
    assert finding.resolution == "gone"
    assert Finding.objects.get(kind="inherited", resolution="").principal == world.people["eve"]


def test_each_way_is_told_with_the_finding_of_its_own_fact(world: World) -> None:
    bob = world.login("bob")
    group = f"group_{bob}"
    world.place.owner(
        f"CREATE ROLE {group}",
        f"GRANT USAGE ON SCHEMA sales TO {group}",
        f"GRANT SELECT ON sales.orders TO {group}",
        f"GRANT {group} TO {bob}",
        f"GRANT SELECT (email, id) ON sales.orders TO {bob}",
    )
    world.reconcile()
    email = world.orders.fields.get(path=["email"])
    (reader,) = [one for one in who_reads(world.orders, email).people if one.reader.name == bob]
    found = {told.route.held.grantee: told.finding.kind for told in reader.routes if told.finding and told.route.held}
    assert found == {bob: "privilege", group: "inherited"}


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
