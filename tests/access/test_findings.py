"""What a source allows and nobody approved: who reads it, in whose inbox it waits, and who may do what about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from access.actions import accept_finding, adopt_finding
from access.enforcement.drift import _write
from access.enforcement.queries import enforced_sources, finding_rows, readable_sources
from access.inbox import count_waiting, waiting_list
from access.models import DatabaseLogin, Finding, Grant, Reconciliation
from access.permissions import can_explain, can_see_enforcement, check_can_accept, check_can_adopt
from access.policy import may_review
from access.provisioning.desired import Inspection, Ours, Rules
from access.provisioning.drift import Drift, drifts
from access.provisioning.facts import (
    PUBLIC,
    AnyFact,
    DefaultPrivilege,
    Privilege,
    Relation,
    RelationKind,
    Right,
)
from access.reviewing import answerable_for, reviewer_of
from accounts.models import Principal
from catalog.models import Source
from common.errors import CatalogError, Conflict, Forbidden
from tests.factories import Cast, bearer, dataset, domain, fresh, ownership, person, pipeline, role, source
from tests.thoroughness import examples

REMEDY = 'REVOKE SELECT ON TABLE "public"."users" FROM "otto"'


def found(cast: Cast, reader: Principal | None, kind: str = Finding.Kind.PRIVILEGE, key: str = "1") -> Finding:
    """The reader may read email of the cast's dataset; without one, everybody reads it."""
    return Finding.objects.create(
        source=cast.source,
        kind=kind,
        key=key,
        sentence=f"{reader or 'everybody'} may read email of public.users.",
        principal=reader,
        dataset=cast.dataset,
        columns=["email"],
        remedy=[REMEDY],
    )


def named_once(where: Source, holder: Principal, name: str) -> None:
    """It was the holder's login there, and is so no more."""
    DatabaseLogin.objects.create(
        source=where, principal=holder, name=name, set_by=holder, valid_from="2026-01-01T00:00Z",
        valid_to="2026-02-01T00:00Z",
    )  # fmt: skip


def allows(check: Callable[[Principal, Finding], object], by: Principal, finding: Finding) -> bool:
    try:
        check(by, finding)
    except CatalogError:
        return False
    return True


@pytest.fixture
def master(cast: Cast) -> Principal:
    """An owner of the source's domain."""
    made = person("mona")
    role(cast.domain, made, "owner")
    return made


class JudgedByWhom(TestCase):
    """A finding of each kind about each of three people with any roles, one of them perhaps an administrator."""

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        held=st.tuples(*[st.frozensets(st.sampled_from(["owner", "steward", "analyst", "dataset owner"]))] * 3),
        administrator=st.integers(0, 3),
        closed=st.integers(0, 3),
        elsewhere=st.booleans(),
        once=st.integers(0, 3),
    )
    def test_the_condition_and_the_rows_agree(
        self, held: tuple[frozenset[str], ...], administrator: int, closed: int, elsewhere: bool, once: int
    ) -> None:
        place = domain()
        where = source(of=place)
        table = dataset(domain=domain() if elsewhere else place, source=where)
        people = [person(administrator=number == administrator) for number in range(3)]
        for each, roles in zip(people, held, strict=True):
            for name in roles - {"dataset owner"}:
                role(place, each, name)
            if "dataset owner" in roles:
                ownership(table, each)
        if closed < 3:
            people[closed].user.is_active = False
            people[closed].user.save()
        if once < 3:
            named_once(where, people[once], "once")
        for number, kind in enumerate(Finding.Kind.values):
            for about in (*people, None):
                Finding.objects.create(
                    source=where, kind=kind, key=f"{number}{about and about.pk}", sentence="It reads.", principal=about,
                    dataset=table if number % 2 == 0 else None, logins=["once", "another"][number % 3 :],
                )  # fmt: skip
        Finding.objects.create(
            source=where, kind="privilege", key="0", sentence="It reads.", principal=people[0], dataset=table,
            resolution="gone", resolved_at="2026-01-01T00:00Z",
        )  # fmt: skip
        for each in [*people, pipeline(), person()]:
            reader = fresh(each)
            sees = can_see_enforcement(reader, where)
            assert sees == readable_sources(reader).filter(pk=where.pk).exists()
            every = list(Finding.objects.filter(source=where).select_related("source", "dataset", "principal__user"))
            shown = set(Finding.objects.filter(source=where).visible_to(reader))
            if sees:
                assert shown == set(every)
            rows = {row.finding: row for row in finding_rows(every, reader)}
            for one in every:
                # Who may judge sees it listed, and what is offered is what is taken.
                adopts, accepts = allows(check_can_adopt, reader, one), allows(check_can_accept, reader, one)
                assert (rows[one].may_adopt, rows[one].may_accept) == (adopts, accepts), held
                assert one in shown or not (adopts or accepts), held
                if one in shown and not sees:
                    assert one.is_adoptable and can_explain(reader, table)
                if one.is_adoptable and one not in Finding.objects.about(reader):
                    answerable = answerable_for([table])[table.pk]
                    decision = may_review(
                        reviewer_of(reader), requester_id=one.principal_id or 0, answerable=answerable
                    )
                    assert adopts == decision.allowed, held
            may = {one for one in every if not one.resolution and (rows[one].may_adopt or rows[one].may_accept)}
            listed = set(Finding.objects.filter(source=where).judgeable_by(reader))
            assert listed == (may if reader.is_active and reader.kind == "person" else set()), held


pytestmark = pytest.mark.django_db


def test_a_finding_waits_for_whoever_may_judge_it_and_for_nobody_else(cast: Cast, master: Principal) -> None:
    privilege = found(cast, cast.outsider)
    everybody = found(cast, None, Finding.Kind.PUBLIC, key="2")
    role(cast.domain, cast.outsider, "owner")
    waits = {
        each.name: {item.id for item in waiting_list(fresh(each))}
        for each in (cast.administrator, master, cast.steward, cast.owner, cast.analyst, cast.outsider)
    }
    both = {privilege.pk, everybody.pk}
    assert waits == {
        cast.administrator.name: both,
        master.name: both,
        cast.steward.name: {privilege.pk},
        cast.owner.name: {privilege.pk},
        cast.analyst.name: set(),
        cast.outsider.name: {everybody.pk},
    }
    for each in (cast.administrator, master, cast.steward, cast.owner, cast.outsider):
        assert count_waiting(fresh(each)) == len(waits[each.name])


def test_the_inbox_adopts_accepts_and_shows_the_revoke(client: Client, cast: Cast, master: Principal) -> None:
    privilege, everybody = found(cast, cast.outsider), found(cast, None, Finding.Kind.PUBLIC, key="2")
    client.force_login(master.user)
    page = client.get(reverse("access:inbox")).text
    assert page.count("data-inbox-item") == 2 and page.count("Show the statements that end it") == 2
    assert "REVOKE SELECT ON TABLE" in page
    assert f'href="{reverse("access:finding_adopt", args=[privilege.pk])}?next=' in page
    assert reverse("access:finding_adopt", args=[everybody.pk]) not in page
    adopted = client.post(
        reverse("access:finding_adopt", args=[privilege.pk]),
        {"days": 5, "note": "The nightly report", "next": reverse("access:inbox")},
    )
    assert adopted["Location"] == reverse("access:inbox")
    assert Grant.objects.get().principal == cast.outsider
    accepted = client.post(
        reverse("access:finding_accept", args=[everybody.pk]), {"note": "It is open", "next": reverse("access:inbox")}
    )
    assert accepted["Location"] == reverse("access:inbox")
    assert waiting_list(fresh(master)) == []
    for name, finding, word in (("adopt", privilege, "adopted as a grant"), ("accept", everybody, "accepted as it is")):
        late = client.get(reverse(f"access:finding_{name}", args=[finding.pk]), follow=True)
        assert f"is closed: {word}, by {master}." in late.text, "a page that was left open, or an old link"


def test_home_and_the_navigation_tell_of_a_finding(client: Client, cast: Cast) -> None:
    finding = found(cast, cast.outsider)
    client.force_login(cast.steward.user)
    page = client.get(reverse("portal:home")).text
    assert f"Nobody approved this in ontrack: {finding.sentence}" in page
    link = f"{reverse('access:enforcement', args=[cast.source.pk])}#finding-{finding.pk}"
    assert f'href="{link}"' in page
    assert f'id="finding-{finding.pk}"' in client.get(link).text


def test_rest_lists_what_waits(client: Client, cast: Cast) -> None:
    privilege, everybody = found(cast, cast.outsider), found(cast, None, Finding.Kind.PUBLIC, key="2")

    def ids(reader: Principal, query: str = "") -> set[int]:
        answer = Client().get(f"{reverse('finding-list')}{query}", headers=bearer(reader))
        assert answer.status_code == 200, answer.text
        return {row["id"] for row in answer.json()["results"]}

    both = {privilege.pk, everybody.pk}
    assert ids(cast.steward) == both and ids(cast.steward, "?role=reviewer") == {privilege.pk}
    assert ids(cast.administrator, "?role=reviewer") == both and ids(cast.analyst) == set()
    assert ids(cast.owner) == ids(cast.owner, "?role=reviewer") == {privilege.pk}
    elsewhere = source()
    Finding.objects.filter(pk=everybody.pk).update(source=elsewhere)
    assert ids(cast.administrator, f"?source={elsewhere.pk}&open=true") == {everybody.pk}
    assert ids(cast.administrator, "?open=false") == set()


def test_a_steward_of_the_domain_reads_the_enforcement_and_changes_nothing(
    client: Client, cast: Cast, master: Principal
) -> None:
    found(cast, None, Finding.Kind.PUBLIC)
    Reconciliation.objects.create(
        source=cast.source, state=Reconciliation.State.WAITING, fence=1, plan_hash="0" * 64, steps=1
    )
    url = reverse("access:enforcement", args=[cast.source.pk])
    buttons = ("Settings", "Carry it out", "Accept<", "Name a login")
    client.force_login(cast.steward.user)
    page = client.get(url)
    assert page.status_code == 200 and "everybody may read email" in page.text and "REVOKE SELECT" in page.text
    assert not [button for button in buttons if button in page.text]
    for name in ("enforcement_settings", "login_name"):
        assert client.get(reverse(f"access:{name}", args=[cast.source.pk])).status_code == 403
    assert client.post(reverse("access:enforcement_compare", args=[cast.source.pk])).status_code == 403
    client.force_login(master.user)
    page = client.get(url)
    assert [button for button in buttons if button in page.text] == list(buttons)
    for other in (cast.analyst, cast.owner):
        client.force_login(other.user)
        assert client.get(url).status_code == 403


def test_owners_of_the_dataset_alone_find_what_they_may_adopt_and_adopt_it(client: Client, cast: Cast) -> None:
    """Without a role on the source's domain: the source's page stays closed to them, the decision is theirs."""
    finding, closed = found(cast, cast.outsider), found(cast, None, Finding.Kind.PUBLIC, key="2")
    client.force_login(cast.owner.user)
    assert client.get(reverse("access:enforcement", args=[cast.source.pk])).status_code == 403
    page = client.get(reverse("access:inbox")).text
    readers = reverse("access:readers", args=[cast.dataset.pk])
    assert page.count("data-inbox-item") == 1 and f'href="{readers}"' in page and finding.sentence in page
    assert client.get(readers).status_code == 200
    url = reverse("access:finding_adopt", args=[finding.pk])
    assert finding.sentence in client.get(url).text
    adopted = client.post(url, {"days": 5, "note": "The nightly report"})
    assert adopted["Location"] == reverse("access:inbox") and Grant.objects.get().granted_by == cast.owner
    for one, name in ((finding, "accept"), (closed, "accept"), (closed, "adopt")):
        assert client.get(reverse(f"access:finding_{name}", args=[one.pk])).status_code == 403
        body = {"note": "Fine"} if name == "accept" else {"days": 5, "note": "Fine"}
        rest = reverse(f"finding-{name}", args=[one.pk])
        answer = Client().post(rest, body, "application/json", headers=bearer(cast.owner))
        assert answer.status_code == (403 if one == finding else 404)


def test_sources_of_other_domains_are_not_read(cast: Cast) -> None:
    source("elsewhere", of=domain())
    assert set(readable_sources(fresh(cast.steward))) == {cast.source}
    assert set(readable_sources(fresh(cast.administrator))) == set(Source.objects.all())
    assert not enforced_sources(fresh(cast.steward)).exists(), "it has no connection"


def test_nobody_judges_what_they_can_read_themselves(cast: Cast, master: Principal) -> None:
    finding = found(cast, master)
    with pytest.raises(Forbidden, match="read yourself"):
        accept_finding(finding=finding, note="Fine", by=master)
    with pytest.raises(Forbidden, match="whatever your roles"):
        adopt_finding(finding=finding, days=5, note="Fine", by=master)
    accept_finding(finding=finding, note="Fine", by=cast.administrator)
    assert Finding.objects.get().resolution == "accepted"


def test_nobody_judges_what_a_login_reads_that_was_once_theirs(client: Client, cast: Cast, master: Principal) -> None:
    """Whoever it is named for now, with or without others who read by the same."""
    finding = found(cast, None, Finding.Kind.DEFINER_VIEW)
    adoptable = found(cast, cast.outsider, key="2")
    Finding.objects.update(logins=["mona", "otto"])
    named_once(source(), cast.administrator, "mona")
    named_once(cast.source, master, "mona")
    for one in (finding, adoptable):
        with pytest.raises(Forbidden, match="a login that was yours"):
            accept_finding(finding=one, note="Fine", by=master)
    with pytest.raises(Forbidden, match="whatever your roles"):
        adopt_finding(finding=adoptable, days=5, note="Fine", by=master)
    assert waiting_list(fresh(master)) == []
    client.force_login(master.user)
    page = client.get(reverse("access:enforcement", args=[cast.source.pk])).text
    assert finding.sentence in page and "Adopt as a grant" not in page and "finding_accept" not in page
    assert reverse("access:finding_accept", args=[finding.pk]) not in page
    assert {item.id for item in waiting_list(fresh(cast.administrator))} == {finding.pk, adoptable.pk}
    accept_finding(finding=finding, note="Fine", by=cast.administrator)


def test_what_opened_again_shows_what_was_said_before(client: Client, cast: Cast) -> None:
    finding = found(cast, cast.outsider)
    accept_finding(finding=finding, note="The nightly report", by=cast.administrator)
    Finding.objects.update(resolution="", resolved_at=None)
    client.force_login(cast.steward.user)
    page = client.get(reverse("access:enforcement", args=[cast.source.pk])).text
    assert f"judged before: “The nightly report”, {cast.administrator.name}" in page


def test_findings_are_written_with_as_many_statements_for_many_as_for_few(cast: Cast) -> None:
    """Of each fate some: new, told otherwise, opened again, gone."""

    def written(count: int) -> int:
        Finding.objects.all().delete()
        now = timezone.now()
        kept = [
            Finding(
                source=cast.source, kind="privilege", key=f"{fate}{number}", sentence="It read.", resolution=resolution,
                resolved_at=now if resolution else None,
            )
            for number in range(count)
            for fate, resolution in (("told", ""), ("adopted", "adopted"), ("gone", "accepted"))
        ]  # fmt: skip
        Finding.objects.bulk_create(kept)
        seen = [
            Finding(source=cast.source, kind="privilege", key=f"{fate}{number}", sentence="It reads.")
            for number in range(count)
            for fate in ("told", "adopted", "new")
        ]
        with CaptureQueriesContext(connection) as queries:
            _write(cast.source, seen, {finding.key for finding in seen})
        stood = set(Finding.objects.values_list("key", "resolution", "sentence"))
        for fate, resolution, sentence in (
            ("told", "", "It reads."), ("adopted", "", "It reads."), ("new", "", "It reads."), ("gone", "gone", "It read."),
        ):  # fmt: skip
            assert (f"{fate}{count - 1}", resolution, sentence) in stood
        return len(queries)

    with transaction.atomic():
        Principal.objects.system()
        assert written(1) == written(7)


def inspected(*facts: AnyFact) -> list[Drift]:
    return drifts(
        Inspection("catalog", frozenset(facts)), [("s", f"t{number}") for number in range(8)], [], Rules(), Ours()
    )


def test_the_same_facts_are_told_in_the_same_words() -> None:
    """Of what several gave, whom the finding names does not hang on the order of a set."""
    rights = [
        Privilege(Right.SELECT, ("s", f"t{number}"), "otto", grantor=grantor)
        for number in range(8)
        for grantor in ("ann", "bea", "zoe")
    ]
    assert {one.fact.grantor for one in inspected(*rights) if isinstance(one.fact, Privilege)} == {"zoe"}
    creators = [f"creator {number}" for number in range(8)]
    born = [
        one.sentence for one in inspected(*[DefaultPrivilege(name, Right.SELECT, "otto", ("s",)) for name in creators])
    ]
    assert born == sorted(born) and len(born) == 8


def test_a_finding_of_a_view_names_each_login_that_reads_by_it() -> None:
    view, base = ("s", "leak"), ("s", "t0")
    readers = [Privilege(Right.SELECT, view, grantee, grantor="dba") for grantee in ("otto", PUBLIC, "ana")]
    facts = [Relation(view, RelationKind.VIEW, "dba", reads=(base,), as_owner=True), *readers]
    (one,) = [one for one in inspected(*facts) if one.kind == "definer_view"]
    assert (one.grantee, one.readers) == ("ana, everybody, otto", ("ana", "otto"))


def test_only_what_one_person_reads_of_one_dataset_is_adopted(client: Client, cast: Cast) -> None:
    finding = found(cast, cast.outsider, Finding.Kind.SUPERUSER)
    with pytest.raises(Conflict, match="Show the statements"):
        adopt_finding(finding=finding, days=5, note="Fine", by=cast.steward)
    client.force_login(cast.steward.user)
    assert client.get(reverse("access:finding_adopt", args=[finding.pk])).status_code == 409
    assert waiting_list(fresh(cast.steward)) == []
