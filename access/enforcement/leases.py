"""Whose turn it is with a source: a lease with a fence, renewed beside the work. See `ingestion.leases` for the idea."""

from __future__ import annotations

import datetime as dt
import logging
import threading

from django.db import connection, connections
from django.db.models import F, Q
from django.utils import timezone

from access.models import Enforcement

logger = logging.getLogger(__name__)

HELD_SECONDS = 20.0
"""A reconciler that fell silent for this long is thought dead, and another one may begin."""

BEAT_SECONDS = 4.0

CHECK_EVERY = dt.timedelta(minutes=5)
"""Every enforced source is compared this often, whether or not anything asked for it."""

RETRY_EVERY = dt.timedelta(seconds=15)
"""A source that did not answer is tried this often: within a minute of answering again it has what it should."""


class LeaseLost(Exception):
    """Another reconciler holds the source by now: stop, and write nothing."""


def due_sources() -> list[int]:
    """Sources that nobody holds and that something was asked for, that failed a while ago, or whose check is due."""
    now = timezone.now()
    free = Q(held_until__isnull=True) | Q(held_until__lt=now)
    failed = Q(failed_since__isnull=False) & (Q(tried_at__isnull=True) | Q(tried_at__lt=now - RETRY_EVERY))
    asked = Q(failed_since__isnull=True, asked_at__isnull=False)
    stale = Q(failed_since__isnull=True) & (Q(checked_at__isnull=True) | Q(checked_at__lt=now - CHECK_EVERY))
    due = Enforcement.objects.exclude(mode=Enforcement.Mode.OFF).filter(free, failed | asked | stale)
    return list(due.order_by(F("asked_at").asc(nulls_last=True)).values_list("source_id", flat=True)[:200])


class Lease:
    """Holds a source for one reconciler while the block lasts; a thread renews it."""

    def __init__(self, enforcement_id: int, fence: int) -> None:
        self.enforcement_id = enforcement_id
        self.fence = fence
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-of-enforcement-{enforcement_id}", daemon=True)

    @classmethod
    def claim(cls, source_id: int) -> Lease | None:
        """The lease, or None where somebody else holds it or enforcement is off."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE access_enforcement
                SET fence = fence + 1, held_until = %(until)s, tried_at = %(now)s
                WHERE source_id = %(source)s AND mode <> 'off' AND (held_until IS NULL OR held_until < %(now)s)
                RETURNING id, fence
                """,
                {"source": source_id, "now": timezone.now(), "until": _until()},
            )
            row = cursor.fetchone()
        return cls(*row) if row else None

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        Enforcement.objects.filter(pk=self.enforcement_id, fence=self.fence).update(held_until=None)

    def check(self) -> None:
        """Raises `LeaseLost` unless the source is still this reconciler's."""
        mine = Enforcement.objects.filter(pk=self.enforcement_id, fence=self.fence)
        if not mine.update(held_until=_until()):
            raise LeaseLost

    def lock(self) -> Enforcement:
        """The row, locked for the transaction that writes under this lease. Raises `LeaseLost`."""
        held = Enforcement.objects.select_for_update(of=("self",)).filter(pk=self.enforcement_id, fence=self.fence)
        row: Enforcement | None = held.select_related("source__connection").first()
        if row is None:
            raise LeaseLost
        return row

    def _renew(self) -> None:
        try:
            while not self._stop.wait(BEAT_SECONDS):
                try:
                    Enforcement.objects.filter(pk=self.enforcement_id, fence=self.fence).update(held_until=_until())
                except Exception:
                    # The database may be restarting: a lease that is not renewed ends by itself.
                    logger.warning("The lease of enforcement %s was not renewed.", self.enforcement_id, exc_info=True)
                    connection.close()
        finally:
            connections.close_all()


def _until() -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=HELD_SECONDS)
