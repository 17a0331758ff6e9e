"""The runs that one root run started, near and far: the family of a run."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from lineage.models import Run

if TYPE_CHECKING:
    from accounts.models import Principal

MOST_RUNS = 500
_DEEPEST = 32

# A run hangs below the run that started it or, where that one never reported, below the root that it names. Whoever sends
# events chooses these, so that a run may be its own forebear: no run is walked through twice.
_ROOT = """
    WITH RECURSIVE up (id, parent, root, way) AS (
        SELECT id, parent, root, ARRAY[id] FROM lineage_run WHERE id = %(run)s
        UNION ALL
        SELECT above.id, above.parent, above.root, up.way || above.id
        FROM up CROSS JOIN LATERAL (
            SELECT id, parent, root FROM lineage_run WHERE id IN (up.parent, up.root)
            ORDER BY (id = up.parent) IS TRUE DESC LIMIT 1
        ) AS above
        WHERE above.id <> ALL(up.way) AND cardinality(up.way) < %(deepest)s
    )
    SELECT up.id, coalesce(up.root, up.parent),
           EXISTS (SELECT FROM lineage_run AS known WHERE known.id IN (up.parent, up.root))
    FROM up ORDER BY cardinality(up.way) DESC LIMIT 1
"""

_BELOW = """
    WITH RECURSIVE below (id, above, began_at, way) AS (
        SELECT %(root)s::uuid, NULL::uuid, NULL::timestamptz, ARRAY[%(root)s::uuid]
        UNION ALL
        SELECT next.id, below.id, next.began_at, below.way || next.id
        FROM below CROSS JOIN LATERAL (
            SELECT id, began_at FROM lineage_run WHERE parent = below.id
            UNION ALL
            SELECT run.id, run.began_at FROM lineage_run AS run
            WHERE run.root = below.id AND run.parent IS DISTINCT FROM below.id
              AND NOT EXISTS (SELECT FROM lineage_run AS known WHERE known.id = run.parent)
        ) AS next
        WHERE next.id <> ALL(below.way) AND cardinality(below.way) <= %(deepest)s
    )
    SELECT id, above FROM below WHERE above IS NOT NULL ORDER BY cardinality(way), began_at, id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Family:
    """A root run and what it started, near and far: below which run each hangs, and those of them that the reader sees,
    with their jobs.

    Of a root that no event tells of, only the runs that name it are known: `unheard`. `more` says that there are more runs
    than these, which are those nearest to the root.
    """

    root: UUID
    unheard: bool
    parents: dict[UUID, UUID | None]
    runs: dict[UUID, Run]
    more: bool


def family_of(principal: Principal, run: Run, now: dt.datetime) -> Family:
    """The whole tree that the run is part of, from the run that nobody started; three statements."""
    with connection.cursor() as cursor:
        cursor.execute(_ROOT, {"run": run.pk, "deepest": _DEEPEST})
        root, above, known = cursor.fetchone()
        unheard = above is not None and not known
        if unheard:
            root = above
        cursor.execute(_BELOW, {"root": root, "deepest": _DEEPEST, "limit": MOST_RUNS + 1})
        found = cursor.fetchall()
    parents: dict[UUID, UUID | None] = {root: None, **dict(found[:MOST_RUNS])}
    seen = Run.objects.visible_to(principal).with_overdue(now).select_related("job").filter(pk__in=parents)
    return Family(root, unheard, parents, {one.pk: one for one in seen}, len(found) > MOST_RUNS)
