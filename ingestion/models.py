"""Supervised runs: what a crawl does, how far it is, and how it ended."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts.models import Principal
from catalog.models import Source


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting for a person"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    LOST = "lost", "Lost"


TRANSITIONS: dict[str, frozenset[str]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: frozenset(
        {
            RunState.SUCCEEDED,
            RunState.FAILED,
            RunState.CANCELLED,
            RunState.LOST,
            RunState.WAITING,
            RunState.QUEUED,
        }
    ),
    RunState.WAITING: frozenset({RunState.QUEUED, RunState.CANCELLED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
    RunState.LOST: frozenset(),
}
"""From which state a run may go to which; the ended states never move."""

READING, RECEIVING, SAMPLING = "reading", "receiving", "sampling"
"""The phases of which it is known how far they are; the last comes after the plan was applied."""

OPEN_STATES = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)


class CrawlRunQuerySet(models.QuerySet["Run"]):
    def open(self) -> CrawlRunQuerySet:
        return self.filter(state__in=OPEN_STATES)

    def silent_since(self, at: dt.datetime) -> CrawlRunQuerySet:
        """Running, and not heard of since `at`."""
        return self.filter(state=RunState.RUNNING, heartbeat_at__lt=at)


class Run(models.Model):
    """One crawl of a source. At most one is open per source.

    `fence` grows with every claim: a worker that lost its lease finds another number and stops without writing.
    """

    class Trigger(models.TextChoices):
        PERSON = "person", "By hand"
        SCHEDULE = "schedule", "By schedule"
        PUSH = "push", "Pushed"
        RETRY = "retry", "Again after a lost run"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs", db_index=False)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.QUEUED)
    trigger = models.CharField(max_length=10, choices=Trigger)
    requested_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    dry_run = models.BooleanField(default=False)
    confirmed_by = models.ForeignKey(
        Principal,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who let the plan pass.",
    )
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries")
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    rested = models.DurationField(
        default=dt.timedelta, help_text="How long nobody worked at it since it began: a plan waited for a person, say."
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.ForeignKey(
        Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    fence = models.PositiveIntegerField(default=0)
    phase = models.CharField(max_length=20, default="", blank=True)
    datasets_read = models.PositiveIntegerField(default=0)
    datasets_expected = models.PositiveIntegerField(null=True, blank=True)
    tables_sampled = models.PositiveIntegerField(default=0)
    tables_to_sample = models.PositiveIntegerField(null=True, blank=True)
    schemas = models.JSONField(default=list, blank=True, help_text="Progress per schema.")
    plan = models.JSONField(default=dict, blank=True)
    message = models.TextField(default="", blank=True, help_text="How it ended, as a sentence.")

    objects = CrawlRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="run_one_open_per_source",
                fields=["source"],
                condition=Q(state__in=["queued", "running", "waiting"]),
            ),
            models.CheckConstraint(
                name="run_ends_after_it_starts",
                condition=Q(finished_at__isnull=True)
                | Q(started_at__isnull=True)
                | Q(finished_at__gte=F("started_at")),
            ),
        ]
        indexes = [
            models.Index(name="run_of_source", fields=["source", "-id"]),
            models.Index(name="run_running", fields=["heartbeat_at"], condition=Q(state="running")),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk} of {self.source}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_pushed(self) -> bool:
        """Its readings came from elsewhere, to it or to the lost run that it is tried again for."""
        return self.trigger == Run.Trigger.PUSH or (self.retry_of is not None and self.retry_of.is_pushed)

    @property
    def tries(self) -> int:
        """How many runs there were for the same request, this one included."""
        return 1 + (self.retry_of.tries if self.retry_of is not None else 0)

    @property
    def duration(self) -> dt.timedelta | None:
        """How long it was worked at, so far or until it ended; time stands still while the plan waits for a person."""
        if self.started_at is None:
            return None
        stopped = None if self.state == RunState.RUNNING else self.heartbeat_at
        return (self.finished_at or stopped or timezone.now()) - self.started_at - self.rested

    @property
    def share_done(self) -> float | None:
        """Between 0 and 1, or None while the source has not said how much there is."""
        if not self.datasets_expected:
            return None
        return min(1.0, self.datasets_read / self.datasets_expected)

    @property
    def rate(self) -> float | None:
        """Datasets a second since the start."""
        seconds = self.duration.total_seconds() if self.duration else 0
        return self.datasets_read / seconds if seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Until all is read, by the rate so far; None before anything is known, and once the plan is made or applied."""
        if self.phase != READING or self.state != RunState.RUNNING or not self.rate or not self.datasets_expected:
            return None
        return max(0.0, (self.datasets_expected - self.datasets_read) / self.rate)


class PushedBatch(models.Model):
    """Lines that were pushed for a run, until it has ended: `ingestion.pushes` writes and reads them."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="pushed", db_index=False)
    number = models.PositiveIntegerField()
    lines = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(name="pushed_batch_once", fields=["run", "number"])]

    def __str__(self) -> str:
        return f"batch {self.number}"


class RunLogLine(models.Model):
    """A line of a run's log: what a person would want to know afterwards."""

    class Severity(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.INFO)
    text = models.TextField()

    class Meta:
        indexes = [models.Index(name="run_log_in_order", fields=["run", "id"])]


class CrawlSchedule(models.Model):
    """When a source is crawled by itself. The task that beat sends belongs to it and follows it."""

    source = models.OneToOneField(Source, primary_key=True, on_delete=models.CASCADE, related_name="schedule")
    periodic_task = models.OneToOneField(PeriodicTask, on_delete=models.PROTECT, related_name="+")
    set_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)
