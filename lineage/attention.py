"""Jobs and runs in the order in which they need somebody, as stretches that indexes have in order.

A job needs somebody when its latest run is overdue, then when that failed; then come those that run, those that ended, and
those that never ran. A run does while it is the latest of its job: once a job has run again, what it did before is history.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from django.db.models import F, Q, QuerySet

from common.pagination import Stretch
from lineage.models import Attention, Job, JobOrigin, Run
from lineage.querysets import alive

RunOrder = Literal["attention", "latest"]


def jobs_by_attention(jobs: QuerySet[Job], now: dt.datetime) -> list[Stretch[Job]]:
    """Of jobs that pipelines run: overdue ones, failing, running, ended and those that never ran.

    What became overdue last comes first, and of those that run the one that is due next.
    """

    def of(attention: Attention) -> Stretch[Job]:
        return Stretch(jobs.filter(attention=attention), ("-recent_at", "id"))

    return [
        Stretch(jobs.filter(due_at__lt=now), ("-due_at", "-id")),
        of(Attention.FAILING),
        Stretch(jobs.filter(due_at__gte=now), ("due_at", "id")),
        of(Attention.ENDED),
        of(Attention.NEVER),
    ]


def runs_by_attention(runs: QuerySet[Run], now: dt.datetime) -> list[Stretch[Run]]:
    """Each job's latest run where that is overdue, failed or running, in this order; then all other runs, latest first."""
    # The origin is that of the index; nothing else runs.
    of_pipelines = Q(job__origin=JobOrigin.PIPELINE, job__attention__lte=Attention.RUNNING)
    attended = Q(job__latest_run=F("id")) & of_pipelines & alive("job__")
    latest = runs.filter(attended)
    return [
        Stretch(latest.filter(job__due_at__lt=now), ("-job__due_at", "-id")),
        Stretch(latest.filter(job__attention=Attention.FAILING), ("-job__recent_at", "id")),
        Stretch(latest.filter(job__due_at__gte=now), ("job__due_at", "id")),
        Stretch(runs.exclude(attended), ("-began_at", "-id")),
    ]


def runs_in_order(runs: QuerySet[Run], order: RunOrder, now: dt.datetime) -> list[Stretch[Run]]:
    """By attention, or the latest first."""
    return runs_by_attention(runs, now) if order == "attention" else [Stretch(runs, ("-began_at", "-id"))]
