"""How much depends on each dataset, as `lineage` counts it: written where search and pages read it. No audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connection, transaction

_AT_ONCE: Final = 5_000

_PUSH = """
    WITH locked AS (
        SELECT dataset.id, pushed.criticality
        FROM unnest(%s::bigint[], %s::int[]) AS pushed (id, criticality)
        JOIN catalog_dataset AS dataset ON dataset.id = pushed.id
        WHERE dataset.criticality <> pushed.criticality
        ORDER BY dataset.id FOR NO KEY UPDATE OF dataset
    )
    UPDATE catalog_dataset AS dataset SET criticality = locked.criticality
    FROM locked WHERE dataset.id = locked.id
"""

_OTHERS = "SELECT id FROM catalog_dataset WHERE criticality > 0"


def push_criticality(counts: Mapping[int, int]) -> int:
    """Write the criticality of these datasets, and 0 for all others; gives how many changed.

    Each 5,000 datasets are a transaction of their own: a catalog at work is not held up.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS)
        wanted = dict.fromkeys((pk for (pk,) in cursor.fetchall()), 0) | dict(counts)
    changed = 0
    ordered = sorted(wanted.items())
    for start in range(0, len(ordered), _AT_ONCE):
        part = ordered[start : start + _AT_ONCE]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_PUSH, [[pk for pk, _ in part], [count for _, count in part]])
            changed += cursor.rowcount
    return changed
