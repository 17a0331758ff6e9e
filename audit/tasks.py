from __future__ import annotations

from celery import shared_task

from audit.delivery import deliver_pending
from common.draining import for_a_while


@shared_task(ignore_result=True)
def deliver() -> int:
    """Deliver what waits, for a while. Sent after each commit that recorded something, and by a sweep every ten seconds."""
    return for_a_while(deliver_pending)
