"""The conditions that workers look at: jobs that fail or are late, access and requests that are about to end."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping

from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from access.actions.words import names_of, told_of_grant, told_of_request
from access.models import AccessRequest, Grant
from accounts.models import Principal
from alerts.alarms import Condition, look
from alerts.events import (
    GrantEndsSoon,
    JobAlarm,
    JobFails,
    JobFailsNoMore,
    JobOverdue,
    JobOverdueNoMore,
    RequestLapsesSoon,
)
from alerts.models import Follow
from audit.events import Event
from catalog.models import Ownership
from lineage.models import Direction, Job, JobDataset, Run, RunState
from lineage.querysets import JobQuerySet

logger = logging.getLogger(__name__)

ENDS_WITHIN = dt.timedelta(days=7)
"""So long before its end the holder of a grant is told; of a shorter one when a quarter of its time is left."""
LAPSES_WITHIN = dt.timedelta(days=5)
_LATEST_RUNS = 20
"""Among so many of a job's latest runs it is looked how the last one ended: there are jobs whose runs never tell their end."""


def _watched_jobs() -> JobQuerySet:
    """Listed jobs that write something which somebody owns or follows, under whichever of its names."""
    written = JobDataset.objects.filter(job=OuterRef("pk"), direction=Direction.OUTPUT)
    # Links name the dataset that stands for others; people own and follow those too. Neither list depends on the job, so
    # PostgreSQL reads each once.
    stands = Coalesce("dataset__merged_into", "dataset")
    owned = Ownership.objects.filter(valid_to__isnull=True).values(of=stands)
    followed = Follow.objects.values(of=stands)
    return Job.objects.listed().filter(Exists(written.filter(Q(dataset__in=owned) | Q(dataset__in=followed))))


def _by_last_result(result: RunState) -> JobQuerySet:
    """Watched jobs whose last run that completed or failed did this. One that runs or was aborted tells nothing of that."""
    latest = Run.objects.filter(job=OuterRef(OuterRef("pk"))).order_by("-began_at", "-id")[:_LATEST_RUNS]
    results = Run.objects.filter(pk__in=latest.values("pk"), ended_state__in=[RunState.COMPLETED, RunState.FAILED])
    last = results.order_by("-began_at", "-id").values("ended_state")[:1]
    return _watched_jobs().alias(result=Subquery(last)).filter(result=result)


def _failing(known: Collection[str]) -> Collection[str]:
    # Whose latest run completed is not asked for its result.
    perhaps = [RunState.FAILED, RunState.RUNNING, RunState.ABORTED]
    return _ids(_by_last_result(RunState.FAILED).filter(latest_state__in=perhaps))


def _working() -> JobQuerySet:
    return _by_last_result(RunState.COMPLETED)


def _late(known: Collection[str]) -> Collection[str]:
    return _ids(_watched_jobs().overdue(timezone.now()))


def _in_time() -> JobQuerySet:
    """Of jobs that were late: one whose run ended late by failing is told as failing."""
    return _watched_jobs().filter(latest_state__in=[RunState.RUNNING, RunState.COMPLETED, RunState.ABORTED])


def _ids(jobs: JobQuerySet) -> Collection[str]:
    return {str(pk) for pk in jobs.values_list("pk", flat=True)}


def _of_jobs(
    event: type[JobAlarm], among: Callable[[], JobQuerySet] = _watched_jobs
) -> Callable[[Collection[str]], Mapping[str, Event]]:
    """Events of those of the jobs that are `among` these: one that was deleted or is watched no more has not recovered."""

    def tell(subjects: Collection[str]) -> Mapping[str, Event]:
        jobs = among().filter(pk__in=subjects).order_by("pk")
        return {str(job.pk): event(job_id=job.pk, job=job.name) for job in jobs}

    return tell


def _ending_grants(known: Collection[str]) -> Collection[str]:
    now = timezone.now()
    quarter = ExpressionWrapper((F("valid_to") - F("valid_from")) * Value(0.25), output_field=DurationField())
    soon = Grant.objects.live().filter(valid_to__lte=now + ENDS_WITHIN)
    ending = soon.filter(valid_to__lte=ExpressionWrapper(Value(now) + quarter, output_field=DateTimeField()))
    return {str(pk) for pk in ending.values_list("pk", flat=True)}


def _of_grants(subjects: Collection[str]) -> Mapping[str, Event]:
    grants = list(Grant.objects.filter(pk__in=subjects).select_related("principal__user", "dataset").order_by("pk"))
    names = names_of(grant.field_ids for grant in grants)
    found: dict[str, Event] = {}
    for grant in grants:
        told = told_of_grant(grant, names)
        del told["request_id"]
        found[str(grant.pk)] = GrantEndsSoon(**told, until=f"{grant.valid_to:%d %b %Y}")
    return found


def _lapsing_requests(known: Collection[str]) -> Collection[str]:
    soon = AccessRequest.objects.pending().filter(decide_by__lte=timezone.now() + LAPSES_WITHIN)
    return {str(pk) for pk in soon.values_list("pk", flat=True)}


def _of_requests(subjects: Collection[str]) -> Mapping[str, Event]:
    requests = list(
        AccessRequest.objects.filter(pk__in=subjects).select_related("requester__user", "dataset").order_by("pk")
    )
    names = names_of(request.field_ids for request in requests)
    return {
        str(request.pk): RequestLapsesSoon(**told_of_request(request, names), until=f"{request.decide_by:%d %b %Y}")
        for request in requests
    }


CONDITIONS = (
    Condition("job fails", _failing, _of_jobs(JobFails), _of_jobs(JobFailsNoMore, _working)),
    Condition("job is overdue", _late, _of_jobs(JobOverdue), _of_jobs(JobOverdueNoMore, _in_time)),
    Condition("grant ends soon", _ending_grants, _of_grants),
    Condition("request lapses soon", _lapsing_requests, _of_requests),
)


def look_at_all() -> int:
    """Look at every condition; returns how many alarms were told, raised or cleared.

    Where the look at one fails, the others are looked at all the same; then the first failure is raised.
    """
    by = Principal.objects.system()
    told, failures = 0, list[Exception]()
    for condition in CONDITIONS:
        try:
            told += len(look(condition, by=by))
        except Exception as failure:
            logger.warning("The look at the condition “%s” failed.", condition.name, exc_info=True)
            failures.append(failure)
    if failures:
        raise failures[0]
    return told
