"""What a change reaches, with what rooms above lineage know of it: the names of levels, and who may read it now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from django.db.models import Count

from access.models import Grant
from classification.queries import levels_by_rank
from lineage.impact import Change, Impact, ReachedDataset, impact
from lineage.queries import JobNode, datasets_among

if TYPE_CHECKING:
    from accounts.models import Principal
    from catalog.models import Dataset
    from classification.models import Level


@dataclass(frozen=True, slots=True)
class ImpactRow:
    """A dataset that is reached, its level, the jobs that bring the change there, and how many open grants on it the
    reader may know of: its own, and all where it answers for the dataset."""

    reached: ReachedDataset
    level: Level | None
    jobs: Sequence[JobNode]
    grants: int


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """An impact with its rows in order, and how many open grants there are on all of them that the reader may know of."""

    impact: Impact
    rows: Sequence[ImpactRow]
    grants: int

    def by_distance(self) -> Iterator[tuple[int, list[ImpactRow]]]:
        for distance, rows in groupby(self.rows, key=lambda row: row.reached.distance):
            yield distance, list(rows)


def impact_report(
    principal: Principal, dataset: Dataset, *, column: str = "", change: Change | None = None
) -> ImpactReport:
    """`lineage.impact.impact` with levels and grants: two statements more. Raises what it raises."""
    found = impact(principal, dataset, column=column, change=change)
    levels: Mapping[int, Level] = levels_by_rank()
    jobs = {job.id: job for job in found.jobs}
    grants = _grants(principal, found)
    rows = [
        ImpactRow(
            reached,
            levels.get(reached.level or 0),
            [jobs[job] for job in reached.jobs if job in jobs],
            grants.get(reached.dataset_id or 0, 0),
        )
        for reached in found.datasets
    ]
    return ImpactReport(found, rows, sum(grants.values()))


def _grants(principal: Principal, found: Impact) -> dict[int, int]:
    ids = [reached.dataset_id for reached in found.datasets if reached.dataset_id is not None]
    counted = Grant.objects.visible_to(principal).live().filter(dataset__in=datasets_among(ids)).order_by()
    return dict(counted.values_list("dataset_id").annotate(count=Count("pk")))
