"""Reads of jobs and runs that chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from catalog.visibility import scope_of

if TYPE_CHECKING:
    from accounts.models import Principal
    from lineage.models import Job, Run


def _mentions(reference: str) -> tuple[Any, Any]:
    from catalog.models import Dataset
    from lineage.models import JobDataset

    outer = models.OuterRef(reference)
    return Dataset.objects.filter(job_links__job_id=outer), JobDataset.objects.filter(job_id=outer)


def _seen(principal: Principal, reference: str) -> models.Q:
    datasets, links = _mentions(reference)
    return models.Q(models.Exists(datasets.visible_to(principal))) | ~models.Q(models.Exists(links))


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, principal: Principal) -> JobQuerySet:
        """Jobs that read or write at least one dataset which `principal` may discover, and those that touch none."""
        return self if scope_of(principal).everything else self.filter(_seen(principal, "pk"))

    def listed(self) -> JobQuerySet:
        """Jobs that pipelines run, as lists show them: neither views nor jobs that were deleted and did not come back."""
        alive = models.Q(deleted_at=None) | models.Q(deleted_at__lt=models.F("last_seen"))
        return self.filter(alive, origin="pipeline")

    def open_to(self, principal: Principal) -> JobQuerySet:
        """Jobs whose code and facets `principal` may read: the third tier on every dataset that they touch."""
        if scope_of(principal).everything:
            return self
        from catalog.models import Dataset

        datasets, _ = _mentions("pk")
        closed = datasets.exclude(pk__in=Dataset.objects.visible_to(principal, 3).values("pk"))
        return self.visible_to(principal).exclude(models.Exists(closed))


class RunQuerySet(models.QuerySet["Run"]):
    def visible_to(self, principal: Principal) -> RunQuerySet:
        """A run is seen by whoever sees its job."""
        return self if scope_of(principal).everything else self.filter(_seen(principal, "job_id"))
