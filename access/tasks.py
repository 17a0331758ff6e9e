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
from access.enforcement.leases import due_sources
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

_ENFORCE_EXPIRES = 10
"""Seconds after which a message is worthless: the next tick has sent another."""


@shared_task(ignore_result=True)
def expire() -> int:
    """End what is over; scheduled every 20 seconds."""
    by = Principal.objects.system()
    return sum(sweep(by=by) for sweep in SWEEPS)


@shared_task(ignore_result=True)
def enforce() -> None:
    """Send the sources that are due to be reconciled; scheduled every 2 seconds."""
    for source_id in due_sources():
        reconcile_source.apply_async((source_id,), expires=_ENFORCE_EXPIRES)


@shared_task(ignore_result=True)
def reconcile_source(source_id: int) -> None:
    """See to one source; where another worker has it already this does nothing."""
    # The engines' drivers and the planner load with the first source that is enforced.
    from access.enforcement.reconciling import reconcile

    reconcile(source_id)
