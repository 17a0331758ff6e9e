"""Deliver records to their handlers: claimed with SKIP LOCKED, so that any number of workers may deliver at once."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from audit.handlers import handler_named
from audit.models import Delivery

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = dt.timedelta(hours=1)


def deliver_pending(limit: int = 500, only: Sequence[int] | None = None) -> int:
    """Run up to `limit` waiting deliveries (of `only` these records, where given); returns how many handlers ran to their end.

    A handler that fails is tried again after 2, 4, 8 … seconds, at most an hour, and given up after
    `Delivery.MAX_ATTEMPTS` with its last error kept for the administrator.
    """
    done = 0
    for _ in range(limit):
        outcome = _deliver_one(only)
        if outcome is None:
            break
        done += outcome
    return done


def _deliver_one(only: Sequence[int] | None) -> bool | None:
    with transaction.atomic():
        waiting = Delivery.objects.filter(state=Delivery.State.PENDING, next_attempt_at__lte=timezone.now())
        if only is not None:
            waiting = waiting.filter(record__in=only)
        delivery = (
            waiting.select_for_update(skip_locked=True, of=("self",))
            .select_related("record__actor")
            .order_by("next_attempt_at", "id")
            .first()
        )
        if delivery is None:
            return None
        handler = handler_named(delivery.handler)
        delivery.attempts += 1
        try:
            if handler is None:
                raise LookupError(f"No handler is called {delivery.handler} in this version.")
            with transaction.atomic():
                handler(delivery.record)
        except Exception as error:
            logger.exception("Handler %s failed on record %s", delivery.handler, delivery.record_id)
            delivery.last_error = f"{type(error).__name__}: {error}"[:2000]
            pause = min(dt.timedelta(seconds=2**delivery.attempts), _LONGEST_PAUSE)
            delivery.next_attempt_at = timezone.now() + pause
            if delivery.attempts >= Delivery.MAX_ATTEMPTS:
                delivery.state = Delivery.State.FAILED
            delivery.save()
            return False
        delivery.state = Delivery.State.DONE
        delivery.last_error = ""
        delivery.save()
        return True


def retry_failed() -> int:
    """Give every failed delivery another round of attempts; returns how many."""
    return Delivery.objects.filter(state=Delivery.State.FAILED).update(
        state=Delivery.State.PENDING, attempts=0, next_attempt_at=timezone.now()
    )
