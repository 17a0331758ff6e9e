"""Exceptions: who sees one dataset whatever their roles, who may say so, and what stays of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Principal
from audit.events import Subject
from audit.feed import feed
from audit.queries import activity_of
from catalog.actions import end_exception, grant_exception
from catalog.models import Dataset, DatasetException, DatasetGroupPermission, DatasetUserPermission, Tier
from common.errors import Forbidden, Invalid, NotFound
from tests import factories
from tests.catalog.test_rest import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> factories.Cast:
    """`cast.dataset` in a domain that nobody without a role knows of, with an owner of the domain."""
    cast = factories.personas()
    cast.domain.open_tier = Tier.NONE
    cast.domain.save()
    return cast


@pytest.fixture
def head(cast: factories.Cast) -> Principal:
    """An owner of the dataset's domain."""
    head = factories.person("olga")
    factories.role(cast.domain, head, "owner")
    return head


def tier_of(principal: Principal, dataset: Dataset) -> int:
    """What a request of the principal's sees now."""
    fresh = Principal.objects.select_related("user").get(pk=principal.pk)
    return Dataset.objects.with_tier(fresh).get(pk=dataset.pk).tier


@pytest.mark.parametrize("tier", [Tier.DISCOVER, Tier.METADATA, Tier.PROFILE])
def test_a_person_sees_at_the_tier_until_it_ends(cast: factories.Cast, head: Principal, tier: Tier) -> None:
    assert tier_of(cast.outsider, cast.dataset) == Tier.NONE
    granted = grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=tier, reason="Audit.", by=head)
    assert tier_of(cast.outsider, cast.dataset) == tier
    end_exception(exception=granted, by=head)
    assert tier_of(cast.outsider, cast.dataset) == Tier.NONE


def test_a_group_sees_and_who_joins_it_too(cast: factories.Cast, head: Principal) -> None:
    team, late = factories.group(members=[cast.outsider]), factories.person()
    granted = grant_exception(dataset=cast.dataset, group=team, tier=Tier.METADATA, reason="Audit.", by=head)
    factories.add_to_group(late, team)
    assert [tier_of(one, cast.dataset) for one in (cast.outsider, late)] == [Tier.METADATA, Tier.METADATA]
    end_exception(exception=granted, by=head)
    assert [tier_of(one, cast.dataset) for one in (cast.outsider, late)] == [Tier.NONE, Tier.NONE]


def test_a_new_one_replaces_what_was_and_the_old_one_stays(cast: factories.Cast, head: Principal) -> None:
    for tier in (Tier.PROFILE, Tier.DISCOVER):
        grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=tier, reason="Audit.", by=head)
    assert tier_of(cast.outsider, cast.dataset) == Tier.DISCOVER
    assert DatasetUserPermission.objects.count() == 1
    former, present = DatasetException.objects.order_by("pk")
    assert (former.tier, former.valid_to is not None) == (Tier.PROFILE, True)
    assert (present.tier, present.valid_to, present.granted_by) == (Tier.DISCOVER, None, head)


def test_the_same_again_changes_nothing_and_is_recorded_once(cast: factories.Cast, head: Principal) -> None:
    first, second = (
        grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=2, reason="Audit.", by=head)
        for _ in range(2)
    )
    assert first == second
    for _ in range(2):
        end_exception(exception=first, by=head)
    told, _ = activity_of(Subject("principal", cast.outsider.pk))
    assert [one.sentence for one in told] == [
        "ended the exception by which Otto saw users",
        "let Otto see users whatever their roles: Audit.",
    ]


def test_the_activity_shows_before_and_after(cast: factories.Cast, head: Principal) -> None:
    for tier in (Tier.DISCOVER, Tier.PROFILE):
        grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=tier, reason="Audit.", by=head)
    told, _ = activity_of(Subject("dataset", cast.dataset.pk))
    latest = feed(told)[0]
    assert latest.by == head
    (change,) = latest.changes
    assert (change.before, change.after) == (Tier.DISCOVER.label, Tier.PROFILE.label)


def test_only_those_who_give_roles_on_its_domain_may(cast: factories.Cast, head: Principal) -> None:
    granted = grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=2, reason="Audit.", by=head)
    for by in (cast.steward, cast.owner, cast.analyst, cast.outsider):
        with pytest.raises(Forbidden, match="Only owners of the domain"):
            grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=3, reason="Audit.", by=by)
        with pytest.raises(Forbidden, match="Only owners of the domain"):
            end_exception(exception=granted, by=by)
    with pytest.raises(NotFound):
        grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=3, reason="Audit.", by=factories.person())
    end_exception(exception=granted, by=cast.administrator)
    alone = factories.dataset("alone", domain=None)
    with pytest.raises(Forbidden):
        grant_exception(dataset=alone, principal=cast.outsider, tier=2, reason="Audit.", by=head)
    assert grant_exception(dataset=alone, principal=cast.outsider, tier=2, reason="Audit.", by=cast.administrator).pk


def test_what_is_no_exception_is_refused_with_a_sentence(cast: factories.Cast, head: Principal) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "Choose a person or a group"),
        ({"principal": cast.outsider, "group": factories.group()}, "not both"),
        ({"principal": Principal.objects.system()}, "Choose a person or a group"),
        ({"principal": cast.outsider, "tier": 0}, "Choose how much"),
        ({"principal": cast.outsider, "reason": " "}, "Say why"),
    ]
    for values, words in cases:
        with pytest.raises(Invalid, match=words):
            grant_exception(**{"dataset": cast.dataset, "tier": 2, "reason": "Audit.", "by": head, **values})
    assert not DatasetException.objects.exists()


def test_the_database_keeps_one_for_each_member(cast: factories.Cast, head: Principal) -> None:
    granted = grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=2, reason="Audit.", by=head)
    usual: dict[str, Any] = {"dataset": cast.dataset, "tier": 1, "reason": "Audit.", "granted_by": head}
    other = factories.person()
    cases: list[dict[str, Any]] = [
        {"principal": cast.outsider},
        {"principal": None},
        {"principal": other, "group": factories.group()},
        {"principal": other, "tier": 0},
        {"principal": other, "reason": ""},
    ]
    for values in cases:
        with pytest.raises(IntegrityError), transaction.atomic():
            DatasetException.objects.create(**{**usual, **values})
    assert DatasetException.objects.get() == granted


def test_the_number_of_statements_does_not_grow(cast: factories.Cast, head: Principal) -> None:
    def statements(members: list[Principal]) -> int:
        for member in members[1:]:
            grant_exception(dataset=cast.dataset, principal=member, tier=2, reason="Audit.", by=head)
        with CaptureQueriesContext(connection) as seen:
            grant_exception(dataset=cast.dataset, principal=members[0], tier=2, reason="Audit.", by=head)
        return len(seen)

    statements([factories.person()])  # reads the owner's roles, once a request
    assert statements([factories.person()]) == statements([factories.person() for _ in range(8)])


def test_the_access_tab_says_who_why_and_since_when_to_those_who_curate(cast: factories.Cast, head: Principal) -> None:
    def page(principal: Principal) -> tuple[str, int]:
        client = Client()
        client.force_login(principal.user)
        client.get(f"/datasets/{cast.dataset.pk}/access/")
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(f"/datasets/{cast.dataset.pk}/access/")
        assert answer.status_code == 200
        return answer.content.decode(), len(seen)

    grant_exception(dataset=cast.dataset, principal=cast.outsider, tier=2, reason="Reads the audit.", by=head)
    shown, few = page(head)
    assert "Reads the audit." in shown
    assert "Otto" in shown
    assert f"/datasets/{cast.dataset.pk}/edit/exceptions/" in shown
    steward, _ = page(cast.steward)
    assert "Reads the audit." in steward
    assert "edit/exceptions" not in steward, "who may not end one is offered no way to"
    for reader in (cast.analyst, cast.outsider):
        assert "Reads the audit." not in page(reader)[0]
    for _ in range(5):
        grant_exception(dataset=cast.dataset, principal=factories.person(), tier=2, reason="Audit.", by=head)
        grant_exception(dataset=cast.dataset, group=factories.group(), tier=2, reason="Audit.", by=head)
    assert page(head)[1] == few


def test_the_page_adds_and_ends_without_javascript(cast: factories.Cast, head: Principal) -> None:
    client, url = Client(), f"/datasets/{cast.dataset.pk}/edit/exceptions/"
    client.force_login(head.user)
    form = {"member": "otto@example.org", "tier": "2", "reason": "Audit."}
    refused = client.post(url, form | {"reason": ""})
    assert (refused.status_code, DatasetException.objects.count()) == (422, 0)
    assert client.post(url, form).status_code == 302
    granted = DatasetException.objects.get()
    assert (granted.principal, granted.tier, granted.reason) == (cast.outsider, 2, "Audit.")
    end = f"{url}{granted.pk}/end/"
    assert end in client.get(url).content.decode()
    assert client.post(end).status_code == 302
    assert client.post(end).status_code == 404
    assert tier_of(cast.outsider, cast.dataset) == Tier.NONE


def test_rest_lists_adds_and_ends(cast: factories.Cast, head: Principal) -> None:
    call, path = Caller(head), f"/datasets/{cast.dataset.pk}/exceptions/"
    team = factories.group("Auditors", members=[cast.outsider])
    added = call("POST", path, {"member": "Auditors", "tier": 3, "reason": "Audit."}, status=201)
    assert (added["group"], added["principal"], added["tier"]) == (team.name, None, 3)
    assert call("GET", path) == [added]
    assert Caller(cast.steward)("GET", path) == [added]
    Caller(cast.analyst)("GET", path, status=403)
    call("POST", path, {"member": "nobody", "tier": 3, "reason": "Audit."}, status=422)
    call("POST", path, {"member": "Auditors", "tier": 0, "reason": "Audit."}, status=422)
    assert DatasetGroupPermission.objects.count() == 1
    call("DELETE", f"{path}{added['id']}/", status=204)
    call("DELETE", f"{path}{added['id']}/", status=404)
    assert (call("GET", path), DatasetGroupPermission.objects.count()) == ([], 0)
