"""Who can read a column, and why: down to the grant, its approvers, the policy and the record; now and at a past time."""

import csv
import datetime as dt
import io
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.actions import accept_finding, approve_request, close_emergency_review, open_in_emergency, request_access
from access.actions.grants import revoke_grant
from access.effective import what_reads, who_reads
from access.enforcement.history import observe
from access.models import Finding, Grant
from access.provisioning.facts import Member, Privilege, Right, Role
from audit.models import Record
from classification.actions import set_level
from tests import factories
from tests.access.observed import carried_out, login, opened, path_of, privileges
from tests.factories import Cast, bearer

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(cast: Cast) -> Grant:
    """The analyst's, of the column email, carried out in a source that allows other things as well."""
    request = request_access(
        dataset=cast.dataset, fields=[cast.field("email")], purpose="A survey", days=20, by=cast.analyst
    )
    made = approve_request(request=request, reason="Fine.", by=cast.owner)
    assert made is not None
    privileges(made)
    return made


def lines_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def by_name(found) -> dict:
    return {one.reader.name: one for one in (*found.people, *found.roles)}


def test_a_way_by_a_grant_tells_who_approved_it_under_which_policies_and_where_that_is_recorded(cast: Cast, grant):
    found = by_name(who_reads(cast.dataset, cast.field("email")))
    (told,) = found["ana"].routes
    assert told.evidence.grant == grant
    assert [vote.by for vote in told.evidence.approvals] == [cast.owner]
    assert not told.evidence.is_over
    assert Record.objects.get(pk=told.evidence.record_id).event.startswith("access.")
    assert found["ana"].principal == cast.analyst
    assert not found["ana"].is_drift


def test_the_policy_versions_that_were_in_force_are_named(cast: Cast, grant):
    version = grant_policy(grant)
    (told,) = by_name(who_reads(cast.dataset, cast.field("email")))["ana"].routes
    assert told.evidence.versions == [version]


def grant_policy(grant: Grant):
    from access.models import PolicyVersion

    version = PolicyVersion.objects.filter(state="published").first()
    assert version is not None and grant.request is not None
    grant.request.ruling = {"versions": [version.pk]}
    grant.request.save(update_fields=["ruling"])
    return version


def test_what_no_grant_explains_is_drift_with_its_finding(cast: Cast, grant):
    finding = Finding.objects.create(
        source=cast.source,
        kind=Finding.Kind.PRIVILEGE,
        key="k",
        sentence="etl reads users.",
        fact={"type": "Privilege", "right": "select", "path": list(path_of(cast.dataset)), "grantee": "etl"},
        grantee="etl",
        dataset=cast.dataset,
    )
    found = by_name(who_reads(cast.dataset, cast.field("email")))
    assert found["etl"].is_drift
    assert found["etl"].routes[0].finding == finding
    assert found["postgres"].is_drift
    assert found["reporting"].is_drift
    assert found["reporting"].routes[0].sentence.startswith("reporting holds SELECT on public.contacts")


def test_a_right_that_others_gave_is_explained_by_a_grant_of_the_same(cast: Cast, grant):
    """What was adopted is such a right, and the comparison finds nothing there."""
    path = path_of(cast.dataset)
    by_hand = [Privilege(Right.SELECT, path, "ana", column=name, grantor="postgres") for name in ("email", "name")]
    observe(
        source=cast.source,
        facts=[*opened(cast.dataset), Role("ana", can_login=True), *carried_out_again(grant), *by_hand],
        at=timezone.now(),
    )
    email = by_name(who_reads(cast.dataset, cast.field("email")))["ana"]
    assert len(email.routes) == 2
    assert {told.evidence and told.evidence.grant for told in email.routes} == {grant}
    assert not any(told.is_drift for told in email.routes)
    assert by_name(who_reads(cast.dataset, cast.field("name")))["ana"].is_drift, "more than the grant lets her read"
    Grant.objects.filter(pk=grant.pk).update(masks={str(cast.field("email").pk): "hash"})
    email = by_name(who_reads(cast.dataset, cast.field("email")))["ana"]
    assert any(told.is_drift for told in email.routes), "the grant lets her read a hash"


def test_a_time_to_come_is_told_beside_what_holds_now(client: Client, cast: Cast, grant):
    client.force_login(cast.owner.user)
    for url in (
        reverse("access:readers", args=[cast.dataset.pk]),
        reverse("access:reads", args=[cast.owner.pk]),
    ):
        page = client.get(url, {"at": "2199-01-01T00:00"})
        assert page.status_code == 422
        assert "What will be readable nobody knows" in page.text
        assert 'type="datetime-local"' in page.text and "2199" not in page.text
    assert client.get(reverse("access:readers_file", args=[cast.dataset.pk]), {"at": "2199-01-01"}).status_code == 422


def test_a_column_that_was_not_granted_is_not_explained_by_the_grant(cast: Cast, grant):
    assert "ana" not in by_name(who_reads(cast.dataset, cast.field("name")))
    assert "ana" in by_name(who_reads(cast.dataset, None))


def test_a_member_of_a_managed_role_without_a_grant_is_drift(cast: Cast, grant):
    facts = [
        *opened(cast.dataset),
        Role("ana", can_login=True),
        Role("eve", can_login=True),
        *carried_out_again(grant),
    ]
    role = next(fact.name for fact in facts if isinstance(fact, Role) and fact.name.startswith("dc_"))
    observe(source=cast.source, facts=[*facts, Member(role, "eve")], at=timezone.now())
    found = by_name(who_reads(cast.dataset, cast.field("email")))
    assert found["eve"].is_drift
    assert not found["ana"].is_drift


def carried_out_again(grant: Grant):
    from access.models import ManagedObject

    ManagedObject.objects.all().delete()
    return carried_out(grant, "ana")


def test_a_grant_that_is_over_and_still_lets_through_is_told_so(cast: Cast, grant):
    Grant.objects.filter(pk=grant.pk).update(applied_at=timezone.now())
    revoke_grant(grant=grant, reason="Enough", by=cast.owner)
    (told,) = by_name(who_reads(cast.dataset, cast.field("email")))["ana"].routes
    assert told.evidence.is_over
    assert told.is_drift


def test_a_past_time_is_answered_with_what_was_seen_then_at_the_level_of_then(cast: Cast, grant):
    now = timezone.now()
    third_of_march = now - dt.timedelta(days=5)
    old = factories.dataset("old", domain=cast.domain, source=factories.source("past", of=cast.domain))
    with_eve = [*opened(old), Role("eve", can_login=True), Privilege(Right.SELECT, path_of(old), "eve")]
    observe(source=old.source, facts=with_eve, at=third_of_march)
    observe(source=old.source, facts=[one for one in with_eve if one != with_eve[-1]], at=now)
    set_level(datasets=[old], level=factories.standard_levels()["restricted"], reason="Now", by=cast.steward)
    then = who_reads(old, None, at=third_of_march + dt.timedelta(hours=1))
    assert "eve" in by_name(then)
    assert then.level is None
    assert then.observed.is_uncertain
    today = who_reads(old, None)
    assert "eve" not in by_name(today)
    assert today.level.slug == "restricted"
    assert who_reads(old, None, at=third_of_march - dt.timedelta(days=1)).observed.told_at is None


def test_a_source_that_was_never_read_says_so(cast: Cast):
    found = who_reads(cast.dataset, None)
    assert found.observed.told_at is None
    other = factories.dataset(
        "d", domain=cast.domain, source=factories.source("files", of=cast.domain, platform="duckdb")
    )
    assert not who_reads(other, None).is_known


def test_what_somebody_reads_lists_relations_with_columns_and_grants(cast: Cast, grant):
    found = what_reads(cast.analyst, asker=cast.analyst)
    (row,) = found.datasets
    assert (row.dataset, list(row.columns)) == (cast.dataset, ["email"])
    assert row.routes[0].evidence.grant == grant
    assert not found.is_partial
    assert [one.login for one in found.sources] == ["ana"]


def test_whoever_answers_for_datasets_sees_what_somebody_reads_of_those_only(cast: Cast, grant):
    elsewhere = factories.domain("Elsewhere")
    theirs = factories.dataset("theirs", domain=elsewhere, source=factories.source("elsewhere", of=elsewhere))
    login(theirs.source, cast.analyst, "ana")
    facts = [*opened(theirs), Role("ana", can_login=True), Privilege(Right.SELECT, path_of(theirs), "ana")]
    observe(source=theirs.source, facts=facts, at=timezone.now())
    assert {one.dataset for one in what_reads(cast.analyst, asker=cast.analyst).datasets} == {cast.dataset, theirs}
    seen = what_reads(cast.analyst, asker=cast.steward)
    assert {one.dataset for one in seen.datasets} == {cast.dataset}
    assert {one.source for one in seen.sources} == {cast.source}
    assert seen.is_partial


def test_answers_take_a_fixed_number_of_statements(cast: Cast, grant):
    def cost(question) -> int:
        with CaptureQueriesContext(connection) as queries:
            question()
        return len(queries)

    def person():
        return what_reads(cast.analyst, asker=cast.administrator)

    few = cost(lambda: who_reads(cast.dataset, None)), cost(person)
    more = [*opened(cast.dataset), Role("ana", can_login=True)]
    for number in range(15):
        made = factories.dataset(f"more_{number}", domain=cast.domain, source=cast.source)
        more += [*opened(made), Privilege(Right.SELECT, path_of(made), "ana")]
        more += [login(cast.source, factories.person(), f"p{number}")]
        more += [Privilege(Right.SELECT, path_of(cast.dataset), f"p{number}")]
    observe(source=cast.source, facts=more, at=timezone.now())
    assert len(who_reads(cast.dataset, None).people) == 15
    assert len(person().datasets) == 15
    assert (cost(lambda: who_reads(cast.dataset, None)), cost(person)) == few


def test_pages_and_files_say_the_same(client: Client, cast: Cast, grant):
    client.force_login(cast.owner.user)
    column = f"?column={cast.field('email').pk}"
    page = client.get(reverse("access:readers", args=[cast.dataset.pk]) + column).text
    assert f"Grant {grant.pk}" in page
    assert "Nobody approved this" in page
    assert "approved by Owen" in page
    lines = lines_of(client.get(reverse("access:readers_file", args=[cast.dataset.pk]) + column))
    assert {line["Login"] for line in lines} >= {"ana", "etl", "postgres", "reporting"}
    (ana,) = [line for line in lines if line["Login"] == "ana"]
    assert (ana["Grant"], ana["Approved by"], ana["Nobody approved this"]) == (str(grant.pk), "Owen", "no")

    client.force_login(cast.analyst.user)
    assert f"Grant {grant.pk}" in client.get(reverse("access:reads", args=[cast.analyst.pk])).text
    (mine,) = lines_of(client.get(reverse("access:reads_file", args=[cast.analyst.pk])))
    assert (mine["Columns"], mine["Grant"]) == ("email", str(grant.pk))
    assert client.get(reverse("access:reads", args=[cast.owner.pk])).status_code == 403
    assert client.get(reverse("access:readers", args=[cast.dataset.pk])).status_code == 403


def test_what_was_opened_in_an_emergency_is_told_with_its_review_and_never_as_approved(client: Client, cast: Cast):
    made = open_in_emergency(
        dataset=cast.dataset, fields=[cast.field("email")], reason="The import is down", hours=2, by=cast.analyst
    )
    privileges(made)
    page = reverse("access:readers", args=[cast.dataset.pk])
    file = reverse("access:readers_file", args=[cast.dataset.pk])
    rest = f"/api/v2/datasets/{cast.dataset.pk}/readers/"
    client.force_login(cast.owner.user)

    def told():
        (line,) = [one for one in lines_of(client.get(file)) if one["Login"] == "ana"]
        (ana,) = [one for one in client.get(rest).json()["people"] if one["login"] == "ana"]
        return client.get(page).text, line, ana["routes"][0]["evidence"]

    text, line, evidence = told()
    assert "opened by Ana in an emergency: nobody approved it; not reviewed yet" in text
    assert "by Catalog" not in text and ">Approved</span>" not in text
    assert (line["Granted by"], line["Approved by"], line["Emergency"]) == ("Ana", "", "Not reviewed yet")
    assert evidence["granted_by"]["id"] == cast.analyst.pk
    assert (evidence["emergency"]["verdict"], evidence["emergency"]["reviewed_by"]) == ("", None)

    close_emergency_review(review=made.request.review, justified=True, reason="It was down", by=cast.owner)
    text, line, evidence = told()
    assert "reviewed by Owen: it had to be" in text
    assert (line["Emergency"], line["Reviewed by"]) == ("It had to be", "Owen")
    assert (evidence["emergency"]["verdict"], evidence["emergency"]["reviewed_by"]["id"]) == (
        "justified",
        cast.owner.pk,
    )


def test_a_hostile_login_stays_text_in_a_spreadsheet(client: Client, cast: Cast):
    name = '=HYPERLINK("http://example.org")'
    facts = [*opened(cast.dataset), Role(name, can_login=True), Privilege(Right.SELECT, path_of(cast.dataset), name)]
    observe(source=cast.source, facts=facts, at=timezone.now())
    client.force_login(cast.owner.user)
    lines = lines_of(client.get(reverse("access:readers_file", args=[cast.dataset.pk])))
    assert {line["Login"] for line in lines} == {f"'{name}", "admin"}


@pytest.mark.parametrize("at", ["yesterday", "2999-01-01T00:00", "2026-13-01"])
def test_times_that_are_none_or_yet_to_come_are_refused(client: Client, cast: Cast, at: str):
    client.force_login(cast.owner.user)
    assert client.get(reverse("access:readers", args=[cast.dataset.pk]) + f"?at={at}").status_code == 422


def test_columns_of_other_datasets_are_not_found(client: Client, cast: Cast):
    other = factories.dataset("other", domain=cast.domain)
    client.force_login(cast.owner.user)
    path = reverse("access:readers", args=[cast.dataset.pk])
    assert client.get(f"{path}?column={other.fields.first().pk}").status_code == 404
    assert client.get(f"{path}?column=x").status_code == 404


def test_rest_tells_the_same(client: Client, cast: Cast, grant):
    answer = client.get(
        f"/api/v2/datasets/{cast.dataset.pk}/readers/?column={cast.field('email').pk}", headers=bearer(cast.owner)
    ).json()
    people = {one["login"]: one for one in answer["people"]}
    assert people["ana"]["routes"][0]["evidence"]["grant"] == grant.pk
    assert people["ana"]["principal"]["name"] == cast.analyst.name
    assert people["etl"]["routes"][0]["drift"]
    assert answer["new_tables"] == [{"made_by": "admin", "readable_to": "etl"}]
    mine = client.get(f"/api/v2/principals/{cast.analyst.pk}/reads/", headers=bearer(cast.analyst)).json()
    assert [one["columns"] for one in mine["relations"]] == [["email"]]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_pages_name_the_time_zone_that_a_past_time_is_read_in(client, cast, zone):
    client.force_login(cast.analyst.user)
    with timezone.override(zone):
        assert f"At ({zone}; empty: now)" in client.get(reverse("access:reads", args=[cast.analyst.pk])).text
        client.force_login(cast.owner.user)
        page = client.get(reverse("access:readers", args=[cast.dataset.pk]), {"at": "2026-03-03T12:00"})
        assert f"At ({zone}; empty: now)" in page.text and 'value="2026-03-03T12:00"' in page.text
    assert page.context["who"].at == dt.datetime(2026, 3, 3, 12, tzinfo=ZoneInfo(zone))


def finding_of(cast: Cast, grantee: str, *, key: str, **told) -> Finding:
    """What an inspection found of a login that may read the whole dataset, or as `told`."""
    fact = {"type": "Privilege", "right": "select", "path": list(path_of(cast.dataset)), "grantee": grantee}
    usual = {"kind": Finding.Kind.PRIVILEGE, "fact": fact, "dataset": cast.dataset}
    return Finding.objects.create(
        source=cast.source, key=key, sentence=f"{grantee} reads it.", grantee=grantee, **usual | told
    )


def test_what_was_accepted_names_who_when_and_why_and_is_counted_apart(client: Client, cast: Cast, grant):
    before = who_reads(cast.dataset, None)
    assert (before.drifting, before.accepted) == (3, 0)
    table = finding_of(cast, "etl", key="table")
    superuser = finding_of(
        cast,
        "postgres",
        key="superuser",
        kind=Finding.Kind.SUPERUSER,
        fact={"type": "Role", "name": "postgres", "can_login": True, "reads_all": True},
        dataset=None,
    )
    view = finding_of(
        cast,
        "reporting",
        key="view",
        kind=Finding.Kind.DEFINER_VIEW,
        fact={
            "type": "Relation", "path": ["public", "contacts"], "kind": "view", "owner": "admin",
            "reads": [list(path_of(cast.dataset))], "as_owner": True,
        },
        dataset=None,
        logins=["reporting"],
    )  # fmt: skip
    assert who_reads(cast.dataset, None).drifting == 3
    unaccepted = timezone.now()
    for finding in (table, superuser, view):
        accept_finding(finding=finding, note="The nightly load", by=cast.administrator)
    now = who_reads(cast.dataset, None)
    assert (now.drifting, now.accepted) == (0, 3)
    assert {name for name, one in by_name(now).items() if one.is_accepted} == {"etl", "postgres", "reporting"}
    told = by_name(who_reads(cast.dataset, None, at=unaccepted))["etl"].routes[0]
    assert told.acceptance is None and told.finding == table

    client.force_login(cast.owner.user)
    page = client.get(reverse("access:readers", args=[cast.dataset.pk])).text
    assert "Nobody approved this" not in page
    assert f"accepted by {cast.administrator.name}" in page and "“The nightly load”" in page
    lines = lines_of(client.get(reverse("access:readers_file", args=[cast.dataset.pk])))
    (etl,) = [line for line in lines if line["Login"] == "etl"]
    table.refresh_from_db()
    assert etl["Nobody approved this"] == "no"
    assert (etl["Accepted by"], etl["Accepted because"]) == (cast.administrator.name, "The nightly load")
    assert etl["Accepted at"] == table.resolved_at.isoformat(timespec="seconds")
    rest = client.get(f"/api/v2/datasets/{cast.dataset.pk}/readers/").json()
    (route,) = next(one for one in rest["people"] if one["login"] == "etl")["routes"]
    assert not route["drift"] and route["acceptance"]["by"]["id"] == cast.administrator.pk


def test_an_acceptance_is_of_the_very_way_and_not_of_others_of_the_same_login(cast: Cast):
    login(cast.source, cast.analyst, "ana")
    facts = [
        *opened(cast.dataset),
        Role("ana", can_login=True),
        Role("team"),
        Member("team", "ana"),
        Privilege(Right.SELECT, path_of(cast.dataset), "team"),
    ]
    observe(source=cast.source, facts=facts, at=timezone.now())
    direct = finding_of(cast, "ana", key="direct")
    accept_finding(finding=direct, note="Needed", by=cast.administrator)
    assert by_name(who_reads(cast.dataset, None))["ana"].is_drift

    of_the_team = finding_of(cast, "team", key="team")
    member = {"type": "Member", "role": "team", "member": "ana"}
    own = finding_of(cast, "ana", key="member", kind=Finding.Kind.INHERITED, fact=member)
    accept_finding(finding=of_the_team, note="A team", by=cast.administrator)
    (told,) = by_name(who_reads(cast.dataset, None))["ana"].routes
    assert told.is_drift and told.finding == own
    accept_finding(finding=own, note="Of the team", by=cast.administrator)
    assert by_name(who_reads(cast.dataset, None))["ana"].is_accepted
    assert what_reads(cast.analyst, asker=cast.analyst).datasets[0].routes[0].acceptance == own


def test_grants_in_sources_that_are_not_read_are_listed_as_recorded(client: Client, cast: Cast, grant):
    elsewhere = factories.domain("Elsewhere")
    theirs = factories.dataset("theirs", domain=elsewhere, source=factories.source("unread", of=elsewhere))
    now = timezone.now()
    recorded = Grant.objects.create(
        principal=cast.analyst,
        dataset=theirs,
        state="recorded",
        valid_from=now - dt.timedelta(days=2),
        valid_to=now + dt.timedelta(days=3),
        granted_by=cast.owner,
    )
    found = what_reads(cast.analyst, asker=cast.analyst)
    assert [one.dataset for one in found.datasets] == [cast.dataset]
    assert [one.evidence.grant for one in found.recorded] == [recorded]
    assert what_reads(cast.analyst, asker=cast.analyst, at=now - dt.timedelta(days=3)).recorded == []
    assert what_reads(cast.analyst, asker=cast.steward).recorded == []

    client.force_login(cast.analyst.user)
    page = client.get(reverse("access:reads", args=[cast.analyst.pk])).text
    assert "Grants that are recorded only" in page and f"Grant {recorded.pk}" in page
    lines = lines_of(client.get(reverse("access:reads_file", args=[cast.analyst.pk])))
    (line,) = [one for one in lines if one["Grant"] == str(recorded.pk)]
    assert (line["Reads"], line["By"], line["Source"]) == ("not known", "recorded grant", "unread")
    (row,) = client.get(f"/api/v2/principals/{cast.analyst.pk}/reads/").json()["recorded"]
    assert (row["dataset"], row["evidence"]["grant"]) == (theirs.pk, recorded.pk)


def test_whoever_has_no_login_anywhere_still_sees_their_recorded_grants(client: Client, cast: Cast):
    request = request_access(dataset=cast.dataset, fields=[], purpose="A survey", days=20, by=cast.analyst)
    made = approve_request(request=request, reason="Fine.", by=cast.owner)
    client.force_login(cast.steward.user)
    page = client.get(reverse("access:reads", args=[cast.analyst.pk])).text
    assert "No login is known" in page and f"Grant {made.pk}" in page and "approved by Owen" in page
