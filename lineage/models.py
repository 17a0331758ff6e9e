"""What pipelines did: the log of their events, and the jobs, runs and edges that the fold derives from it.

Times in derived rows are event times, so that the same events always give the same rows. A register (a value of which the
latest counts) keeps the time and digest of the event that set it; the greater pair wins, whatever order events arrive in.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset
from lineage.querysets import JobQuerySet, RunQuerySet


class Direction(models.IntegerChoices):
    """What a job does with a dataset."""

    INPUT = 1, "reads"
    OUTPUT = 2, "writes"


class RunState(models.TextChoices):
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    ABORTED = "aborted", "Aborted"


class Event(models.Model):
    """An event as it came, secrets masked. Partitioned by month of arrival; never read to answer about state."""

    class Kind(models.TextChoices):
        RUN = "run", "Run"
        DATASET = "dataset", "Dataset"
        JOB = "job", "Job"

    pk = models.CompositePrimaryKey("received_at", "id")
    id = models.BigIntegerField()
    received_at = models.DateTimeField()
    digest = models.UUIDField(help_text="128 bits of BLAKE2b over the canonical event: equal for equal events.")
    event_time = models.DateTimeField()
    kind = models.CharField(max_length=7, choices=Kind)
    run_id = models.UUIDField(null=True)
    principal = models.ForeignKey(Principal, on_delete=models.DO_NOTHING, related_name="+", db_index=False)
    body = models.TextField()

    class Meta:
        managed = False
        db_table = "lineage_event"


class PendingEvent(models.Model):
    """An event that no fold has taken up yet; written with its event, deleted with the state that came of it."""

    event_id = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(db_default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(db_default="", blank=True)

    MAX_ATTEMPTS: ClassVar[int] = 5


class SetAsideEvent(models.Model):
    """An event that the fold could not take up after `PendingEvent.MAX_ATTEMPTS`; an administrator may send it again."""

    event_id = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField()
    set_aside_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField()

    def __str__(self) -> str:
        return f"event {self.event_id}"


class Job(models.Model):
    """A process that reads and writes datasets, by its OpenLineage name. The `latest_` columns tell of its latest run."""

    namespace = models.TextField()
    name = models.TextField()
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True)
    latest_run = models.UUIDField(null=True, blank=True)
    latest_state = models.CharField(max_length=10, choices=RunState, default="", blank=True)
    latest_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()
    runs: models.Manager[Run]
    links: models.Manager[JobDataset]

    class Meta:
        constraints = [models.UniqueConstraint(name="job_name_unique", fields=["namespace", "name"])]
        indexes = [
            models.Index(name="job_by_name", fields=["name", "id"]),
            models.Index(name="job_by_state", fields=["latest_state", "name", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Run(models.Model):
    """One execution of a job, accumulated from its events."""

    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs", db_index=False)
    previous_job = models.BigIntegerField(
        null=True, help_text="The job before the last change of this row: the fold brings both up to date."
    )
    parent = models.UUIDField(null=True, blank=True, help_text="The run that started this one; it may never report.")
    first_at = models.DateTimeField()
    first_digest = models.UUIDField()
    last_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="Of the earliest START.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Of the last event that ends a run.")
    ended_digest = models.UUIDField(null=True, blank=True)
    ended_state = models.CharField(max_length=10, choices=RunState, null=True, blank=True)  # noqa: DJ001 -- a register
    completed_at = models.DateTimeField(null=True, blank=True, help_text="Of the last COMPLETE, whatever came after.")
    state = models.GeneratedField(
        expression=Coalesce("ended_state", models.Value("running")),
        output_field=models.CharField(max_length=10, choices=RunState),
        db_persist=True,
    )
    began_at = models.GeneratedField(
        expression=Coalesce("started_at", "first_at"), output_field=models.DateTimeField(), db_persist=True
    )

    objects = RunQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="run_by_job", fields=["job", "-began_at", "-id"]),
            models.Index(name="run_by_time", fields=["-began_at", "-id"]),
            models.Index(name="run_by_parent", fields=["parent"], condition=models.Q(parent__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def duration(self) -> dt.timedelta | None:
        """From START to the end; None while it runs, or where the start was never told."""
        if self.ended_at is None or self.started_at is None or self.ended_at < self.started_at:
            return None
        return self.ended_at - self.started_at


class RunDataset(models.Model):
    """An observation: this run of this job read or wrote this dataset, which had this schema then."""

    pk = models.CompositePrimaryKey("run_id", "job_id", "direction", "dataset_id")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="links", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    direction = models.PositiveSmallIntegerField(choices=Direction)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="run_links", db_index=False)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    schema = models.UUIDField(null=True, blank=True, help_text="The content of the schema facet, by digest.")
    schema_at = models.DateTimeField(null=True, blank=True)
    schema_digest = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(name="run_dataset_by_dataset", fields=["dataset", "direction", "-last_at"])]


class JobDataset(models.Model):
    """What a job reads and writes, over all its runs and declarations."""

    pk = models.CompositePrimaryKey("job_id", "direction", "dataset_id")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="links", db_index=False)
    direction = models.PositiveSmallIntegerField(choices=Direction)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="job_links", db_index=False)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="job_dataset_by_dataset", fields=["dataset", "direction", "job"])]


class DatasetEdge(models.Model):
    """Rows flow from `upstream` to `downstream` through `job`: some run read the one and wrote the other."""

    pk = models.CompositePrimaryKey("downstream_id", "upstream_id", "job_id")
    upstream = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    downstream = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="edges", db_index=False)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(name="edge_by_upstream", fields=["upstream", "downstream", "job"]),
            models.Index(name="edge_by_job", fields=["job"]),
        ]


class Content(models.Model):
    """A facet's JSON, once, however many runs repeat it; the key is 128 bits of BLAKE2b over its canonical form."""

    digest = models.UUIDField(primary_key=True)
    value = models.JSONField()


class FacetRegister(models.Model):
    """The latest value of a named facet; no content where the latest event deleted it."""

    name = models.TextField()
    at = models.DateTimeField()
    digest = models.UUIDField()
    content = models.ForeignKey(
        Content, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        abstract = True


class RunFacet(FacetRegister):
    pk = models.CompositePrimaryKey("run_id", "name")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="facets", db_index=False)


class JobFacet(FacetRegister):
    pk = models.CompositePrimaryKey("job_id", "name")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="facets", db_index=False)


class DatasetFacet(FacetRegister):
    pk = models.CompositePrimaryKey("dataset_id", "name")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="facets", db_index=False)


class RunDatasetFacet(FacetRegister):
    """What a run says of one reading or writing: statistics, a subset condition."""

    pk = models.CompositePrimaryKey("run_id", "direction", "dataset_id", "name")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="dataset_facets", db_index=False)
    direction = models.PositiveSmallIntegerField(choices=Direction)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="run_facets", db_index=False)

    class Meta:
        indexes = [models.Index(name="run_dataset_facet_by_dataset", fields=["dataset", "name", "-at"])]


class SchemaObservation(models.Model):
    """What an event said of a dataset's schema. Each is kept, also where it repeats the one before: what comes between
    them later makes two versions of it."""

    pk = models.CompositePrimaryKey("dataset_id", "at", "digest")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    digest = models.UUIDField()
    content = models.ForeignKey(
        Content, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )


class DirtyDataset(models.Model):
    """A dataset about which the catalog must be told: it was written, or its schema was described. Deleted when told."""

    dataset_id = models.BigIntegerField()
    written_at = models.DateTimeField(null=True)
    schema_at = models.DateTimeField(null=True, help_text="With the digest, the observation that was added.")
    schema_digest = models.UUIDField(null=True)
    noted_at = models.DateTimeField(db_default=models.functions.Now())
