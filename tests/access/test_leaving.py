"""A leaver loses everything: sessions, tokens, grants, delegations, open requests (OWASP ASVS 5.0, 7.4.2)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import (
    approve_request,
    deactivate_person,
    delegate_decisions,
    request_access,
    save_draft,
    take_from_the_closed,
)
from access.leaving import closed_with_access, leaving_of
from access.models import AccessRequest, Delegation, Grant
from accounts.actions import reopen_account
from accounts.models import ApiToken, Principal
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, bearer, dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def laden(cast: Cast) -> tuple[Client, dict[str, str]]:
    """The analyst with something of everything: a browser, a token, a grant, delegations, a request and a draft."""
    browser = Client()
    browser.force_login(cast.analyst.user)
    assert browser.get(reverse("access:inbox")).status_code == 200
    headers = bearer(cast.analyst)
    asked = request_access(dataset=cast.dataset, purpose="Look", days=9, by=cast.analyst)
    approve_request(request=asked, by=cast.owner)
    request_access(dataset=dataset(domain=cast.domain), purpose="Look", days=9, by=cast.analyst)
    save_draft(dataset=dataset(domain=cast.domain), by=cast.analyst)
    now = timezone.now()
    for giver, receiver in ((cast.analyst, cast.steward), (cast.steward, cast.analyst)):
        delegate_decisions(
            giver=giver, receiver=receiver, valid_from=now, valid_to=now + dt.timedelta(days=3), by=giver
        )
    return browser, headers


def assert_nothing_is_left(cast: Cast, laden: tuple[Client, dict[str, str]]) -> None:
    browser, headers = laden
    assert browser.get(reverse("access:inbox")).status_code == 302
    assert Client().get(reverse("grant-list"), headers=headers).status_code == 401
    assert not Session.objects.exists() and not ApiToken.objects.filter(revoked_at=None).exists()
    assert not Grant.objects.live().exists()
    assert not Delegation.objects.holding().exists()
    assert not AccessRequest.objects.filter(state__in=["draft", "pending"]).exists()
    assert not closed_with_access().exists()


def test_one_action_takes_everything_and_its_preview_says_what(cast: Cast, laden) -> None:
    preview = leaving_of(cast.analyst)
    assert (preview.sessions, len(preview.tokens), preview.grant_count) == (1, 1, 1)
    assert (len(preview.delegations), len(preview.requests)) == (2, 1)
    left = deactivate_person(person=cast.analyst, reason="Left on Friday", by=cast.administrator)
    assert (left.grants, left.delegations, left.requests) == (1, 2, 2)
    assert_nothing_is_left(cast, laden)


def test_an_account_closed_elsewhere_loses_everything_by_itself(cast: Cast, laden) -> None:
    user = cast.analyst.user
    user.is_active = False
    user.save()
    system = Principal.objects.system()
    assert take_from_the_closed(by=system) == 1
    assert take_from_the_closed(by=system) == 0
    assert_nothing_is_left(cast, laden)


def test_what_nobody_else_owns_is_named_before(cast: Cast) -> None:
    assert [one.name for one in leaving_of(cast.owner).orphaned] == ["users"]


def test_nothing_comes_back_with_the_account(cast: Cast, laden) -> None:
    deactivate_person(person=cast.analyst, reason="Left", by=cast.administrator)
    reopen_account(person=Principal.objects.get(pk=cast.analyst.pk), by=cast.administrator)
    assert laden[0].get(reverse("access:inbox")).status_code == 302
    assert not Grant.objects.live().exists()


def test_only_administrators_close_accounts_and_never_their_own(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        deactivate_person(person=cast.analyst, reason="Out", by=cast.steward)
    with pytest.raises(Conflict, match="your own"):
        deactivate_person(person=cast.administrator, reason="Out", by=cast.administrator)
    with pytest.raises(Invalid):
        deactivate_person(person=cast.analyst, reason=" ", by=cast.administrator)
    with pytest.raises(Conflict, match="last administrator"):
        deactivate_person(person=cast.administrator, reason="Out", by=Principal.objects.system())
    assert cast.analyst.user.is_active
