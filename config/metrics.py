"""Figures for Prometheus, read when they are asked for, by a fixed number of cheap statements."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.db.models import Count, Min, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from access.models import AccessRequest, Grant
from access.policy_queries import count_to_compare
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from accounts.tokens import Scope
from alerts.models import Alarm, Notification
from audit.models import Delivery
from config.broker import broker
from config.heartbeats import BEAT_KEY, WORKER_KEY_PREFIX
from config.sweeps import KEY_PREFIX, WATCHED
from ingestion.models import Run as Crawl
from lineage.models import Job
from lineage.queries.figures import figures

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric


class Metrics(APIView):
    """For tokens of services and pipelines with the scope `metrics:read`, and for administrators."""

    scope_read = Scope.METRICS_READ

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        principal = rest_principal(request)
        if principal.kind == Principal.Kind.PERSON:
            check_is_administrator(principal)
        # Only who is asked for figures pays for the library.
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Figures())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Figures:
    """A collector of prometheus_client."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        for part in (_lineage, _crawls, _access, _records, _alerts, _signs_of_life):
            yield from part()


def _gauge(name: str, words: str, values: Mapping[str, float] | float, label: str = "") -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    if not isinstance(values, Mapping):
        return GaugeMetricFamily(f"catalog_{name}", words, value=values)
    family = GaugeMetricFamily(f"catalog_{name}", words, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _counter(name: str, words: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(f"catalog_{name}", words, value=value)


def _lineage() -> Iterator[Metric]:
    found = figures()
    yield _counter("events_accepted", "Lineage events that were accepted.", found.accepted)
    yield _counter("events_folded", "Accepted events that neither wait nor were set aside.", found.folded)
    yield _counter("events_rejected", "Events that the intake refused and kept for the token's owner.", found.rejected)
    yield _gauge("events_set_aside", "Events that the fold could not take up.", found.set_aside)
    yield _gauge("events_pending", "Events that wait for the fold, counted up to 10,000.", found.pending)
    yield _gauge("fold_lag_seconds", "For how long the oldest waiting event has waited.", found.lag_seconds)
    yield _gauge(
        "runs",
        "Runs of pipelines' jobs by state; those that ended are estimates.",
        {**found.ended, "running": found.running},
        "state",
    )
    jobs = _by_state(Job.objects.listed().exclude(latest_state=""), "latest_state")
    yield _gauge("jobs", "Jobs by the state of their latest run.", jobs, "state")
    yield _gauge(
        "jobs_overdue", "Jobs whose latest run should have ended.", Job.objects.overdue(timezone.now()).count()
    )


def _crawls() -> Iterator[Metric]:
    yield _gauge("crawls", "Crawls by state.", _by_state(Crawl.objects.all()), "state")


def _access() -> Iterator[Metric]:
    yield _gauge("grants", "Grants by state.", _by_state(Grant.objects.all()), "state")
    yield _gauge("grants_to_compare", "Grants still to be held to policies that came into force.", count_to_compare())
    yield _gauge("access_requests", "Requests for access by state.", _by_state(AccessRequest.objects.all()), "state")


def _records() -> Iterator[Metric]:
    waiting = Delivery.objects.filter(state__in=[Delivery.State.PENDING, Delivery.State.FAILED])
    counted = dict.fromkeys((Delivery.State.PENDING, Delivery.State.FAILED), 0) | _by_state(waiting)
    yield _gauge("deliveries", "Deliveries of audit records that wait or were given up.", counted, "state")


def _alerts() -> Iterator[Metric]:
    due = Notification.objects.filter(mail_due_at__lte=timezone.now()).aggregate(
        count=Count("pk"), oldest=Min("mail_due_at")
    )
    late = (timezone.now() - due["oldest"]).total_seconds() if due["oldest"] else 0.0
    yield _gauge("mail_due", "Notifications that are due by e-mail and were not sent yet.", due["count"])
    yield _gauge("mail_late_seconds", "For how long the oldest of them has been due.", late)
    alarms = Alarm.objects.filter(cleared_at=None)
    yield _gauge("alarms", "Alarms that hold, by condition.", _by_state(alarms, "condition"), "condition")


def _by_state(rows: QuerySet, column: str = "state") -> dict[str, float]:
    return dict(rows.order_by().values_list(column).annotate(Count("pk")))


def _signs_of_life() -> Iterator[Metric]:
    """Ages of signs of life; without the broker there are none, which is itself a sign."""
    try:
        workers, queues, beat, swept = _heard()
    except redis.RedisError:
        yield _gauge("broker_up", "Whether the broker answers.", 0)
        return
    yield _gauge("broker_up", "Whether the broker answers.", 1)
    yield _gauge("worker_heard_seconds", "How long ago each worker was heard of.", workers, "worker")
    yield _gauge("queue_heard_seconds", "How long ago a worker of each queue was heard of.", queues, "queue")
    yield _gauge("beat_heard_seconds", "How long ago the scheduler was heard of.", beat)
    yield _gauge("swept_seconds", "How long ago the sweeps that must not stop came to their end.", swept, "task")


def _heard() -> tuple[dict[str, float], dict[str, float], float, dict[str, float]]:
    """The ages of signs of life: of each worker, of each queue's freshest worker, of beat and of sweeps.

    A worker that is gone has no age any more; a queue always has one, which is infinite where nobody serves it.
    """
    now = time.time()

    def age(at: bytes | None) -> float:
        return max(now - float(at), 0.0) if at else math.inf

    with broker() as client:
        workers: dict[str, float] = {}
        queues = {queue.name: math.inf for queue in settings.CELERY_TASK_QUEUES}
        for key in client.scan_iter(f"{WORKER_KEY_PREFIX}*"):
            at, served = client.hmget(key, "at", "queues")
            workers[key.decode().removeprefix(WORKER_KEY_PREFIX)] = age(at)
            for name in (served or b"").decode().split(","):
                if name in queues:
                    queues[name] = min(queues[name], age(at))
        return (
            workers,
            queues,
            age(client.get(BEAT_KEY)),
            {name: age(client.get(KEY_PREFIX + name)) for name in WATCHED},
        )
