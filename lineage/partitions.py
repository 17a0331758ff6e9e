"""The months of the event log: made ahead, and let go of after their time. What was folded from an event stays."""

from __future__ import annotations

import datetime as dt
import time

from django.conf import settings
from django.db import connection
from django.utils import timezone

_MAKE = """
    SELECT count(*) FILTER (WHERE lineage_make_event_partition(day::date))
    FROM generate_series(
        date_trunc('month', now() AT TIME ZONE 'UTC'),
        now() AT TIME ZONE 'UTC' + make_interval(months => %s),
        interval '1 month'
    ) AS day
"""

_FORGET = """
    WITH old AS (
        SELECT received_at, id FROM lineage_event AS event
        WHERE received_at < %(before)s
          AND NOT EXISTS (SELECT 1 FROM lineage_pendingevent AS waiting WHERE waiting.event_id = event.id)
          AND NOT EXISTS (SELECT 1 FROM lineage_setasideevent AS aside WHERE aside.event_id = event.id)
        ORDER BY received_at, id
        LIMIT %(at_most)s
    )
    DELETE FROM lineage_event AS event USING old
    WHERE event.received_at = old.received_at AND event.id = old.id AND event.received_at < %(before)s
"""
_FORGOTTEN_AT_ONCE = 5000


def make_partitions_ahead(months: int = 3) -> int:
    """Make the partitions of this month and the next ones where they are lacking; returns how many were made."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [months])
        made: int = cursor.fetchone()[0]
    return made


def forget_old_events(*, seconds: float = 40.0) -> tuple[int, int]:
    """Let go of events that came more than `LINEAGE_EVENT_RETENTION_DAYS` ago, for about so many seconds at most.

    Whole months are dropped; of the month in which the time limit falls, the rows before it are deleted, and of one that
    holds an event which waits or was set aside, all others. Returns how many months and how many single events went. State
    that was folded from them is another table's, and stays.
    """
    if not settings.LINEAGE_EVENT_RETENTION_DAYS:
        return 0, 0
    before = timezone.now() - dt.timedelta(days=settings.LINEAGE_EVENT_RETENTION_DAYS)
    until = time.monotonic() + seconds
    with connection.cursor() as cursor:
        cursor.execute("SELECT lineage_drop_event_months(%s)", [before])
        dropped: int = cursor.fetchone()[0]
        deleted = 0
        while time.monotonic() < until:
            cursor.execute(_FORGET, {"before": before, "at_most": _FORGOTTEN_AT_ONCE})
            deleted += cursor.rowcount
            if cursor.rowcount < _FORGOTTEN_AT_ONCE:
                break
    return dropped, deleted
