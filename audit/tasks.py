from __future__ import annotations

from celery import shared_task

from audit.delivery import deliver_pending


@shared_task(ignore_result=True)
def deliver() -> int:
    """Deliver what waits. Sent after each commit that recorded something, and by a sweep every ten seconds."""
    return deliver_pending()
