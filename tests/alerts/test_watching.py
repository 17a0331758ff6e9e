"""Who hears of schemas and jobs: owners and followers of a dataset."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tokens import mint
from alerts.actions import choose, follow, unfollow
from alerts.alarms import Condition
from alerts.conditions import CONDITIONS, look_at_all
from alerts.models import Alarm, Follow, Notification
from audit.delivery import deliver_pending
from audit.events import Subject
from audit.feed import feed
from audit.models import Record
from audit.queries import activity_of
from catalog.models import Dataset, DatasetName, Domain, Ownership, Tier
from common.errors import Forbidden, Invalid
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.merging import decide_same
from lineage.models import Job
from tests.alerts.told import told
from tests.factories import Cast, group, ownership, person, pipeline, service
from tests.lineage.events import BEGIN, NAMESPACE, run_event
from tests.lineage.events import dataset as told_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(db: None):
    sender = pipeline("nightly")
    token = mint(principal=sender, name="nightly", scopes=["lineage:write"], by=sender).token

    def folded(*events: dict) -> None:
        accept_batch(json.dumps(list(events)).encode(), token=token)
        drain()

    return folded


def written(name: str, *fields: str, seconds: float = 0) -> dict:
    return run_event("COMPLETE", outputs=[told_dataset(name, fields=fields)], seconds=seconds)


def named(name: str) -> Dataset:
    return DatasetName.objects.get(namespace=NAMESPACE, name=name, valid_to=None).dataset


@pytest.fixture
def units(cast: Cast, send) -> Dataset:
    """A dataset that pipelines write, in the domain Teaching, read by Ana, owned by Owen."""
    send(written("units", "id"))
    found = named("units")
    found.domain = cast.domain
    found.save()
    ownership(found, cast.owner)
    return found


def test_owners_and_followers_hear_when_a_pipeline_changes_a_schema(cast: Cast, units: Dataset, send) -> None:
    follow(dataset=units, by=cast.analyst)
    send(written("units", "id", "email", seconds=60))
    for person_ in (cast.owner, cast.analyst):
        assert told(person_) == ["A pipeline changed the schema of units."]
    assert told(cast.steward) == []
    told_of_it, _ = activity_of(Subject("dataset", units.pk))
    assert feed(told_of_it)[0].sentence == "A pipeline told of another schema."


def test_a_first_schema_and_the_same_again_are_no_change(cast: Cast, units: Dataset, send) -> None:
    send(written("units", "id", seconds=60), written("units", "id", seconds=90))
    assert not Record.objects.filter(event="catalog.schemas_told").exists()
    assert told(cast.owner) == []


def test_one_who_owns_many_that_changed_hears_once_with_the_count(cast: Cast, units: Dataset, send) -> None:
    names = [f"t_{number}" for number in range(5)]
    send(*(written(name, "id") for name in names))
    for name in names:
        ownership(named(name), cast.owner)
    send(*(written(name, "id", "more", seconds=60) for name in names))
    assert told(cast.owner) == ["Pipelines changed the schema of t_0, and of 4 more that you own or follow."]


def test_members_of_owning_groups_hear_too(cast: Cast, units: Dataset, send) -> None:
    member = person()
    ownership(units, group(members=[member]), kind="steward")
    send(written("units", "id", "email", seconds=60))
    assert told(member) == ["A pipeline changed the schema of units."]


def test_a_follower_of_a_merged_dataset_hears_of_the_one_that_stands(cast: Cast, units: Dataset, send) -> None:
    send(written("old_units", "id"))
    old = named("old_units")
    old.domain = cast.domain
    old.save()
    decide_same(first=units, second=old, same=True, by=cast.administrator)
    merged = Dataset.objects.get(merged_into__isnull=False)
    Follow.objects.create(principal=cast.analyst, dataset=merged)
    drain()
    Notification.objects.all().delete()
    send(written("units", "id", "email", seconds=90))
    assert told(cast.analyst)[-1] == f"A pipeline changed the schema of {merged.merged_into}."


def test_a_follower_who_may_no_longer_read_hears_nothing_and_reads_nothing(cast: Cast, units: Dataset, send) -> None:
    follow(dataset=units, by=cast.analyst)
    send(written("units", "id", "email", seconds=60))
    assert len(told(cast.analyst)) == 1
    Dataset.objects.filter(pk=units.pk).update(domain=Domain.objects.create(slug="x", name="X", open_tier=Tier.NONE))
    assert told(cast.analyst) == []
    send(written("units", "id", "email", "phone", seconds=90))
    deliver_pending()
    assert Notification.objects.filter(receiver=cast.analyst).count() == 1


def test_a_failing_job_is_told_once_however_often_it_fails_and_once_when_it_works(
    cast: Cast, units: Dataset, send
) -> None:
    follow(dataset=units, by=cast.analyst)
    for seconds in (10, 20, 30):
        send(run_event("FAIL", job="load_units", outputs=["units"], seconds=seconds))
        look_at_all()
    for person_ in (cast.owner, cast.analyst):
        assert told(person_) == ["The job load_units, which writes units, failed."]
    send(run_event("COMPLETE", job="load_units", outputs=["units"], seconds=40))
    assert (look_at_all(), look_at_all()) == (1, 0)
    assert told(cast.owner)[-1] == "The job load_units, which writes units, works again."
    send(run_event("FAIL", job="load_units", outputs=["units"], seconds=50))
    assert look_at_all() == 1
    assert len(told(cast.owner)) == 3


def test_a_failing_job_works_again_once_a_run_of_it_completed_and_not_before(cast: Cast, units: Dataset, send) -> None:
    send(run_event("FAIL", job="load_units", outputs=["units"], seconds=10))
    assert look_at_all() == 1
    with time_machine.travel(BEGIN + dt.timedelta(seconds=30)):
        send(run_event("START", job="load_units", outputs=["units"], seconds=20))
        assert look_at_all() == 0
    send(run_event("ABORT", job="load_units", outputs=["units"], seconds=30))
    assert look_at_all() == 0
    send(run_event("COMPLETE", job="load_units", outputs=["units"], seconds=40))
    assert look_at_all() == 1
    assert told(cast.owner)[-1] == "The job load_units, which writes units, works again."


def test_a_failure_is_told_though_the_next_run_began_before_the_look(cast: Cast, units: Dataset, send) -> None:
    send(run_event("FAIL", job="load_units", outputs=["units"], seconds=10))
    with time_machine.travel(BEGIN + dt.timedelta(seconds=30)):
        send(run_event("START", job="load_units", outputs=["units"], seconds=20))
        assert look_at_all() == 1
    assert told(cast.owner) == ["The job load_units, which writes units, failed."]


def test_a_success_is_told_though_the_next_run_began_before_the_look(cast: Cast, units: Dataset, send) -> None:
    send(run_event("FAIL", job="load_units", outputs=["units"], seconds=10))
    assert look_at_all() == 1
    with time_machine.travel(BEGIN + dt.timedelta(seconds=40)):
        send(run_event("COMPLETE", job="load_units", outputs=["units"], seconds=20))
        send(run_event("START", job="load_units", outputs=["units"], seconds=30))
    look_at_all()
    assert "The job load_units, which writes units, works again." in told(cast.owner)


@pytest.mark.parametrize("how", ["unwatched", "deleted"])
def test_a_failing_job_that_nobody_watches_any_more_has_not_recovered(
    cast: Cast, units: Dataset, send, how: str
) -> None:
    send(run_event("FAIL", job="load_units", outputs=["units"], seconds=10))
    assert look_at_all() == 1
    if how == "unwatched":
        Ownership.objects.filter(dataset=units).update(valid_to=timezone.now())
    else:
        Job.objects.filter(name="load_units").update(deleted_at=timezone.now())
    assert look_at_all() == 0
    assert not Alarm.objects.filter(cleared_at=None).exists()
    assert not Record.objects.filter(event="alerts.job_fails_no_more").exists()


@pytest.mark.parametrize("how", ["owner", "follower"])
def test_who_owns_or_follows_a_merged_dataset_hears_of_the_job_that_writes_it(
    cast: Cast, units: Dataset, send, how: str
) -> None:
    send(run_event("FAIL", job="load_old", outputs=["old_units"], seconds=10))
    decide_same(first=units, second=named("old_units"), same=True, by=cast.administrator)
    drain()
    merged = Dataset.objects.get(merged_into__isnull=False)
    Ownership.objects.all().delete()
    if how == "owner":
        ownership(merged, cast.steward)
    else:
        Follow.objects.create(principal=cast.steward, dataset=merged)
    assert look_at_all() == 1
    assert told(cast.steward)[-1] == f"The job load_old, which writes {merged.merged_into}, failed."


def test_a_condition_that_cannot_be_looked_at_stops_no_other(
    cast: Cast, units: Dataset, send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(known: object) -> list[str]:
        return [str(1 / 0)]

    first, *others = CONDITIONS
    monkeypatch.setattr("alerts.conditions.CONDITIONS", (Condition("broken", broken, first.raised), first, *others))
    send(run_event("FAIL", job="load_units", outputs=["units"], seconds=10))
    with pytest.raises(ZeroDivisionError):
        look_at_all()
    assert told(cast.owner) == ["The job load_units, which writes units, failed."]


def test_a_job_that_only_reads_what_one_owns_is_not_told(cast: Cast, units: Dataset, send) -> None:
    send(run_event("FAIL", job="report", inputs=["units"], outputs=["elsewhere"]))
    assert look_at_all() == 0


def test_an_overdue_job_is_told_once_and_its_end_once(cast: Cast, units: Dataset, send) -> None:
    run = str(uuid.uuid4())
    send(run_event("START", job="load_units", outputs=["units"], run=run, seconds=10))
    assert (look_at_all(), look_at_all()) == (1, 0)
    assert told(cast.owner)[-1].startswith("The job load_units, which writes units, is overdue")
    send(run_event("COMPLETE", job="load_units", outputs=["units"], run=run, seconds=900))
    assert look_at_all() == 1
    assert told(cast.owner)[-1] == "The job load_units, which writes units, is no longer overdue."


def test_a_look_takes_as_many_statements_for_many_jobs_as_for_few(cast: Cast, units: Dataset, send) -> None:
    def cost(first: int, count: int) -> int:
        send(*(run_event("FAIL", job=f"job_{n}", outputs=["units"]) for n in range(first, first + count)))
        with CaptureQueriesContext(connection) as captured:
            assert look_at_all() == count
        return len(captured)

    cost(1000, 1)
    assert cost(0, 2) == cost(10, 30)
    assert Alarm.objects.filter(cleared_at=None).count() == 33
    assert Job.objects.filter(latest_state="failed").count() == 33


def test_only_people_follow_and_only_what_they_may_read(cast: Cast, units: Dataset) -> None:
    with pytest.raises(Forbidden):
        follow(dataset=units, by=cast.outsider)
    with pytest.raises(Forbidden):
        follow(dataset=units, by=service())
    follow(dataset=units, by=cast.analyst)
    follow(dataset=units, by=cast.analyst)
    assert Record.objects.filter(event="alerts.followed").count() == 1
    unfollow(dataset=units, by=cast.analyst)
    unfollow(dataset=units, by=cast.analyst)
    assert not Follow.objects.exists()
    assert Record.objects.filter(event="alerts.unfollowed").count() == 1


def test_who_turned_a_kind_off_is_not_told(cast: Cast, units: Dataset, send) -> None:
    choose(choices={"schema": "off"}, by=cast.owner)
    send(written("units", "id", "email", seconds=60))
    assert told(cast.owner) == []
    choose(choices={"schema": "page"}, by=cast.owner)
    send(written("units", "id", seconds=90))
    assert len(told(cast.owner)) == 1
    with pytest.raises(Invalid):
        choose(choices={"weather": "mail"}, by=cast.owner)
    with pytest.raises(Invalid):
        choose(choices={"schema": "pigeon"}, by=cast.owner)


def test_a_receiver_more_costs_what_they_see_and_nothing_else(cast: Cast, units: Dataset, send) -> None:
    def cost(count: int) -> int:
        for _ in range(count):
            ownership(units, person())
        send(written("units", "id", f"column_{count}", seconds=60 + count))
        with CaptureQueriesContext(connection) as captured:
            deliver_pending()
        return len(captured)

    few, many = cost(2), cost(10)
    receivers_more = 10
    # A receiver's scope takes three, what they see one, and all else is of the set.
    assert many - few <= 4 * receivers_more
