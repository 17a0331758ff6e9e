from __future__ import annotations

import time

from celery import shared_task

from audit.delivery import deliver_pending

_SECONDS = 20.0
"""A heap of records hands over to the next task after this long, so that other work gets its turn."""


@shared_task(ignore_result=True)
def deliver() -> int:
    """Deliver what waits, for a while. Sent after each commit that recorded something, and by a sweep every ten seconds."""
    began, total = time.monotonic(), 0
    while done := deliver_pending():
        total += done
        if time.monotonic() - began > _SECONDS:
            break
    return total
