from __future__ import annotations

from celery import shared_task

from access.actions import expire_due
from accounts.models import Principal


@shared_task(ignore_result=True)
def expire() -> int:
    """End what is over; scheduled every 20 seconds."""
    return expire_due(by=Principal.objects.system())
