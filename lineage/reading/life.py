"""What happened to a dataset as a whole: created, altered, overwritten, emptied, renamed, dropped, as pipelines told it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from catalog.models import Dataset
from common.pagination import Page, page_of
from lineage.models import Job, LifeChange, LifeKind, Run
from lineage.reading.members import members_of

if TYPE_CHECKING:
    from accounts.models import Principal

LIFE_ORDER = ("-last_at", "dataset_id", "told_in", "kind", "previous")


@dataclass(frozen=True, slots=True)
class LifeEntry:
    """A change with what the reader may know of it.

    `name` is the dataset's name where it was told of one merged into it, else "". `previous` is the former dataset of a
    rename; None without one, or where the reader may not know of it, which `is_previous_hidden` says.
    """

    kind: LifeKind
    at: dt.datetime
    first_at: dt.datetime
    name: str
    previous: Dataset | None
    is_previous_hidden: bool
    run: Run | None
    job: Job | None


def life_changes(dataset: Dataset) -> QuerySet[LifeChange]:
    """Changes of the dataset and of those merged into it, to be read in `LIFE_ORDER`."""
    rows = LifeChange.objects.filter(dataset__in=members_of(dataset)).select_related("dataset")
    return rows.defer("dataset__search", "dataset__definition")


def life_of(dataset: Dataset, *, cursor: str | None = None, size: int = 10) -> Page[LifeChange]:
    """A page of them, the latest first; `told_life` dresses them. Two statements."""
    return page_of(life_changes(dataset), order=LIFE_ORDER, cursor=cursor, size=size)


def told_life(principal: Principal, dataset: Dataset, changes: Sequence[LifeChange]) -> list[LifeEntry]:
    """The changes as the reader may know them; three statements for any number, none for none."""
    if not changes:
        return []
    former = Dataset.objects.visible_to(principal).defer("search", "definition")
    known = former.in_bulk({change.previous for change in changes if change.previous})
    runs = Run.objects.visible_to(principal).select_related("job").in_bulk({change.told_in for change in changes})
    jobs = Job.objects.visible_to(principal).in_bulk({change.job_id for change in changes if change.job_id})
    found = []
    for change in changes:
        run = runs.get(change.told_in)
        # A rename of what was merged with it since names a member of the group: whoever sees the dataset sees its names.
        previous = dataset if change.previous == dataset.pk else known.get(change.previous)
        found.append(
            LifeEntry(
                LifeKind(change.kind),
                change.last_at,
                change.first_at,
                change.dataset.qualified_name if change.dataset_id != dataset.pk else "",
                previous,
                bool(change.previous) and previous is None,
                run,
                run.job if run else jobs.get(change.job_id or 0),
            )
        )
    return found
