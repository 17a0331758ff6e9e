"""A union in place of OR: rows that one of several conditions lets through, each looked for by an index of its own.

Of conditions with OR between them PostgreSQL asks each row of the table; those of a union it plans apart, and reads what they
lead to, or asks the rows that are wanted anyway, whichever is less.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])


def where_any(rows: Rows, conditions: Iterable[Q]) -> Rows:
    """Those of `rows` for which one of the conditions holds."""
    return rows.filter(pk__in=ids_where_any(rows.model._base_manager.all(), conditions))


def ids_where_any(rows: QuerySet[Any], conditions: Iterable[Q]) -> QuerySet[Any, Any]:
    """The ids of `rows` for which one of the conditions holds, for `…__in`; those of several come more than once."""
    first, *others = [rows.filter(condition).order_by().values("pk") for condition in conditions]
    return first.union(*others, all=True) if others else first
