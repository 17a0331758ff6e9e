from __future__ import annotations

import time

from celery import shared_task

from alerts.conditions import look_at_all
from alerts.mailing import send_due
from alerts.retention import forget_old_notifications

_SECONDS = 20.0
"""A heap of mail hands over to the next task after this long, so that other work gets its turn."""


@shared_task(ignore_result=True)
def look() -> int:
    """Raise and clear alarms; scheduled every 20 seconds."""
    return look_at_all()


@shared_task(ignore_result=True)
def send_mail() -> int:
    """Mail what is due, for a while. Sent with notifications that are to be mailed at once, and by a sweep every 20 seconds."""
    began, total = time.monotonic(), 0
    while sent := send_due():
        total += sent
        if time.monotonic() - began > _SECONDS:
            break
    return total


@shared_task(ignore_result=True)
def forget_old() -> int:
    """Let go of notifications past their time."""
    return forget_old_notifications()
