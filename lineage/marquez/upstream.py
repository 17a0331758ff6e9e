"""Marquez's upstream lineage of a run: what it read, the runs that had made that, and so on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from lineage.marquez import datasets, runs, shapes
from lineage.marquez.shapes import DatasetName, Json
from lineage.models import Run
from lineage.queries import MAX_NODES
from lineage.queries.disclosure import told_uses
from lineage.reading import visible_run

if TYPE_CHECKING:
    from accounts.models import Principal

Made = Mapping[UUID, Mapping[int, UUID]]
"""By run, and by the dataset that it read: the run that had made it."""

# The latest run that wrote a version by the name that the reader was told or, where it was told none, the latest that wrote
# the dataset until it was read. Of what several names stand for, whichever was written.
_MADE_BY = """
    SELECT DISTINCT ON (read.run_id, stands.id) read.run_id, stands.id, near.run_id
    FROM lineage_rundataset AS read
    JOIN catalog_dataset AS own ON own.id = read.dataset_id
    JOIN catalog_dataset AS stands ON stands.id = coalesce(own.merged_into_id, own.id)
    JOIN catalog_dataset AS member ON member.id = stands.id OR member.merged_into_id = stands.id
    JOIN lineage_jobdataset AS link ON link.dataset_id = stands.id AND link.direction = 2
    CROSS JOIN LATERAL (
        SELECT written.run_id, written.last_at FROM lineage_rundataset AS written
        JOIN lineage_run AS run ON run.id = written.run_id
        WHERE written.dataset_id = member.id AND written.direction = 2 AND written.job_id = link.job_id
          AND written.run_id <> read.run_id
          AND written.last_at <= CASE WHEN read.version IS NULL THEN read.first_at ELSE 'infinity' END
          AND (read.version IS NULL OR written.version = read.version)
        ORDER BY written.last_at DESC LIMIT 1
    ) AS near
    WHERE read.run_id = ANY(%s) AND read.direction = 1
    ORDER BY read.run_id, stands.id, near.last_at DESC, near.run_id
"""


def upstream_runs(principal: Principal, run_id: UUID, *, depth: int) -> list[Json]:
    """The run and those that made what it read, up to `depth` runs away, each before those upstream of it.

    Two statements for each step (four for whoever does not see everything) and a fixed number beside them. Runs that the
    principal may not see are not there, nor is anything to which only they lead, or only a reading that may not be told.
    Raises `NotFound`.
    """
    start = visible_run(principal, run_id)
    rows: dict[UUID, Run] = {start.pk: start}
    made: dict[UUID, Mapping[int, UUID]] = {}
    edge = [start.pk]
    for step in range(depth + 1):
        found = _told(principal, rows, _made_by(edge))
        made |= found
        wanted = {maker for of in found.values() for maker in of.values()} - rows.keys()
        if not wanted or step == depth or len(rows) >= MAX_NODES:
            break
        runs_seen = Run.objects.visible_to(principal).select_related("job").filter(pk__in=wanted)
        seen = list(runs_seen.order_by("-began_at", "-pk")[: MAX_NODES - len(rows)])
        rows |= {row.pk: row for row in seen}
        edge = [row.pk for row in seen]
    listed = [rows[pk] for pk in _in_order(start.pk, made, rows.keys())]
    told = runs.shown(principal, listed, open_=())
    tiers = datasets.tiers_of(principal, {pk for of in made.values() for pk in of})
    makers = {maker for of in made.values() for maker in of.values()}
    visible = set(Run.objects.visible_to(principal).filter(pk__in=makers).values_list("pk", flat=True))
    return [
        shapes.upstream_run(
            DatasetName(row.job.namespace, row.job.name),
            one,
            {tiers[pk][1]: by for pk, by in made.get(row.pk, {}).items() if pk in tiers and by in visible},
        )
        for row, one in zip(listed, told, strict=True)
    ]


def _made_by(run_ids: Sequence[UUID]) -> dict[UUID, dict[int, UUID]]:
    found: dict[UUID, dict[int, UUID]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_MADE_BY, [list(run_ids)])
        for run_id, dataset_id, maker in cursor.fetchall():
            found[run_id][dataset_id] = maker
    return found


def _told(principal: Principal, rows: Mapping[UUID, Run], made: Made) -> dict[UUID, Mapping[int, UUID]]:
    """Of who made what was read, that of which the reading may be told."""
    reads = {(rows[run_id].job_id, pk) for run_id, of in made.items() for pk in of}
    told = told_uses(principal, reads)
    return {
        run_id: {pk: by for pk, by in of.items() if (rows[run_id].job_id, pk) in told} for run_id, of in made.items()
    }


def _in_order(start: UUID, made: Made, known: Collection[UUID]) -> list[UUID]:
    """Each run before those that made what it read, but where runs made what each other read."""
    after: list[UUID] = []
    seen = {start}
    waiting = [(start, iter(made.get(start, {}).values()))]
    while waiting:
        run_id, makers = waiting[-1]
        maker = next((one for one in makers if one in known and one not in seen), None)
        if maker is None:
            after.append(run_id)
            waiting.pop()
        else:
            seen.add(maker)
            waiting.append((maker, iter(made.get(maker, {}).values())))
    return after[::-1]
