"""Events go after their time; what waits, what was set aside and what was folded stays."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.tokens import mint
from lineage.draining import drain
from lineage.intake import accept
from lineage.models import DatasetEdge, Event, Job, PendingEvent, Run, SetAsideEvent
from lineage.partitions import forget_old_events
from tests.factories import pipeline
from tests.lineage.events import run_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(db):
    sender = pipeline()
    return mint(principal=sender, name="retention", scopes=["lineage:write"], by=sender).token


def months() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'lineage_event'::regclass")
        return {name for (name,) in cursor.fetchall()}


def month_of(moment: dt.datetime) -> str:
    """The partition of a moment, made where there is none, as it was when that month was near."""
    first = moment.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = (first + dt.timedelta(days=32)).replace(day=1)
    name = f"lineage_event_{first:%Y%m}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF lineage_event"
            f" FOR VALUES FROM ('{first.isoformat()}') TO ('{after.isoformat()}')"
        )
    return name


def came(token, days_ago: float, *, job: str) -> tuple[int, str]:
    """An event that came so many days ago and still waits; its id, and the partition it is in."""
    accept(json.dumps(run_event("COMPLETE", job=job, inputs=["a.b.c"], outputs=["d.e.f"])).encode(), token=token)
    at = timezone.now() - dt.timedelta(days=days_ago)
    partition = month_of(at)
    event = Event.objects.order_by("-id").first()
    Event.objects.filter(id=event.id).update(received_at=at)
    PendingEvent.objects.filter(event_id=event.id).update(received_at=at)
    return event.id, partition


def test_whole_months_go_rows_of_the_month_between_go_and_state_stays(token, settings):
    settings.LINEAGE_EVENT_RETENTION_DAYS = 100
    old, partition = came(token, 200, job="old")
    # On both sides of the limit, which mostly falls within a month.
    came(token, 100.01, job="just over")
    kept, _ = came(token, 99.99, job="just within")
    assert drain() == 3
    state = set(Job.objects.values_list("name", flat=True)), Run.objects.count(), DatasetEdge.objects.count()
    assert partition in months()
    forget_old_events()
    assert partition not in months()
    assert list(Event.objects.values_list("id", flat=True)) == [kept]
    assert (
        set(Job.objects.values_list("name", flat=True)), Run.objects.count(), DatasetEdge.objects.count()
    ) == state  # fmt: skip
    assert state[0] == {"old", "just over", "just within"}
    assert forget_old_events() == (0, 0)
    assert old != kept


def test_what_waits_and_what_was_set_aside_stays_with_its_month(token, settings):
    settings.LINEAGE_EVENT_RETENTION_DAYS = 30
    waiting, partition = came(token, 200, job="waiting")
    aside, other = came(token, 300, job="aside")
    folded, _ = came(token, 200.01, job="folded")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lineage_pendingevent WHERE event_id IN (%s, %s)", [aside, folded])
    event = Event.objects.get(id=aside)
    SetAsideEvent.objects.create(event_id=aside, received_at=event.received_at, reason="no")
    assert forget_old_events() == (0, 1)
    assert {partition, other} <= months()
    assert set(Event.objects.values_list("id", flat=True)) == {waiting, aside}
    assert drain() == 1
    assert set(Job.objects.values_list("name", flat=True)) == {"waiting"}


def test_zero_days_keep_all(token, settings):
    settings.LINEAGE_EVENT_RETENTION_DAYS = 0
    came(token, 1000, job="old")
    drain()
    assert forget_old_events() == (0, 0)
    assert Event.objects.count() == 1


def test_nobody_drops_what_came_just_now():
    with (
        pytest.raises(DatabaseError, match="at least a day"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT lineage_drop_event_months(now())")
