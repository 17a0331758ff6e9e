"""Jobs and runs as pages and REST show them: found through the one door, with what the reader may read of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from catalog.models import Dataset, Tier
from common.errors import NotFound
from lineage.models import Direction, Event, FacetRegister, Job, JobDataset, Run, RunDataset

if TYPE_CHECKING:
    from accounts.models import Principal


@dataclass(frozen=True, slots=True)
class Use:
    """A dataset that a job or run reads or writes; `dataset` is None where the reader may not know of it."""

    direction: Direction
    dataset: Dataset | None
    last_at: Any


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet as it is kept: everything in it, readable, whether this product knows the facet or not."""

    name: str
    at: Any
    value: Any


def visible_job(principal: Principal, job_id: int) -> Job:
    """The job; raises `NotFound` where there is none or the principal sees none of its datasets."""
    found: Job | None = Job.objects.visible_to(principal).filter(pk=job_id).first()
    if found is None:
        raise NotFound("There is no such job, or you may not see it.")
    return found


def visible_run(principal: Principal, run_id: UUID) -> Run:
    """The run with its job; raises `NotFound` where there is none or its job may not be seen."""
    found: Run | None = Run.objects.visible_to(principal).select_related("job").filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such run, or you may not see it.")
    return found


def may_read_code(principal: Principal, job: Job) -> bool:
    """Code, facets and raw events name the columns of all that a job touches: the third tier on every one of them."""
    return Job.objects.open_to(principal).filter(pk=job.pk).exists()


def uses_of_job(principal: Principal, job: Job) -> list[Use]:
    """What a job reads, then what it writes, by name; datasets out of the reader's sight come last, without a name."""
    return _uses(principal, JobDataset.objects.filter(job=job).values_list("direction", "dataset_id", "last_seen"))


def uses_of_run(principal: Principal, run: Run) -> list[Use]:
    return _uses(principal, RunDataset.objects.filter(run=run).values_list("direction", "dataset_id", "last_at"))


def _uses(principal: Principal, links: Iterable[tuple[int, int, Any]]) -> list[Use]:
    rows = list(links)
    seen = Dataset.objects.visible_to(principal, Tier.DISCOVER)
    known = seen.defer("search").in_bulk({dataset_id for _, dataset_id, _ in rows})
    found = [Use(Direction(direction), known.get(dataset_id), at) for direction, dataset_id, at in rows]
    return sorted(
        found, key=lambda use: (use.direction, use.dataset is None, use.dataset.qualified_name if use.dataset else "")
    )


def facets_of(rows: Iterable[FacetRegister]) -> list[Facet]:
    """The facets that stand, by name; those that were deleted are left out."""
    standing = [Facet(row.name, row.at, row.content.value) for row in rows if row.content is not None]
    return sorted(standing, key=lambda facet: facet.name)


def job_facets(job: Job) -> list[Facet]:
    return facets_of(job.facets.select_related("content"))


def run_facets(run: Run) -> list[Facet]:
    return facets_of(run.facets.select_related("content"))


def facet_value(facets: Sequence[Facet], name: str, *path: str) -> str:
    """A text inside a facet, or "" where there is none: `facet_value(facets, "sql", "query")`."""
    value: Any = next((facet.value for facet in facets if facet.name == name), None)
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def events_of_run(run: Run, limit: int = 100) -> list[Event]:
    """The run's events in the log, in the order of their times; those past the log's retention are gone."""
    return list(Event.objects.filter(run_id=run.pk).order_by("event_time", "digest")[:limit])
