"""The conditions that workers look at: jobs that fail or are late, access and requests that are about to end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping

from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Value
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
from lineage.models import Direction, Job, JobDataset
from lineage.querysets import JobQuerySet

ENDS_WITHIN = dt.timedelta(days=7)
"""So long before its end the holder of a grant is told; of a shorter one when a quarter of its time is left."""
LAPSES_WITHIN = dt.timedelta(days=5)


def _watched_jobs() -> JobQuerySet:
    """Listed jobs that write something which somebody owns or follows."""
    written = JobDataset.objects.filter(job=OuterRef("pk"), direction=Direction.OUTPUT)
    owned = Ownership.objects.filter(dataset=OuterRef("dataset"), valid_to__isnull=True)
    followed = Follow.objects.filter(dataset=OuterRef("dataset"))
    return Job.objects.listed().filter(Exists(written.filter(Exists(owned) | Exists(followed))))


def _failing() -> Collection[str]:
    return _ids(_watched_jobs().filter(latest_state="failed"))


def _late() -> Collection[str]:
    return _ids(_watched_jobs().overdue(timezone.now()))


def _ids(jobs: JobQuerySet) -> Collection[str]:
    return {str(pk) for pk in jobs.values_list("pk", flat=True)}


def _of_jobs(event: type[JobAlarm]) -> Callable[[Collection[str]], Mapping[str, Event]]:
    def tell(subjects: Collection[str]) -> Mapping[str, Event]:
        jobs = Job.objects.filter(pk__in=subjects).order_by("pk")
        return {str(job.pk): event(job_id=job.pk, job=job.name) for job in jobs}

    return tell


def _ending_grants() -> Collection[str]:
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


def _lapsing_requests() -> Collection[str]:
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
    Condition("job fails", _failing, _of_jobs(JobFails), _of_jobs(JobFailsNoMore)),
    Condition("job is overdue", _late, _of_jobs(JobOverdue), _of_jobs(JobOverdueNoMore)),
    Condition("grant ends soon", _ending_grants, _of_grants),
    Condition("request lapses soon", _lapsing_requests, _of_requests),
)


def look_at_all() -> int:
    """Look at every condition; returns how many alarms were told, raised or cleared."""
    by = Principal.objects.system()
    return sum(len(look(condition, by=by)) for condition in CONDITIONS)
