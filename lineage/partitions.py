"""The months of the event log."""

from __future__ import annotations

from django.db import connection

_MAKE = """
    SELECT count(*) FILTER (WHERE lineage_make_event_partition(day::date))
    FROM generate_series(
        date_trunc('month', now() AT TIME ZONE 'UTC'),
        now() AT TIME ZONE 'UTC' + make_interval(months => %s),
        interval '1 month'
    ) AS day
"""


def make_partitions_ahead(months: int = 3) -> int:
    """Make the partitions of this month and the next ones where they are lacking; returns how many were made."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, [months])
        made: int = cursor.fetchone()[0]
    return made
