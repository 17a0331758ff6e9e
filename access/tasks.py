from __future__ import annotations

from celery import shared_task

from access.actions import (
    close_due_campaigns,
    escalate_due,
    escalate_reviews,
    expire_grants,
    expire_requests,
    take_from_the_closed,
)
from accounts.models import Principal

SWEEPS = (
    expire_grants,
    take_from_the_closed,
    expire_requests,
    escalate_due,
    escalate_reviews,
    close_due_campaigns,
)
"""What time does to access, what ends it first. Each takes a batch, so that one is never kept waiting by another."""


@shared_task(ignore_result=True)
def expire() -> int:
    """End what is over; scheduled every 20 seconds."""
    by = Principal.objects.system()
    return sum(sweep(by=by) for sweep in SWEEPS)
