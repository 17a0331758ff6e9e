"""What of lineage is told to whom: one rule for pages, REST and Marquez's API.

The lineage of a dataset is asked of whoever may read its metadata (the second tier). An edge is part of the lineage of both
its ends, so it is told to whoever may read one of them, and with it that its job reads or writes the other. Of a job, whose
name is no more than the names of its datasets, the rest is told to nobody: neither that it reads a dataset nor that it
writes one. Whoever may not even know of a dataset is told of an anonymous one in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from catalog.models import Dataset, Tier
from catalog.queries.datasets import check_tier
from catalog.visibility import scope_of
from lineage.graph import Step
from lineage.models import DatasetEdge
from lineage.queries.steps import datasets_among

if TYPE_CHECKING:
    from accounts.models import Principal


def check_lineage_told(dataset: Dataset) -> None:
    """Raises `Forbidden` for a dataset, read with its `tier`, whose lineage may not be asked for."""
    check_tier(dataset, Tier.METADATA)


class Readable:
    """Which datasets a principal may read the metadata of; asked for each once, one statement for any number."""

    def __init__(self, principal: Principal, known: Iterable[int] = ()) -> None:
        self._principal = principal
        self._everything = scope_of(principal).everything
        self._asked = set(known)
        self._readable = set(known)

    def told(self, rows: list[Any], upstream: int = 0, downstream: int = 1) -> list[Any]:
        """The rows of which one end may be read: an edge is part of the lineage of both its ends.

        The numbers say where in a row the datasets of its ends stand.
        """
        if self._everything:
            return rows
        ends = {row[upstream] for row in rows} | {row[downstream] for row in rows}
        self._ask(ends - self._asked)
        readable = self._readable
        return [row for row in rows if row[upstream] in readable or row[downstream] in readable]

    def _ask(self, new: set[int]) -> None:
        if new:
            self._asked |= new
            seen = datasets_among(new).visible_to(self._principal, Tier.METADATA).order_by()
            self._readable.update(seen.values_list("pk", flat=True))

    def telling(self, step: Step[Any]) -> Step[Any]:
        """The same steps over the edges that may be told."""

        def told(up: Collection[int], down: Collection[int]) -> list[Any]:
            return self.told(step(up, down))

        return told


Use = tuple[int, int]
"""A job, and a dataset that it reads or writes."""


def told_uses(principal: Principal, uses: Iterable[Use]) -> set[Use]:
    """Those that may be told: of datasets that the principal may read, and at the other end of edges from or to these.

    Two statements, none for whoever sees everything.
    """
    asked = set(uses)
    if scope_of(principal).everything or not asked:
        return asked
    own = datasets_among({pk for _, pk in asked}).visible_to(principal, Tier.METADATA).order_by()
    readable = set(own.values_list("pk", flat=True))
    told = {use for use in asked if use[1] in readable}
    if told == asked:
        return told
    edges = DatasetEdge.objects.filter(job_id__in={job for job, _ in asked - told}).order_by()
    may_read = Dataset.objects.visible_to(principal, Tier.METADATA).values("pk")
    sources = edges.filter(downstream__in=may_read).values_list("job_id", "upstream_id")
    targets = edges.filter(upstream__in=may_read).values_list("job_id", "downstream_id")
    return told | (asked & set(sources.union(targets)))
