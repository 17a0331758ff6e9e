"""Drafts, renewal, emergencies, delegations, recertification and leaving, as people do them on pages."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import (
    approve_request,
    open_in_emergency,
    publish_terms,
    request_access,
    save_draft,
    set_enforcement,
    start_campaign,
)
from access.enforcement.offering import cannot_mask
from access.inbox import count_waiting, waiting_list
from access.models import (
    AccessRequest,
    Campaign,
    DatabaseLogin,
    Delegation,
    EmergencyReview,
    Enforcement,
    Finding,
    Grant,
    Policy,
    PolicyVersion,
)
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Rule, Subjects, stored_form
from access.recertifying import Chosen
from accounts.models import Principal
from catalog.models import Proposal, Source
from catalog.proposals import digest_of
from classification.actions import set_level
from classification.models import Level
from common.errors import Forbidden, Invalid
from common.templatetags.ui import level_badge
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source
from tests.factories import Cast, bearer, dataset, field, ownership, person, role, standard_levels

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def fresh(principal: Principal) -> Principal:
    return Principal.objects.select_related("user").get(pk=principal.pk)


def form_of(cast: Cast, **query: object) -> str:
    rest = "".join(f"&{name}={value}" for name, value in query.items())
    return f"{reverse('access:request_create')}?dataset={cast.dataset.pk}{rest}"


def granted(cast: Cast, by: Principal, days: int = 20) -> Grant:
    request = request_access(dataset=cast.dataset, purpose="Look", days=days, by=by)
    grant = approve_request(request=request, by=cast.owner)
    assert grant is not None
    return grant


def policy(rule: Rule) -> PolicyVersion:
    now = timezone.now()
    return PolicyVersion.objects.create(
        policy=Policy.objects.create(slug="ours", name="Ours"), number=1, state="published", name="Ours",
        rule=stored_form(rule), valid_from=now, published_at=now,
    )  # fmt: skip


def test_a_draft_is_its_authors_alone_until_it_is_sent(client: Client, cast: Cast) -> None:
    email = cast.field("email")
    client.force_login(cast.analyst.user)
    typed = {"extent": "some", "chosen": [email.pk], "purpose": "", "days": 11, "save": "1"}
    assert client.post(form_of(cast), typed)["Location"] == reverse("access:own")
    draft = AccessRequest.objects.get()
    assert (draft.state, draft.field_ids, draft.days) == ("draft", [email.pk], 11)
    page = client.get(form_of(cast)).text
    assert f'value="{email.pk}" checked' in page and 'value="11"' in page
    for other in (cast.owner, cast.administrator):
        client.force_login(other.user)
        assert client.get(reverse("access:request", args=[draft.pk])).status_code == 404
    assert count_waiting(fresh(cast.owner)) == 0
    client.force_login(cast.analyst.user)
    client.post(form_of(cast), {"extent": "some", "chosen": [email.pk], "purpose": "A survey", "days": 11})
    draft.refresh_from_db()
    assert (draft.state, AccessRequest.objects.count()) == ("pending", 1)


def test_a_draft_can_be_thrown_away(client: Client, cast: Cast) -> None:
    draft = save_draft(dataset=cast.dataset, by=cast.analyst, purpose="Hm")
    client.force_login(cast.analyst.user)
    assert "Throw away" in client.get(reverse("access:own")).text
    client.post(reverse("access:request_cancel", args=[draft.pk]))
    assert "Throw away" not in client.get(reverse("access:own")).text


def test_near_its_end_a_grant_is_offered_for_renewal_and_the_new_one_replaces_it(client: Client, cast: Cast) -> None:
    grant = granted(cast, cast.analyst, days=90)
    client.force_login(cast.analyst.user)
    assert ">Renew" not in client.get(reverse("access:own")).text
    with time_machine.travel(grant.valid_to - dt.timedelta(days=10), tick=False):
        client.force_login(cast.analyst.user)
        assert ">Renew" in client.get(reverse("access:own")).text
        page = client.get(form_of(cast, grant=grant.pk)).text
        assert "You ask for more time" in page and "Look</textarea>" in page
        client.post(form_of(cast, grant=grant.pk), {"extent": "all", "purpose": "Still", "days": 30})
        renewal = AccessRequest.objects.pending().get()
        assert renewal.renews == grant and Grant.objects.live().get() == grant
        approve_request(request=renewal, by=cast.owner)
        grant.refresh_from_db()
        assert grant.state == "superseded" and Grant.objects.live().get().request == renewal


def test_nobody_renews_what_is_anothers(client: Client, cast: Cast) -> None:
    grant = granted(cast, cast.analyst)
    client.force_login(cast.steward.user)
    assert client.get(form_of(cast, grant=grant.pk)).status_code == 404


def test_the_form_warns_of_what_policy_will_refuse_and_does_not_send_it(client: Client, cast: Cast) -> None:
    policy(Rule(Effect.DENY, (Action.REQUEST,), Subjects(everyone=True)))
    client.force_login(cast.analyst.user)
    typed = {"extent": "all", "purpose": "Look", "days": 5}
    checked = client.post(form_of(cast), {**typed, "check": "1"})
    assert checked.status_code == 200 and "Policy will refuse this" in checked.text
    sent = client.post(form_of(cast), typed)
    assert sent.status_code == 422 and "does not let you have this" in sent.text and "Look</textarea>" in sent.text
    assert not AccessRequest.objects.exists()
    with pytest.raises(Forbidden, match="does not change that"):
        open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.analyst)


def test_what_policy_grants_at_once_names_the_version_it_rests_on(client: Client, cast: Cast) -> None:
    version = policy(Rule(Effect.ALLOW, (Action.REQUEST,), Subjects(everyone=True)))
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    grant = Grant.objects.get()
    assert (request.state, grant.request, grant.granted_by) == ("approved", request, Principal.objects.system())
    assert request.ruling is not None and request.ruling["versions"] == [version.pk]
    client.force_login(cast.owner.user)
    assert "What policy said" in client.get(reverse("access:request", args=[request.pk])).text


def test_the_form_asks_for_the_terms_of_the_data(client: Client, cast: Cast) -> None:
    terms = publish_terms(name="Rules", text="Be **careful**.", domain=cast.domain, by=cast.administrator)
    client.force_login(cast.analyst.user)
    assert "<strong>careful</strong>" in client.get(form_of(cast)).text
    typed = {"extent": "all", "purpose": "Look", "days": 5}
    refused = client.post(form_of(cast), typed)
    assert refused.status_code == 422 and "Accept “Rules”" in refused.text
    client.post(form_of(cast), {**typed, f"terms_{terms.pk}": "on"})
    assert AccessRequest.objects.get().acceptances.get().terms == terms


def sign_in_again(client: Client, location: str) -> Any:
    assert location.startswith(reverse("account_reauthenticate"))
    page = client.get(location)
    hidden = re.search(r'name="next" value="([^"]+)"', page.text)
    assert hidden is not None
    return client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": hidden[1]})


@pytest.fixture
def keeper(cast: Cast) -> Principal:
    """An owner of the dataset with a password, whose sign-in was long ago."""
    made = person("kim", password=PASSWORD)
    role(cast.domain, made, "analyst")
    ownership(cast.dataset, made)
    return made


def test_an_approval_after_a_while_asks_who_it_is_and_then_does_what_was_sent(
    client: Client, cast: Cast, keeper: Principal
) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.analyst)
    client.force_login(keeper.user)
    sent = client.post(reverse("access:request_approve", args=[request.pk]), {"days": 3, "reason": "As agreed"})
    assert not Grant.objects.exists()
    sign_in_again(client, sent["Location"])
    grant = Grant.objects.get()
    assert ((grant.valid_to - grant.valid_from).days, grant.granted_by) == (3, keeper)
    request.refresh_from_db()
    assert request.decision_reason == "As agreed"
    other = request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.outsider)
    client.post(reverse("access:request_approve", args=[other.pk]), {"days": 3})
    assert Grant.objects.count() == 2


def test_without_javascript_who_decides_comes_back_to_where_they_were(
    client: Client, cast: Cast, keeper: Principal
) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.analyst)
    client.force_login(keeper.user)
    inbox = reverse("access:inbox")
    link = re.search(rf'href="({reverse("access:request_approve", args=[request.pk])}[^"]*)"', client.get(inbox).text)
    assert link is not None
    page = client.get(link[1].replace("&amp;", "&")).text
    main = page[page.index("<main") :]
    hidden = re.search(r'<form method="post" action="([^"]+)">.*?name="next" value="([^"]+)"', main, re.DOTALL)
    assert hidden is not None and hidden[2].startswith(inbox)
    sent = client.post(hidden[1], {"days": 3, "next": hidden[2]})
    assert not Grant.objects.exists()
    assert sign_in_again(client, sent["Location"])["Location"] == hidden[2]
    assert Grant.objects.get().granted_by == keeper


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_page_that_asks_leads_nowhere_else(client: Client, cast: Cast, elsewhere: str) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.analyst)
    client.force_login(cast.owner.user)
    url = reverse("access:request_deny", args=[request.pk])
    page = client.get(url, {"next": elsewhere}).text
    assert 'name="next"' not in page and elsewhere not in page
    sent = client.post(url, {"reason": "No", "next": elsewhere})
    assert sent["Location"] == reverse("access:request", args=[request.pk])


def test_who_is_named_after_signing_in_again_is_who_was_typed(client: Client, cast: Cast) -> None:
    """The page of a login is opened with a person in its address."""
    boss = person("bea", password=PASSWORD, administrator=True)
    source = add_crawled_source(
        name="Named", address=parse_address("postgres://catalog:secret@127.0.0.1/named?sslmode=disable"), by=boss
    )
    client.force_login(boss.user)
    url = reverse("access:login_name", args=[source.pk])
    page = client.get(url, {"person": "ana"}).text
    action = re.search(r'<form method="post" action="([^"]+)">', page[page.index("<main") :])
    assert action is not None
    sent = client.post(action[1], {"person": "ana", "name": "ana_reads"})
    assert not DatabaseLogin.objects.exists()
    sign_in_again(client, sent["Location"])
    assert DatabaseLogin.objects.get().name == "ana_reads"


def test_an_emergency_asks_who_it_is_and_opens_a_review_by_somebody_else(
    client: Client, cast: Cast, keeper: Principal
) -> None:
    client.force_login(keeper.user)
    url = reverse("access:emergency_open", args=[cast.dataset.pk])
    assert "Open it now" in client.get(url).text
    sent = client.post(url, {"extent": "all", "reason": "Nightly import is down", "hours": 2})
    assert not Grant.objects.exists()
    sign_in_again(client, sent["Location"])
    review = EmergencyReview.objects.get()
    assert review.request.purpose == "Nightly import is down" and Grant.objects.live().count() == 1
    page = client.get(reverse("access:request", args=[review.request_id])).text
    assert "Opened in an emergency" in page and "Review it" not in page
    assert count_waiting(fresh(keeper)) == 0

    client.force_login(cast.owner.user)
    assert "opened" in client.get(reverse("access:inbox")).text
    closed = client.post(
        reverse("access:emergency_review", args=[review.pk]), {"verdict": "misused", "reason": "It was up"}, follow=True
    )
    assert "It was up" in closed.text and not Grant.objects.live().exists()


def test_the_inbox_is_one_list_of_every_kind_and_its_count(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.outsider)
    open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.analyst)
    payload = {"text": "People"}
    Proposal.objects.create(
        dataset=cast.dataset, kind="description", payload=payload, digest=digest_of(payload), at=timezone.now()
    )
    steward = fresh(cast.steward)
    found = waiting_list(steward)
    assert sorted(item.kind for item in found) == ["emergency", "proposal", "recertification", "request"]
    assert [item.due for item in found if item.due] == sorted(item.due for item in found if item.due)
    assert count_waiting(fresh(cast.steward)) == 4 and count_waiting(fresh(cast.outsider)) == 0
    client.force_login(cast.steward.user)
    page = client.get(reverse("access:inbox")).text
    for item in found:
        assert f'id="{item.anchor}"' in page
    assert page.count("data-inbox-item") == 4


def test_a_grant_is_confirmed_in_the_inbox(client: Client, cast: Cast) -> None:
    grant = granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    (item,) = waiting_list(fresh(cast.steward))
    client.force_login(cast.steward.user)
    answer = client.post(
        reverse("access:campaign", args=[Campaign.objects.get().pk]),
        {"item": item.id, "action": "keep", "next": reverse("access:inbox")},
    )
    assert answer["Location"] == reverse("access:inbox")
    assert grant.recertifications.get().outcome == "kept" and not waiting_list(fresh(cast.steward))


def test_a_campaign_begins_only_after_a_look_at_what_it_holds(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    client.force_login(cast.administrator.user)
    url = reverse("access:campaign_add")
    day = (timezone.localdate() + dt.timedelta(days=14)).isoformat()
    looked = client.post(url, {"name": "Spring", "last_day": day, "look": "1"}).text
    assert "1 grant." in looked and "Begin it" in looked and not Campaign.objects.exists()
    client.post(url, {"name": "Spring", "last_day": day, "start": "1"})
    campaign = Campaign.objects.get()
    page = client.get(reverse("access:campaign", args=[campaign.pk])).text
    assert "Ana" in page and "Keep</button>" not in page
    client.post(reverse("access:campaign_stop", args=[campaign.pk]), {"reason": "Too early"})
    campaign.refresh_from_db()
    assert not campaign.is_open


def test_a_campaign_shows_levels_as_other_pages_do(client: Client, cast: Cast) -> None:
    levels = standard_levels()
    set_level(fields=[cast.field("email")], level=levels["restricted"], reason="Names people", by=cast.steward)
    granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    client.force_login(cast.steward.user)
    url = reverse("access:campaign", args=[Campaign.objects.get().pk])
    assert level_badge(levels["restricted"]) in client.get(url).text
    Level.objects.filter(pk=levels["restricted"].pk).update(name="Secret")
    page = client.get(url).text
    assert '<td data-label="Level">Restricted</td>' in page, "what it was called when the campaign began"


def test_an_owner_lets_somebody_decide_and_takes_it_back(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner.user)
    url = reverse("access:delegations")
    day = (timezone.localdate() + dt.timedelta(days=3)).isoformat()
    typed = {"receiver": "otto", "first_day": timezone.localdate().isoformat(), "last_day": day}
    assert "Nobody with an open account" in client.post(url, {**typed, "receiver": "nobody"}).text
    client.post(url, {**typed, "reason": "On leave"})
    made = Delegation.objects.get()
    assert (made.giver, made.receiver, made.holds) == (cast.owner, cast.outsider, True)
    assert "On leave" in client.get(url).text
    client.post(reverse("access:delegation_end", args=[made.pk]))
    made.refresh_from_db()
    assert made.is_over
    client.force_login(cast.analyst.user)
    assert "On leave" not in client.get(url).text


def test_an_administrator_sees_what_somebody_holds_and_ends_it_all(client: Client, cast: Cast) -> None:
    granted(cast, cast.analyst)
    client.force_login(cast.administrator.user)
    assert "ana" in client.get(reverse("access:people"), {"q": "ana"}).text
    url = reverse("access:person", args=[cast.analyst.pk])
    assert "users" in client.get(url).text
    done = client.post(url, {"reason": "Left on Friday"}, follow=True).text
    assert "lost 1 grants" in done and "Closed" in done
    assert not Grant.objects.live().exists()


def test_hidden_datasets_are_no_emergency(client: Client, cast: Cast) -> None:
    client.force_login(cast.outsider.user)
    assert client.get(reverse("access:emergency_open", args=[cast.dataset.pk])).status_code == 403
    elsewhere = dataset("elsewhere")
    assert client.get(reverse("access:emergency_open", args=[elsewhere.pk + 99])).status_code == 404


def test_a_form_offers_only_what_the_source_can_carry_out(client: Client, cast: Cast) -> None:
    nested = field(cast.dataset, "payload.author", position=9)
    client.force_login(cast.analyst.user)
    assert "payload.author" in client.get(form_of(cast)).text
    Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    page = client.get(form_of(cast)).text
    assert "payload.author" not in page and "The source does not know you yet" in page
    with pytest.raises(Invalid, match="Ask for payload"):
        request_access(dataset=cast.dataset, fields=[nested], purpose="Look", days=5, by=cast.analyst)
    DatabaseLogin.objects.create(source=cast.source, principal=cast.analyst, name="ana", set_by=cast.administrator)
    assert "does not know you" not in client.get(form_of(cast)).text


def test_a_source_that_cannot_mask_is_not_asked_to(client: Client, cast: Cast) -> None:
    email = cast.field("email")
    whole = {"dataset": cast.dataset, "purpose": "Look", "days": 5}
    enforcement = Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    masks = (MaskOf(Mask.HASH, Columns(fields=(email.pk,))),)
    policy(Rule(Effect.RESTRICT, (Action.READ,), Subjects(everyone=True), masks=masks))
    request = request_access(**whole, by=cast.analyst)
    client.force_login(cast.steward.user)
    assert "come masked" in client.get(form_of(cast)).text

    enforcement.profile = "grant_only"
    enforcement.save()
    page = client.get(form_of(cast)).text
    assert "<code>email</code>, and the source cannot show columns masked" in page and "come masked" not in page
    with pytest.raises(Invalid, match="Policy masks some columns, and the source cannot"):
        request_access(**whole, by=cast.steward)
    with pytest.raises(Invalid, match="Policy masks email, and the source cannot"):
        request_access(**whole, fields=[email], by=cast.steward)
    with pytest.raises(Invalid, match="the source cannot"):
        open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.steward)
    assert request_access(**whole, fields=[cast.field("id")], by=cast.steward).is_pending
    client.force_login(cast.owner.user)
    assert "this cannot be approved" in client.get(reverse("access:request", args=[request.pk])).text
    with pytest.raises(Invalid, match="the source cannot"):
        approve_request(request=request, by=cast.owner)

    enforcement.profile, enforcement.mode = "grant_only", "dry_run"
    enforcement.save()
    assert approve_request(request=request, by=cast.owner) is not None


@pytest.mark.parametrize(("version", "can"), [("8.0.36", False), ("10.11.6-MariaDB", True), ("", True)])
def test_mysql_masks_nothing_whatever_its_profile(cast: Cast, version: str, can: bool) -> None:
    Source.objects.filter(pk=cast.source.pk).update(platform="mysql")
    Enforcement.objects.create(source=cast.source, mode="automatic", version=version, changed_by=cast.administrator)
    assert cannot_mask(cast.dataset) is not can


def test_requester_and_approver_are_told_that_a_source_gives_every_row(client: Client, cast: Cast) -> None:
    policy(Rule(Effect.RESTRICT, (Action.READ,), Subjects(everyone=True), row_filter="region = 'AU'"))
    told = "Policy “Ours” (version 1) would show only some rows; the source gives whoever is granted this all of them."
    client.force_login(cast.analyst.user)
    assert told not in client.get(form_of(cast)).text
    Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    assert told in client.get(form_of(cast)).text
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    client.force_login(cast.owner.user)
    assert told in client.get(reverse("access:request", args=[request.pk])).text


def test_in_rest_an_approval_takes_the_scope_or_a_recent_sign_in(client: Client, cast: Cast, keeper: Principal) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.analyst)
    url = reverse("access-request-approve", args=[request.pk])
    body = {"data": {}, "content_type": "application/json"}
    narrow = {**bearer(keeper, "catalog:read", "catalog:write"), "If-Match": "*"}
    refused = client.post(url, headers=narrow, **body)
    assert refused.status_code == 403 and "access:approve" in refused.json()["detail"]
    client.force_login(keeper.user)
    stale = client.post(url, headers={"If-Match": "*"}, **body)
    assert stale.status_code == 403 and "too long ago" in stale.json()["detail"]
    assert not Grant.objects.exists()
    wide = {**bearer(keeper, "catalog:write", "access:approve"), "If-Match": "*"}
    assert Client().post(url, headers=wide, **body).status_code == 200
    assert Grant.objects.get().granted_by == keeper


def test_only_who_has_just_signed_in_puts_the_scope_on_a_token(client: Client, keeper: Principal) -> None:
    client.force_login(keeper.user)
    typed = {"name": "robot", "scopes": ["access:approve"], "days": "30"}
    sent = client.post(reverse("accounts:token_add"), typed)
    assert not keeper.tokens.exists()
    sign_in_again(client, sent["Location"])
    assert keeper.tokens.get().scopes == ["access:approve"]


@pytest.mark.parametrize(
    ("method", "route", "parts"),
    [
        ("POST", "delegation-list", []),
        ("POST", "policy-publish", [1]),
        ("POST", "policy-end", [1]),
        ("POST", "finding-adopt", [1]),
        ("POST", "enforcement-confirm", [1]),
        ("PATCH", "enforcement-detail", [1]),
        ("POST", "database-login-list", []),
        ("DELETE", "database-login-detail", [1]),
    ],
)
def test_in_rest_what_gives_others_access_takes_the_scope_or_a_recent_sign_in(
    client: Client, keeper: Principal, method: str, route: str, parts: list[int]
) -> None:
    url = reverse(route, args=parts)
    narrow = bearer(keeper, "catalog:read", "catalog:write")
    refused = client.generic(method, url, b"{}", "application/json", headers=narrow)
    assert refused.status_code == 403 and "access:approve" in refused.json()["detail"]
    client.force_login(keeper.user)
    stale = client.generic(method, url, b"{}", "application/json")
    assert stale.status_code == 403 and "too long ago" in stale.json()["detail"]


@pytest.fixture
def boss() -> Principal:
    """An administrator with a password, whose sign-in was long ago."""
    return person("bo", password=PASSWORD, administrator=True)


def test_the_end_of_a_policy_waits_for_a_recent_sign_in(client: Client, boss: Principal) -> None:
    version = policy(Rule(Effect.DENY, (Action.READ,), Subjects(everyone=True)))
    client.force_login(boss.user)
    sent = client.post(reverse("access:policy_end", args=[version.policy_id]), {"reason": "It was wrong."})
    assert PolicyVersion.objects.in_force().filter(pk=version.pk).exists()
    sign_in_again(client, sent["Location"])
    assert not PolicyVersion.objects.in_force().filter(pk=version.pk).exists()


def test_the_setting_of_enforcement_waits_for_a_recent_sign_in(client: Client, boss: Principal) -> None:
    address = parse_address("postgres://catalog:secret@127.0.0.1:5432/sales")
    source = add_crawled_source(name="Sales", address=address, by=boss)
    set_enforcement(source=source, mode="dry_run", by=boss)
    client.force_login(boss.user)
    url = reverse("access:enforcement_settings", args=[source.pk])
    typed = client.get(url).context["form"].initial | {"mode": "automatic", "revoke_limit": 500}
    sent = client.post(url, typed)
    assert Enforcement.objects.get().mode == "dry_run"
    sign_in_again(client, sent["Location"])
    assert (Enforcement.objects.get().mode, Enforcement.objects.get().revoke_limit) == ("automatic", 500)


def test_a_delegation_waits_for_a_recent_sign_in_and_is_then_made(
    client: Client, cast: Cast, keeper: Principal
) -> None:
    client.force_login(keeper.user)
    today = timezone.localdate()
    typed = {"receiver": cast.steward.user.username, "first_day": today, "last_day": today, "reason": "Leave"}
    sent = client.post(reverse("access:delegations"), typed)
    assert not Delegation.objects.exists()
    sign_in_again(client, sent["Location"])
    assert Delegation.objects.get().receiver == cast.steward


def test_every_line_of_the_inbox_has_the_level_of_what_it_is_about(client: Client, cast: Cast) -> None:
    levels = standard_levels()
    boss = person()
    role(cast.domain, boss, "owner")
    email = cast.field("email")
    set_level(fields=[cast.field("id")], level=levels["internal"], reason="Ours", by=cast.steward)
    set_level(fields=[email], level=levels["restricted"], reason="Names people", by=cast.steward)
    granted(cast, cast.analyst)
    start_campaign(name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=9), by=cast.administrator)
    request_access(dataset=cast.dataset, fields=[cast.field("id")], purpose="Look", days=9, by=cast.analyst)
    open_in_emergency(dataset=cast.dataset, fields=[email], reason="Down", hours=1, by=cast.analyst)
    payload = {"text": "People"}
    Proposal.objects.create(
        dataset=cast.dataset, kind="description", payload=payload, digest=digest_of(payload), at=timezone.now()
    )
    for number, columns in enumerate(([], ["email"], ["id"])):
        Finding.objects.create(
            source=cast.source, dataset=cast.dataset, kind=Finding.Kind.PRIVILEGE, key=f"k{number}", columns=columns,
            sentence=f"etl reads {columns}", grantee="etl",
        )  # fmt: skip
    found = waiting_list(fresh(boss))
    told = {(item.kind, item.sentence): item.level.name for item in found if item.level}
    assert len(told) == 7
    # A dataset has the highest level of its columns.
    for (kind, sentence), level in told.items():
        assert level == ("Internal" if kind == "request" or "['id']" in sentence else "Restricted"), sentence
    client.force_login(boss.user)
    page = client.get(reverse("access:inbox")).text
    cells = re.findall(r'<td data-label="Level">(.*?)</td>', page, re.S)
    assert len(cells) == 7 and all("dc-level" in cell for cell in cells)
    assert page.count("Not approved") == 3 and page.count("Emergency</span>") == 1
