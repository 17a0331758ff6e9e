"""How many there are, up to where counting costs more than it tells."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

COUNTED_AT_MOST = 100_000


def counted(rows: QuerySet[Any, Any]) -> int:
    """The number of rows, and 100,000 for any number beyond."""
    return rows.order_by()[:COUNTED_AT_MOST].count()
