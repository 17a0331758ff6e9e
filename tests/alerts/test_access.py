"""Who hears of requests, grants and delegations."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions import (
    approve_request,
    cancel_request,
    delegate_decisions,
    deny_request,
    expire_grants,
    request_access,
    revoke_grant,
)
from access.models import AccessRequest, Grant
from accounts.models import DomainRole, Principal
from alerts.conditions import look_at_all
from alerts.models import Notification
from audit.delivery import deliver_pending
from audit.models import Delivery
from tests.alerts.told import told
from tests.factories import Cast, dataset, group, ownership, person, role

pytestmark = pytest.mark.django_db


def asked(cast: Cast, **given: object) -> AccessRequest:
    return request_access(
        **{"dataset": cast.dataset, "purpose": "For the secret review.", "days": 30, "by": cast.analyst, **given}
    )


def test_everybody_who_may_decide_hears_of_a_request_and_nobody_else(cast: Cast) -> None:
    asked(cast)
    for reviewer in (cast.owner, cast.steward):
        assert told(reviewer) == ["Ana asks for all columns of users, and you may decide."]
    for other in (cast.analyst, cast.outsider, cast.administrator):
        assert told(other) == []


def test_an_administrator_hears_of_a_request_that_nobody_else_may_decide(cast: Cast) -> None:
    alone = dataset("alone", domain=None)
    request_access(dataset=alone, purpose="To see.", days=3, by=cast.owner)
    assert told(cast.administrator) == ["Owen asks for all columns of alone, and you may decide."]


def test_members_of_an_owning_group_and_delegates_hear_of_a_request(cast: Cast) -> None:
    member, stand_in = person("mona"), person("dora")
    ownership(cast.dataset, group("owners", members=[member]))
    now = timezone.now()
    delegate_decisions(
        giver=cast.owner, receiver=stand_in, valid_from=now, valid_to=now + dt.timedelta(days=3), by=cast.owner
    )
    asked(cast)
    assert told(member) == ["Ana asks for all columns of users, and you may decide."]
    assert told(stand_in)[-1] == "Ana asks for all columns of users, and you may decide."


def test_the_requester_hears_of_the_decision_and_the_one_who_decided_does_not(cast: Cast) -> None:
    approve_request(request=asked(cast), by=cast.owner)
    assert told(cast.analyst)[0].startswith("Your request for all columns of users was approved, until ")
    assert [text for text in told(cast.owner) if "approved" in text] == []
    assert told(cast.steward)[-1].startswith("Owen approved Ana's request for all columns of users")


def test_a_refusal_says_no_reason_and_no_purpose(cast: Cast) -> None:
    deny_request(request=asked(cast), reason="Her probation is not over.", by=cast.steward)
    assert told(cast.analyst) == ["Your request for all columns of users was refused. The reason is on its page."]
    for anyone in (cast.owner, cast.steward, cast.analyst):
        assert not any("probation" in text or "secret review" in text for text in told(anyone))


def test_a_withdrawal_is_told_to_those_who_would_have_decided(cast: Cast) -> None:
    cancel_request(request=asked(cast), by=cast.analyst)
    assert told(cast.owner)[-1] == "Ana withdrew the request for all columns of users."


def test_the_holder_hears_of_the_end_before_it_and_at_it_once_each(cast: Cast) -> None:
    grant = approve_request(request=asked(cast), by=cast.owner)
    assert grant is not None
    assert look_at_all() == 0
    began = timezone.now() - dt.timedelta(days=25)
    Grant.objects.filter(pk=grant.pk).update(valid_from=began, valid_to=began + dt.timedelta(days=30))
    assert look_at_all() == 1
    assert look_at_all() == 0
    assert "ends on" in told(cast.analyst)[-1]
    Grant.objects.filter(pk=grant.pk).update(valid_to=timezone.now())
    expire_grants(by=Principal.objects.system())
    assert look_at_all() == 0
    assert told(cast.analyst)[-1] == "Your access to all columns of users has ended, since its time is over."
    assert len(told(cast.analyst)) == 3


def test_a_grant_that_ends_by_somebodys_word_is_told_to_its_holder(client: Client, cast: Cast) -> None:
    grant = approve_request(request=asked(cast), by=cast.owner)
    assert grant is not None
    revoke_grant(grant=grant, reason="He left.", by=cast.owner)
    assert told(cast.analyst)[-1] == "Your access to all columns of users was ended early. The reason is on its page."
    deliver_pending()
    newest = Notification.objects.filter(receiver=cast.analyst).latest("pk")
    client.force_login(cast.analyst.user)
    page = client.get(reverse("alerts:open", args=[newest.pk]), follow=True)
    assert "He left." in page.text


def test_reviewers_are_reminded_before_a_request_lapses(cast: Cast) -> None:
    request = asked(cast)
    assert look_at_all() == 0
    AccessRequest.objects.filter(pk=request.pk).update(decide_by=timezone.now() + dt.timedelta(days=4))
    assert (look_at_all(), look_at_all()) == (1, 0)
    assert "lapses on" in told(cast.owner)[-1]
    assert told(cast.analyst) == []


def test_both_hear_of_a_delegation_but_not_who_made_it(cast: Cast) -> None:
    now = timezone.now()
    delegate_decisions(
        giver=cast.owner, receiver=cast.steward, valid_from=now, valid_to=now + dt.timedelta(days=3), by=cast.owner
    )
    assert told(cast.steward)[0].startswith("Stella decides on requests in the place of Owen until ")
    assert told(cast.owner) == []


def test_delivering_twice_tells_once(cast: Cast) -> None:
    asked(cast)
    deliver_pending()
    Delivery.objects.update(state=Delivery.State.PENDING)
    deliver_pending()
    assert Notification.objects.filter(receiver=cast.owner).count() == 1


def test_who_lost_the_role_no_longer_reads_what_they_were_told(cast: Cast) -> None:
    newcomer = person("nora")
    held = role(cast.domain, newcomer, DomainRole.STEWARD)
    asked(cast)
    assert len(told(newcomer)) == 1
    held.valid_to = timezone.now()
    held.save()
    assert told(newcomer) == []


def test_a_closed_account_is_told_nothing(cast: Cast) -> None:
    cast.owner.user.is_active = False
    cast.owner.user.save()
    asked(cast)
    deliver_pending()
    assert not Notification.objects.filter(receiver=cast.owner).exists()
