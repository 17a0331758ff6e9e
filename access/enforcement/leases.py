"""Whose turn it is with a source: a lease with a fence, renewed beside the work. See `ingestion.leases` for the idea."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import threading

from django.db import connection, connections, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from access.models import Enforcement, Grant
from access.states import GRANT_ENDING
from connections.targets import Target

logger = logging.getLogger(__name__)

HELD_SECONDS = 20.0
"""A reconciler that fell silent for this long is thought dead, and another one may begin."""

BEAT_SECONDS = 4.0

CHECK_EVERY = dt.timedelta(minutes=5)
"""Every enforced source is compared this often, whether or not anything asked for it."""

RETRY_EVERY = dt.timedelta(seconds=15)
"""A source that did not answer is tried this often; where several hang, it is asked this often whether it answers again
(`knocking`). So it has what it should within a minute of answering.
"""

AT_ONCE_SECONDS = 3
"""So long a worker waits for a source's connection. Few workers serve many sources: one that takes longer is tried again
with all the patience that its address allows, but one such source at a time, so that those which answer do not wait.
"""

ANSWER_SECONDS = 6
"""The same of each statement on that connection; longer than a source waits for a lock, unless its address says so. Ten
thousand grants on one PostgreSQL take a second.
"""


def hurried(target: Target) -> Target:
    """A source with no more patience than a worker has whom others wait for."""
    return dataclasses.replace(
        target,
        connect_seconds=min(target.connect_seconds, AT_ONCE_SECONDS),
        answer_seconds=min(target.silence_seconds, ANSWER_SECONDS),
    )


class LeaseLost(Exception):
    """Another reconciler holds the source by now: stop, and write nothing."""


def due_sources() -> list[int]:
    """Sources whose turn it is, those that answer at once before one that hangs."""
    turns = _turns()
    answering = turns.filter(hung_at__isnull=True).order_by(F("asked_at").asc(nulls_last=True))
    hanging = turns.filter(hung_at__isnull=False).order_by(F("tried_at").asc(nulls_first=True))
    return [*answering.values_list("source_id", flat=True)[:200], *hanging.values_list("source_id", flat=True)[:1]]


def ending_sources() -> list[int]:
    """Those of the due sources, but for such as hang, in which somebody still reads by a grant that is over."""
    over = Grant.objects.filter(state__in=GRANT_ENDING, dataset__source=OuterRef("source"))
    turns = _turns().filter(Exists(over), hung_at__isnull=True)
    return list(turns.order_by(F("asked_at").asc(nulls_last=True)).values_list("source_id", flat=True)[:200])


def _turns() -> QuerySet[Enforcement]:
    """Those that nobody holds and that something was asked for, that failed a while ago, or whose check is due. One that
    hangs waits until no other that hangs is held.
    """
    now = timezone.now()
    free = Q(held_until__isnull=True) | Q(held_until__lt=now)
    failed = Q(failed_since__isnull=False) & (Q(tried_at__isnull=True) | Q(tried_at__lt=now - RETRY_EVERY))
    asked = Q(failed_since__isnull=True, asked_at__isnull=False)
    stale = Q(failed_since__isnull=True) & (Q(checked_at__isnull=True) | Q(checked_at__lt=now - CHECK_EVERY))
    held = Enforcement.objects.filter(hung_at__isnull=False, held_until__gte=now)
    alone = Q(hung_at__isnull=True) | ~Exists(held)
    return Enforcement.objects.exclude(mode=Enforcement.Mode.OFF).filter(free, failed | asked | stale, alone)


class Lease:
    """Holds a source for one reconciler while the block lasts; a thread renews it. `hangs`: it did when last tried."""

    def __init__(self, enforcement_id: int, fence: int, hangs: bool = False) -> None:
        self.enforcement_id = enforcement_id
        self.fence = fence
        self.hangs = hangs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease-of-enforcement-{enforcement_id}", daemon=True)

    @classmethod
    def claim(cls, source_id: int, *, in_turn: bool = False) -> Lease | None:
        """The lease, or None where somebody else holds it or enforcement is off; `in_turn`: or it is not its turn."""
        with transaction.atomic(), connection.cursor() as cursor:
            if in_turn:
                if Enforcement.objects.filter(source_id=source_id, hung_at__isnull=False).exists():
                    # Whether another that hangs is held must not change between the look and the claim.
                    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('access.enforcement.leases'))")
                if not _turns().filter(source_id=source_id).exists():
                    return None
            cursor.execute(
                """
                UPDATE access_enforcement
                SET fence = fence + 1, held_until = %(until)s, tried_at = %(now)s
                WHERE source_id = %(source)s AND mode <> 'off' AND (held_until IS NULL OR held_until < %(now)s)
                RETURNING id, fence, hung_at IS NOT NULL
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

    def note_hanging(self, *, hangs: bool) -> None:
        """Whether the source kept this reconciler waiting."""
        if hangs or self.hangs:
            mine = Enforcement.objects.filter(pk=self.enforcement_id, fence=self.fence)
            mine.update(hung_at=timezone.now() if hangs else None)

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
