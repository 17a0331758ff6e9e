"""Jobs and runs through the one door, and the datasets that they read and write as far as the reader may know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.models import Dataset, Tier
from catalog.visibility import scope_of
from common.errors import NotFound
from lineage.models import Direction, Event, Job, JobDataset, Run, RunDataset
from lineage.queries.disclosure import told_uses
from lineage.queries.steps import datasets_among
from lineage.reading.events import Json, told_events

if TYPE_CHECKING:
    from accounts.models import Principal


@dataclass(frozen=True, slots=True)
class Use:
    """A dataset that a job or run reads or writes; `dataset` is None where the reader may not know of it."""

    direction: Direction
    dataset: Dataset | None
    last_at: Any


@dataclass(frozen=True, slots=True)
class Uses:
    """What a job or run reads and writes of what may be told (`lineage.queries.disclosure`), and whether there is more."""

    told: Sequence[Use]
    withholds: bool


def visible_job(principal: Principal, job_id: int) -> Job:
    """The job; raises `NotFound` where there is none or the principal sees none of its datasets."""
    jobs = Job.objects.visible_to(principal).with_overdue(timezone.now())
    found: Job | None = jobs.filter(pk=job_id).first()
    if found is None:
        raise NotFound("There is no such job, or you may not see it.")
    return found


def visible_run(principal: Principal, run_id: UUID) -> Run:
    """The run with its job; raises `NotFound` where there is none or its job may not be seen."""
    runs = Run.objects.visible_to(principal).with_overdue(timezone.now()).select_related("job")
    found: Run | None = runs.filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such run, or you may not see it.")
    return found


def may_read_code(principal: Principal, job: Job) -> bool:
    """Code, facets and raw events name the columns of all that a job touches: the third tier on every one of them."""
    return Job.objects.open_to(principal).filter(pk=job.pk).exists()


def may_read_run(principal: Principal, run: Run) -> bool:
    """The same of a run: the third tier also on all that it touched, whichever job told so.

    The earliest of a run's events says whose run it is, and whoever knows its id may send one.
    """
    if scope_of(principal).everything:
        return True
    if not may_read_code(principal, run.job):
        return False
    standing = Coalesce("dataset__merged_into_id", "dataset_id")
    touched = set(RunDataset.objects.filter(run=run).values_list(standing, flat=True))
    return datasets_among(touched).visible_to(principal, Tier.PROFILE).count() == len(touched)


def uses_of_job(principal: Principal, job: Job) -> Uses:
    """What a job reads, then what it writes, by name; datasets out of the reader's sight come last, without a name."""
    return _uses(
        principal, job.pk, JobDataset.objects.filter(job=job).values_list("direction", "dataset_id", "last_seen")
    )


def uses_of_run(principal: Principal, run: Run) -> Uses:
    """What a run read, then what it wrote, by the datasets that stand for those it named."""
    rows = RunDataset.objects.filter(run=run)
    standing = Coalesce("dataset__merged_into_id", "dataset_id")
    latest: dict[tuple[int, int], Any] = {}
    for direction, dataset_id, at in rows.order_by("last_at").values_list("direction", standing, "last_at"):
        latest[direction, dataset_id] = at
    return _uses(principal, run.job_id, [(*key, at) for key, at in latest.items()])


def _uses(principal: Principal, job: int, links: Iterable[tuple[int, int, Any]]) -> Uses:
    every = list(links)
    may_tell = told_uses(principal, [(job, dataset_id) for _, dataset_id, _ in every])
    rows = [row for row in every if (job, row[1]) in may_tell]
    seen = Dataset.objects.visible_to(principal, Tier.DISCOVER)
    known = seen.defer("search").in_bulk({dataset_id for _, dataset_id, _ in rows})
    found = [Use(Direction(direction), known.get(dataset_id), at) for direction, dataset_id, at in rows]
    found.sort(key=lambda use: (use.direction, use.dataset is None, use.dataset.qualified_name if use.dataset else ""))
    return Uses(found, withholds=len(rows) < len(every))


def events_of_run(principal: Principal, run: Run, limit: int = 100) -> list[tuple[Event, Json]]:
    """The run's events in the log as the principal may know them, in the order of their times; those past the log's
    retention are gone."""
    events = list(Event.objects.filter(run_id=run.pk).order_by("event_time", "digest")[:limit])
    told = told_events(principal, [event.body for event in events])
    return [(event, one) for event, one in zip(events, told, strict=True) if one is not None]
