"""Notifications and alarms are kept for a time; the records that they tell of stay."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from alerts.models import Alarm, Notification

KEPT = dt.timedelta(days=180)
_AT_ONCE = 10_000


def forget_old_notifications() -> int:
    """Delete notifications, read or not, and alarms that are over, after 180 days; returns how many notifications went."""
    before = timezone.now() - KEPT
    Alarm.objects.filter(cleared_at__lt=before).delete()
    total = 0
    while True:
        ids = list(
            Notification.objects.filter(created_at__lt=before).order_by("created_at")[:_AT_ONCE].values_list("pk")
        )
        deleted, _ = Notification.objects.filter(pk__in=[pk for (pk,) in ids]).delete()
        total += deleted
        if len(ids) < _AT_ONCE:
            return total
