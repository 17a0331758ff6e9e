"""Notifications go after their time; the records that they tell of stay."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from access.actions import request_access
from alerts.models import Alarm, Notification
from alerts.retention import KEPT, forget_old_notifications
from audit.delivery import deliver_pending
from audit.models import Record
from tests.factories import Cast

pytestmark = pytest.mark.django_db


def test_old_ones_and_alarms_that_are_over_go_and_records_stay(cast: Cast) -> None:
    request_access(dataset=cast.dataset, purpose="To see.", days=3, by=cast.analyst)
    deliver_pending()
    long_ago = timezone.now() - KEPT - dt.timedelta(days=1)
    Notification.objects.filter(receiver=cast.owner).update(created_at=long_ago)
    Alarm.objects.create(condition="over", subject="1", raised_at=long_ago, cleared_at=long_ago)
    Alarm.objects.create(condition="holds", subject="1", raised_at=long_ago)
    assert forget_old_notifications() == 1
    assert set(Notification.objects.values_list("receiver_id", flat=True)) == {cast.steward.pk}
    assert list(Alarm.objects.values_list("condition", flat=True)) == ["holds"]
    assert Record.objects.filter(event="access.requested").exists()
