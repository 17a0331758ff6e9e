"""How far the fold is behind."""

from __future__ import annotations

from django.db import connection

_COUNTED_AT_MOST = 10_000

_LAG = """
    SELECT (SELECT count(*) FROM (SELECT 1 FROM lineage_pendingevent LIMIT %s) AS counted),
           coalesce(extract(epoch FROM clock_timestamp() - (
               SELECT received_at FROM lineage_pendingevent ORDER BY event_id LIMIT 1
           )), 0)::float
"""


def fold_lag() -> tuple[int, float]:
    """How many events wait (counted up to 10,000) and for how many seconds the oldest has; (0, 0.0) when none."""
    with connection.cursor() as cursor:
        cursor.execute(_LAG, [_COUNTED_AT_MOST])
        pending, seconds = cursor.fetchone()
    return pending, max(seconds, 0.0)
