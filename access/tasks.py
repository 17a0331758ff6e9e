from __future__ import annotations

from celery import shared_task

from access.actions import escalate_due, expire_grants, expire_requests
from accounts.models import Principal


@shared_task(ignore_result=True)
def expire() -> int:
    """End what is over; scheduled every 20 seconds."""
    by = Principal.objects.system()
    return expire_grants(by=by) + expire_requests(by=by) + escalate_due(by=by)
