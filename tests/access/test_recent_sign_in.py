"""What gives others access takes a recent sign-in, or a token's own scope, and is then done as it was sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import request_access, set_enforcement
from access.inbox import count_waiting
from access.models import DatabaseLogin, Delegation, EmergencyReview, Enforcement, Grant, PolicyVersion
from access.policies.rules import Action, Effect, Rule, Subjects
from accounts.models import Principal
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source
from tests.factories import Cast, bearer, fresh, ownership, person, publish, role

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


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
    version = publish("Ours", Rule(Effect.DENY, (Action.READ,), Subjects(everyone=True)))
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
