"""Runs as Marquez shows them, as far as a reader may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from catalog.models import Dataset, Tier
from lineage.marquez import datasets, shapes
from lineage.marquez.counting import counted
from lineage.marquez.shapes import DatasetName, Json, RunFacts
from lineage.models import Direction, Job, JobFacet, Run, RunDataset, RunDatasetFacet, RunFacet
from lineage.queries.disclosure import told_uses
from lineage.reading import may_read_run, visible_run

if TYPE_CHECKING:
    from accounts.models import Principal

_STATISTICS = frozenset({"inputStatistics", "outputStatistics"})
_ALWAYS = ("nominalTime", shapes.CREATED_RUN)
"""Facets that a run cannot be told without, and that hold no code."""


def listed(principal: Principal, job: Job, limit: int, offset: int) -> tuple[list[Json], int]:
    """A job's runs, the latest first, and how many it has; along the index, whatever their number."""
    rows = Run.objects.filter(job=job)
    page = list(rows.select_related("job").order_by("-began_at", "-id")[offset : offset + limit])
    return shown(principal, page), counted(rows)


def one(principal: Principal, run_id: UUID) -> Json:
    """A run; raises `NotFound`."""
    (found,) = shown(principal, [visible_run(principal, run_id)])
    return found


def facets(principal: Principal, run_id: UUID, of: str) -> Json:
    """`{runId, facets}`: those of the run, or of its job; none for whoever may not read the code of all that it touches."""
    run = visible_run(principal, run_id)
    rows = RunFacet.objects.filter(run=run) if of == "run" else JobFacet.objects.filter(job_id=run.job_id)
    found: dict[str, Any] = {}
    if may_read_run(principal, run):
        for row in rows.select_related("content").order_by("name"):
            if row.content is not None and row.name != shapes.CREATED_RUN:
                found[row.name] = row.content.value
    return {"runId": str(run.pk), "facets": found}


def shown(
    principal: Principal,
    runs: Sequence[Run],
    *,
    whole: Collection[UUID] | None = None,
    open_: Collection[int] | None = None,
) -> list[Json]:
    """Runs that were read with their jobs; a fixed number of statements for any number.

    `whole` are those to show with their facets and what they read and wrote, all by default. `open_` are the jobs whose
    code the principal may read, asked for here where they are not given.
    """
    full = {run.pk for run in runs} if whole is None else set(whole)
    if open_ is None:
        jobs = Job.objects.open_to(principal).filter(pk__in={run.job_id for run in runs})
        open_ = set(jobs.values_list("pk", flat=True))
    found = _facets([run.pk for run in runs], full)
    uses, closed = _uses(principal, full)
    return [
        shapes.run(
            RunFacts(
                id=run.pk,
                job=DatasetName(run.job.namespace, run.job.name),
                state=run.state,
                first_at=run.first_at,
                last_at=run.last_at,
                started_at=run.started_at,
                ended_at=run.ended_at,
                version=run.version,
                facets=found.get(run.pk, {}),
                shown_facets=run.pk in full and run.job_id in open_ and run.pk not in closed,
                inputs=uses.get((run.pk, Direction.INPUT), []) if run.pk in full else None,
                outputs=uses.get((run.pk, Direction.OUTPUT), []) if run.pk in full else None,
            )
        )
        for run in runs
    ]


def _facets(ids: Collection[UUID], full: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = RunFacet.objects.filter(Q(run_id__in=full) | Q(run_id__in=ids, name__in=_ALWAYS), content__isnull=False)
    found: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for row in rows.select_related("content").order_by("run_id", "name"):
        if row.content is not None:
            found[row.run_id][row.name] = row.content.value
    return found


def _uses(principal: Principal, ids: Collection[UUID]) -> tuple[dict[tuple[UUID, int], list[Json]], set[UUID]]:
    """What the runs read and wrote, of what may be told, with its version then, and the runs that touched something of which
    not everything may be read; four statements, and two for whoever does not see everything."""
    rows = list(
        RunDataset.objects.filter(run_id__in=ids)
        .order_by("run_id", "direction", "dataset_id")
        .values_list("run_id", "job_id", "direction", "dataset_id", "last_at", "version")
    )
    own = {row[3] for row in rows}
    standing = {pk: into or pk for pk, into in _merged(own)}
    may_tell = told_uses(principal, [(row[1], standing.get(row[3], row[3])) for row in rows])
    tiers = datasets.tiers_of(principal, {standing.get(pk, pk) for pk in own})
    times = datasets.schema_times(tiers.keys())
    told = _use_facets(ids)
    found: dict[tuple[UUID, int], list[Json]] = defaultdict(list)
    for run_id, job_id, direction, dataset_id, last_at, version in rows:
        pk = standing.get(dataset_id, dataset_id)
        if (job_id, pk) not in may_tell or pk not in tiers:
            continue
        tier, named = tiers[pk]
        told_here = told.get((run_id, direction, dataset_id), {})
        id_ = shapes.told_version(pk, version) if version else datasets.version_at(pk, times, last_at)
        open_facets = {name: value for name, value in told_here.items() if _shows(name, tier)}
        found[run_id, direction].append(shapes.used_version(named, id_, open_facets))
    closed = {row[0] for row in rows if tiers.get(standing.get(row[3], row[3]), (Tier.NONE,))[0] < Tier.PROFILE}
    return found, closed


def _merged(own: Collection[int]) -> list[tuple[int, int | None]]:
    return list(Dataset.objects.filter(pk__in=own).order_by().values_list("pk", "merged_into_id"))


def _shows(name: str, tier: int) -> bool:
    return tier >= (Tier.METADATA if name in _STATISTICS else Tier.PROFILE)


def _use_facets(ids: Collection[UUID]) -> Mapping[tuple[UUID, int, int], dict[str, Any]]:
    rows = RunDatasetFacet.objects.filter(run_id__in=ids, content__isnull=False).select_related("content")
    found: dict[tuple[UUID, int, int], dict[str, Any]] = defaultdict(dict)
    for row in rows.order_by("name"):
        if row.content is not None:
            found[row.run_id, row.direction, row.dataset_id][row.name] = row.content.value
    return found
