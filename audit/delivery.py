"""Deliver records to their handlers: claimed with SKIP LOCKED, so that any number of workers may deliver at once."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.handlers import Handler, handler_named
from audit.models import Delivery

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = dt.timedelta(hours=1)


def deliver_pending(limit: int = 500, only: Sequence[int] | None = None) -> int:
    """Run up to `limit` waiting deliveries (of `only` these records, where given); returns how many handlers ran to their end.

    Those of a handler that takes records together are one transaction, of a fixed number of statements. A handler that fails
    is tried again after 2, 4, 8 … seconds, at most an hour, and given up after `Delivery.MAX_ATTEMPTS` with its last error
    kept for the administrator.
    """
    done = taken = 0
    while taken < limit:
        claimed, succeeded = _deliver_next(only, limit - taken)
        if not claimed:
            break
        taken += claimed
        done += succeeded
    return done


@transaction.atomic
def _deliver_next(only: Sequence[int] | None, most: int) -> tuple[int, int]:
    """How many were claimed, at most so many, and with how many of them their handler came to its end."""
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, next_attempt_at__lte=timezone.now())
    if only is not None:
        waiting = waiting.filter(record__in=only)
    waiting = (
        waiting.select_for_update(skip_locked=True, of=("self",))
        .select_related("record__actor")
        .order_by("next_attempt_at", "id")
    )
    first = waiting.first()
    if first is None:
        return 0, 0
    handler = handler_named(first.handler)
    if handler is None or not handler.together:
        return 1, _deliver([first], handler)
    # The lock on the first is this transaction's own, so it is among them.
    claimed = list(waiting.filter(handler=first.handler)[:most])
    succeeded = _deliver(claimed, handler)
    if not succeeded and len(claimed) > 1:
        succeeded = sum(_deliver([one], handler) for one in claimed)
    return len(claimed), succeeded


def _deliver(deliveries: Sequence[Delivery], handler: Handler | None) -> int:
    """Run the handler on these; returns with how many it came to its end: all, or none. Of one alone its failure is noted."""
    try:
        if handler is None:
            raise LookupError(f"No handler is called {deliveries[0].handler} in this version.")
        with transaction.atomic():
            handler.run([one.record for one in deliveries])
    except Exception as error:
        if len(deliveries) > 1:
            logger.warning("Handler %s failed on %d records: each by itself", deliveries[0].handler, len(deliveries))
            return 0
        _note_failure(deliveries[0], error)
        return 0
    Delivery.objects.filter(pk__in=[one.pk for one in deliveries]).update(
        state=Delivery.State.DONE, attempts=F("attempts") + 1, last_error=""
    )
    return len(deliveries)


def _note_failure(delivery: Delivery, error: Exception) -> None:
    logger.error("Handler %s failed on record %s", delivery.handler, delivery.record_id, exc_info=error)
    delivery.attempts += 1
    delivery.last_error = f"{type(error).__name__}: {error}"[:2000]
    pause = min(dt.timedelta(seconds=2**delivery.attempts), _LONGEST_PAUSE)
    delivery.next_attempt_at = timezone.now() + pause
    if delivery.attempts >= Delivery.MAX_ATTEMPTS:
        delivery.state = Delivery.State.FAILED
    delivery.save()


def retry_failed() -> int:
    """Give every failed delivery another round of attempts; returns how many."""
    return Delivery.objects.filter(state=Delivery.State.FAILED).update(
        state=Delivery.State.PENDING, attempts=0, next_attempt_at=timezone.now()
    )
