"""What a sweep takes of what is due."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

BATCH = 500

Row = TypeVar("Row", bound=Model)


def claim(due: QuerySet[Row], *related: str, first: str) -> list[Row]:
    """At most `BATCH` of these rows, those with the least `first` before others, with what they relate to.

    They are locked until the transaction ends, and what another worker holds is left out: any number of workers may
    sweep at once.
    """
    locked = due.select_for_update(of=("self",), skip_locked=True)
    return list(locked.select_related(*related).order_by(first)[:BATCH])
