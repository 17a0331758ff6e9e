"""Grants that stand are held to policies in batches: resumable, each grant once, and far from what people wait for."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from access.actions import compare_grants_with_policies, compare_where_late, decide_items, stop_campaign
from access.actions.policies import draft_policy, draft_version, edit_draft, end_policy, publish_policy
from access.models import Campaign, CampaignItem, Grant, PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Resources, Rule, Subjects
from access.policy_queries import count_to_compare
from access.states import GrantState
from access.tasks import compare_with_policies
from accounts.models import Principal
from audit.models import Record
from stack.applications import QUEUES
from tests.factories import Cast, dataset, person

pytestmark = pytest.mark.django_db

EVERYBODY = Subjects(everyone=True)


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("access.standing.AT_ONCE", 2)


def system() -> Principal:
    return Principal.objects.system()


def grants(cast: Cast, count: int, *, who: Principal | None = None) -> list[Grant]:
    """So many grants on datasets of their own, all of which somebody answers for."""
    now = timezone.now()
    made = [dataset(f"t_{who.pk if who else 0}_{n}", domain=cast.domain, fields=("email",)) for n in range(count)]
    return [
        Grant.objects.create(
            principal=who or person(),
            dataset=one,
            state=GrantState.RECORDED,
            valid_from=now,
            valid_to=now + dt.timedelta(days=30),
            granted_by=cast.owner,
        )
        for one in made
    ]


def published(cast: Cast, rule: Rule, name: str = "P", **how: Any) -> PolicyVersion:
    draft = draft_policy(name=name, rule=rule, by=cast.administrator)
    return publish_policy(version=draft, by=cast.administrator, **how)


def masking(mask: Mask = Mask.HASH) -> Rule:
    return Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY, masks=(MaskOf(mask, Columns()),))


def refusing(**resources: Any) -> Rule:
    return Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(**resources))


def settle() -> None:
    """Nothing that was in force before the test is compared in it."""
    while compare_grants_with_policies(by=system()) is not None:
        pass


def asked() -> dict[int, int]:
    """How often each grant was asked about."""
    found: dict[int, int] = {}
    for pk in CampaignItem.objects.values_list("grant_id", flat=True):
        found[pk] = found.get(pk, 0) + 1
    return found


def test_each_batch_is_kept_and_people_are_told_once_at_the_end(cast: Cast) -> None:
    settle()
    made = grants(cast, 5)
    version = published(cast, masking())
    assert count_to_compare() == 5
    assert compare_grants_with_policies(by=system()) == 2
    version.refresh_from_db()
    assert (version.compared_up_to, version.compared_at) == (made[1].pk, None)
    assert (CampaignItem.objects.count(), count_to_compare()) == (2, 3)
    assert not Record.objects.filter(event="access.campaign_started").exists()
    settle()
    assert asked() == {grant.pk: 1 for grant in made}
    (started,) = Record.objects.filter(event="access.campaign_started")
    assert (started.values["grants"], count_to_compare()) == (5, 0)
    assert version.campaign.size == 5
    assert cast.steward.pk in started.values["reviewer_ids"]


def test_a_batch_that_did_not_reach_its_commit_is_done_anew_and_no_grant_twice(cast: Cast) -> None:
    settle()
    made = grants(cast, 3)
    published(cast, refusing())
    assert compare_grants_with_policies(by=system()) == 2
    with pytest.raises(ConnectionError), transaction.atomic():
        assert compare_grants_with_policies(by=system()) == 1
        raise ConnectionError("The worker is gone.")
    assert Grant.objects.live().count() == 1
    settle()
    assert Grant.objects.live().count() == 0
    ended = Record.objects.filter(event="access.grant_revoked")
    assert sorted(row.values["grant_id"] for row in ended) == [grant.pk for grant in made]


def test_a_recertification_stays_open_while_grants_are_added_and_then_closes_by_itself(cast: Cast) -> None:
    settle()
    grants(cast, 3)
    published(cast, masking())
    compare_grants_with_policies(by=system())
    decide_items(items=list(CampaignItem.objects.all()), keep=True, by=cast.steward)
    campaign = Campaign.objects.get()
    assert campaign.is_open
    Grant.objects.filter(recertifications__isnull=True).update(valid_to=timezone.now())
    settle()
    campaign.refresh_from_db()
    assert not campaign.is_open


def test_nobody_is_asked_any_more_once_somebody_stopped_it(cast: Cast) -> None:
    settle()
    grants(cast, 4)
    published(cast, masking())
    compare_grants_with_policies(by=system())
    stop_campaign(campaign=Campaign.objects.get(), reason="Not now.", by=cast.administrator)
    settle()
    assert CampaignItem.objects.count() == 2
    assert not Record.objects.filter(event="access.campaign_started").exists()


def test_what_comes_into_force_meanwhile_is_held_to_all_grants_too(cast: Cast) -> None:
    settle()
    made = grants(cast, 5)
    first = published(cast, masking(), name="First")
    compare_grants_with_policies(by=system())
    second = published(cast, refusing(datasets=(made[0].dataset_id, made[4].dataset_id)), name="Second")
    assert compare_grants_with_policies(by=system()) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.compared_up_to, second.compared_up_to) == (made[1].pk, made[1].pk)
    settle()
    assert set(Grant.objects.live().values_list("pk", flat=True)) == {grant.pk for grant in made[1:4]}
    assert asked() == {grant.pk: 1 for grant in made[:4]}


def test_what_is_followed_half_way_asks_about_no_grant_twice_and_leaves_none_out(cast: Cast) -> None:
    settle()
    made = grants(cast, 5)
    version = published(cast, refusing(), ends_refused=False)
    compare_grants_with_policies(by=system())
    draft = draft_version(policy=version.policy, by=cast.administrator)
    publish_policy(
        version=edit_draft(version=draft, rule=refusing(), by=cast.administrator),
        by=cast.administrator,
        ends_refused=False,
    )
    settle()
    assert asked() == {grant.pk: 1 for grant in made}
    assert Campaign.objects.count() == 2
    assert not PolicyVersion.objects.to_compare().exists()


def test_what_ends_half_way_narrows_nothing_more(cast: Cast) -> None:
    settle()
    grants(cast, 4)
    version = published(cast, refusing())
    compare_grants_with_policies(by=system())
    end_policy(policy=version.policy, reason="A mistake.", by=cast.administrator)
    settle()
    assert Grant.objects.live().count() == 2
    assert not PolicyVersion.objects.to_compare().exists()


def test_a_batch_takes_as_many_statements_for_many_grants_and_policies_as_for_few(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()

    def statements(count: int, policies: int) -> int:
        monkeypatch.setattr("access.standing.AT_ONCE", count)
        Grant.objects.update(valid_to=timezone.now(), valid_from=timezone.now() - dt.timedelta(days=1))
        grants(cast, count, who=person())
        grants(cast, 1, who=person())
        for n in range(policies):
            published(cast, refusing(), name=f"{count} {n}")
        with CaptureQueriesContext(connection) as captured:
            assert compare_grants_with_policies(by=system()) == count
        settle()
        PolicyVersion.objects.filter(name__startswith=f"{count} ").update(valid_to=timezone.now())
        return len(captured)

    statements(1, 1)
    assert (statements(2, 1), statements(9, 4)) == (23, 23)


@pytest.mark.django_db(transaction=True)
def test_one_worker_compares_at_a_time(cast: Cast) -> None:
    settle()
    grants(cast, 3)
    published(cast, refusing())
    found: list[int | None] = []

    def work() -> None:
        try:
            found.append(compare_grants_with_policies(by=system()))
        finally:
            connections.close_all()

    with transaction.atomic():
        assert compare_grants_with_policies(by=system()) == 2
        other = threading.Thread(target=work)
        other.start()
        other.join()
    assert found == [None]
    assert compare_with_policies() == 1


def test_it_is_done_on_the_long_lane_and_a_batch_at_a_time_by_the_prompt_one_where_that_is_late(cast: Cast) -> None:
    queue = settings.CELERY_TASK_ROUTES["access.tasks.compare_with_policies"]["queue"]
    assert queue in QUEUES["worker-long"]
    settle()
    grants(cast, 3)
    published(cast, refusing())
    assert compare_where_late(by=system()) == 0
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=2)):
        assert [compare_where_late(by=system()) for _ in range(3)] == [2, 1, 0]


def test_the_page_of_a_policy_says_how_many_grants_are_left(client: Client, cast: Cast) -> None:
    settle()
    grants(cast, 3)
    version = published(cast, refusing())
    client.force_login(cast.administrator.user)
    url = reverse("access:policy", args=[version.policy_id])
    compare_grants_with_policies(by=system())
    assert "1 grant that stands is still to be looked at." in client.get(url).text
    settle()
    assert "still to be looked at" not in client.get(url).text
