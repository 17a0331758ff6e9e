"""Jobs and their versions as Marquez shows them, as far as a reader may see."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Max, Min

from catalog.models import Dataset
from common.errors import NotFound
from lineage.marquez import runs, shapes
from lineage.marquez.counting import counted
from lineage.marquez.names import standing_jobs
from lineage.marquez.shapes import DatasetName, Json
from lineage.models import Direction, Job, JobDataset, JobFacet, JobOrigin, Run
from lineage.queries.disclosure import told_uses

if TYPE_CHECKING:
    from accounts.models import Principal

Span = tuple[dt.datetime | None, dt.datetime | None]
LATEST = 10
"""So many runs of a job are shown with it."""

_PARENTS = UUID("5a5a1f0e-4a0b-4a56-8d7c-b1b3f0a2c001")


def listed(
    principal: Principal, limit: int, offset: int, *, namespace: str = "", states: Collection[str] = ()
) -> tuple[list[Json], int]:
    """Jobs by name, of one namespace or all, with a latest run in one of `states` where any are given; and how many."""
    found = standing_jobs(principal).filter(origin=JobOrigin.PIPELINE)
    if namespace:
        found = found.filter(namespace=namespace)
    if states:
        found = found.filter(latest_state__in=states)
    return shown(principal, list(found.order_by("name", "pk")[offset : offset + limit])), counted(found)


def one(principal: Principal, job: Job) -> Json:
    (found,) = shown(principal, [job])
    return found


_LATEST_RUNS = """
    SELECT run.* FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT * FROM lineage_run WHERE job_id = wanted.id ORDER BY began_at DESC, id DESC LIMIT %s
    ) AS run
"""


def shown(principal: Principal, jobs: Sequence[Job]) -> list[Json]:
    """Jobs with their ten latest runs, of which the latest is whole; a fixed number of statements for any number."""
    ids = [job.pk for job in jobs]
    by_id = {job.pk: job for job in jobs}
    open_ = set(Job.objects.open_to(principal).filter(pk__in=ids).values_list("pk", flat=True))
    latest: dict[int, list[Run]] = defaultdict(list)
    for run in Run.objects.raw(_LATEST_RUNS, [ids, LATEST]):
        run.job = by_id[run.job_id]
        latest[run.job_id].append(run)
    for of in latest.values():
        of.sort(key=lambda run: (run.began_at, run.pk), reverse=True)
    every = [run for of in latest.values() for run in of]
    whole = {of[0].pk for of in latest.values()}
    told = {
        run.pk: one_ for run, one_ in zip(every, runs.shown(principal, every, whole=whole, open_=open_), strict=True)
    }
    uses = _uses(principal, ids, latest)
    times = times_of(jobs)
    facets = _facets(open_)
    parents = _parents(principal, [of[0] for of in latest.values()])
    return [
        shapes.job(
            DatasetName(job.namespace, job.name),
            created_at=times[job.pk][0],
            updated_at=times[job.pk][1],
            inputs=uses.get((job.pk, Direction.INPUT), ()),
            outputs=uses.get((job.pk, Direction.OUTPUT), ()),
            facets=facets.get(job.pk, {}),
            latest_runs=[told[run.pk] for run in latest.get(job.pk, ())],
            version=next((run.version for run in latest.get(job.pk, ()) if run.version), None),
            parent=parents.get(latest[job.pk][0].parent) if job.pk in latest else None,
        )
        for job in jobs
    ]


def times_of(jobs: Iterable[Job]) -> dict[int, Span]:
    """When each job was first heard of, and when last; a statement where there are views, which are heard of with what
    they read."""
    found: dict[int, Span] = {job.pk: (job.first_seen, job.last_seen) for job in jobs}
    silent = [pk for pk, (first, _) in found.items() if first is None]
    if silent:
        rows = JobDataset.objects.filter(job_id__in=silent).order_by().values_list("job_id")
        spans = rows.annotate(first=Min("first_seen"), last=Max("last_seen"))
        found |= {pk: (first, last) for pk, first, last in spans}
    return found


def _facets(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    rows = JobFacet.objects.filter(job_id__in=ids, content__isnull=False).select_related("content")
    for row in rows.order_by("job_id", "name"):
        if row.content is not None:
            found[row.job_id][row.name] = row.content.value
    return found


def _uses(
    principal: Principal, ids: Collection[int], latest: Mapping[int, Sequence[Run]]
) -> dict[tuple[int, int], list[DatasetName]]:
    """What the jobs read and write now, of what may be told: since the latest run that completed began.

    Of a job that never ran, what the last declaration names. Two statements, and two for whoever does not see everything.
    """
    links = list(
        JobDataset.objects.filter(job_id__in=ids).values_list("job_id", "direction", "dataset_id", "last_seen")
    )
    last: dict[int, dt.datetime] = {}
    for job_id, _, _, at in links:
        last[job_id] = max(at, last.get(job_id, at))
    since = {
        job_id: next((run.began_at for run in of if run.completed_at is not None), None)
        for job_id, of in latest.items()
    }
    standing = [
        (job_id, direction, pk) for job_id, direction, pk, at in links if at >= (since.get(job_id, last[job_id]) or at)
    ]
    told = told_uses(principal, [(job_id, pk) for job_id, _, pk in standing])
    rows = Dataset.objects.filter(pk__in={pk for _, pk in told}).visible_to(principal).order_by()
    names = {pk: DatasetName(*key) for pk, *key in rows.values_list("pk", "namespace", "qualified_name")}
    found: dict[tuple[int, int], list[DatasetName]] = defaultdict(list)
    for job_id, direction, pk in standing:
        if (job_id, pk) in told and pk in names:
            found[job_id, direction].append(names[pk])
    return {key: sorted(of, key=lambda one_: (one_.namespace, one_.name)) for key, of in found.items()}


def _parents(principal: Principal, latest: Sequence[Run]) -> dict[UUID | None, tuple[str, UUID]]:
    """The jobs whose runs started these, by the parent run; an id of theirs that never changes stands for them."""
    wanted = {run.parent for run in latest if run.parent is not None}
    rows = Run.objects.visible_to(principal).filter(pk__in=wanted).exclude(job__name="").select_related("job")
    return {row.pk: (row.job.name, uuid5(_PARENTS, f"{row.job.namespace}\n{row.job.name}")) for row in rows}


# A loose scan of the index: one step for each version, however many runs it has.
_VERSIONS = """
    WITH RECURSIVE version (id) AS (
        (SELECT version FROM lineage_run
         WHERE job_id = %(job)s AND version IS NOT NULL AND completed_at IS NOT NULL ORDER BY version LIMIT 1)
        UNION ALL
        SELECT (
            SELECT run.version FROM lineage_run AS run
            WHERE run.job_id = %(job)s AND run.version > version.id AND run.completed_at IS NOT NULL
            ORDER BY run.version LIMIT 1
        ) FROM version WHERE version.id IS NOT NULL
    )
    SELECT version.id, first.began_at, last.id
    FROM version
    CROSS JOIN LATERAL (
        SELECT began_at FROM lineage_run
        WHERE job_id = %(job)s AND version = version.id AND completed_at IS NOT NULL ORDER BY began_at LIMIT 1
    ) AS first
    CROSS JOIN LATERAL (
        SELECT id, began_at FROM lineage_run
        WHERE job_id = %(job)s AND version = version.id AND completed_at IS NOT NULL ORDER BY began_at DESC LIMIT 1
    ) AS last
    WHERE version.id IS NOT NULL
    ORDER BY last.began_at DESC, version.id
"""


def versions(principal: Principal, job: Job, limit: int, offset: int) -> tuple[list[Json], int]:
    """The versions of a job, the one that ran last first, and how many there are."""
    found = _versions(job)
    return _shown_versions(principal, job, found[offset : offset + limit]), len(found)


def version(principal: Principal, job: Job, version_id: UUID) -> Json:
    """One version; raises `NotFound`."""
    found = [one_ for one_ in _versions(job) if one_[0] == version_id]
    if not found:
        raise NotFound("The job has no such version.")
    (shown_one,) = _shown_versions(principal, job, found)
    return shown_one


def _versions(job: Job) -> list[tuple[UUID, dt.datetime, UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, {"job": job.pk})
        return cursor.fetchall()


def _shown_versions(principal: Principal, job: Job, page: Sequence[tuple[UUID, dt.datetime, UUID]]) -> list[Json]:
    rows = Run.objects.filter(pk__in=[run_id for _, _, run_id in page]).select_related("job")
    told = {row.pk: one_ for row, one_ in zip(rows, runs.shown(principal, list(rows)), strict=True)}
    open_ = Job.objects.open_to(principal).filter(pk=job.pk).exists()
    facets = _facets([job.pk])[job.pk] if open_ else {}
    return [
        shapes.job_version(
            DatasetName(job.namespace, job.name),
            version_id,
            created_at=at,
            latest_run=told[run_id],
            facets=facets,
        )
        for version_id, at, run_id in page
    ]


def namespaces_of(principal: Principal) -> dict[str, tuple[dt.datetime | None, dt.datetime | None]]:
    """When the first job of each namespace was seen, and when the last; one statement."""
    rows = standing_jobs(principal).filter(origin=JobOrigin.PIPELINE).order_by().values_list("namespace")
    return {name: (first, last) for name, first, last in rows.annotate(first=Min("first_seen"), last=Max("last_seen"))}
