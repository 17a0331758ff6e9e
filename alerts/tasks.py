from __future__ import annotations

from celery import shared_task

from alerts.conditions import look_at_all
from alerts.mailing import send_due
from alerts.retention import forget_old_notifications
from common.draining import for_a_while


@shared_task(ignore_result=True)
def look() -> int:
    """Raise and clear alarms; scheduled every 20 seconds."""
    return look_at_all()


@shared_task(ignore_result=True)
def send_mail() -> int:
    """Mail what is due, for a while. Sent with notifications that are to be mailed at once, and by a sweep every 20 seconds."""
    return for_a_while(send_due)


@shared_task(ignore_result=True)
def forget_old() -> int:
    """Let go of notifications past their time."""
    return forget_old_notifications()
