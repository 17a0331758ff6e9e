"""Reads of jobs and runs that chain."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Q, Value, When

from catalog.visibility import scope_of
from lineage.overdue import due_at

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


def alive(job: str = "") -> Q:
    """Of jobs that were not deleted, or came back; `job` is the way to them, such as "job__"."""
    return Q(**{f"{job}deleted_at": None}) | Q(**{f"{job}deleted_at__lt": F(f"{job}last_seen")})


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, principal: Principal) -> JobQuerySet:
        """Jobs that read or write at least one dataset which `principal` may discover, and those that touch none."""
        return self if scope_of(principal).everything else self.filter(_seen(principal, "pk"))

    def listed(self) -> JobQuerySet:
        """Jobs that pipelines run, as lists show them: neither views nor jobs that were deleted and did not come back."""
        return self.filter(alive(), origin="pipeline")

    def with_overdue(self, now: dt.datetime) -> JobQuerySet:
        """Adds `overdue`, whether the latest run should have ended before `now` and has not, and `shown_state`:
        `latest_state`, or "overdue"."""
        return self.annotate(**_overdue(Q(due_at__lt=now), "latest_state"))

    def overdue(self, now: dt.datetime) -> JobQuerySet:
        return self.filter(due_at__lt=now)

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

    def with_overdue(self, now: dt.datetime) -> RunQuerySet:
        """Adds `due_at`, of a run that has not ended (else None), `overdue`, whether `now` is past it, and
        `shown_state`: `state`, or "overdue"."""
        running = Q(ended_state=None)
        due = Case(When(running, then=due_at("began_at", "job__usual_seconds")), output_field=models.DateTimeField())
        return self.annotate(due_at=due).annotate(**_overdue(Q(due_at__lt=now), "state"))

    def overdue(self, now: dt.datetime) -> RunQuerySet:
        return self.with_overdue(now).filter(Q(due_at__lt=now), ended_state=None)


def _overdue(past: Q, state: str) -> dict[str, Any]:
    return {
        "overdue": Case(When(past, then=True), default=False, output_field=models.BooleanField()),
        "shown_state": Case(When(past, then=Value("overdue")), default=F(state), output_field=models.CharField()),
    }
