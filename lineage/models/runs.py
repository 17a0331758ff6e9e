"""Jobs, their runs, and what each run read and wrote: the observations from which all else is derived."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Case, When
from django.db.models.functions import Coalesce

from catalog.models import Dataset
from lineage.overdue import due_at
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


class JobOrigin(models.TextChoices):
    PIPELINE = "pipeline", "Told by a pipeline"
    VIEW = "view", "The definition of a view"


class Attention(models.IntegerChoices):
    """How much a job needs somebody, by its latest run. Which of the running ones are overdue, the clock tells."""

    FAILING = 1, "Failed last"
    RUNNING = 2, "Running"
    ENDED = 3, "Ended"
    NEVER = 4, "Never ran"


_BEFORE_ALL = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Job(models.Model):
    """A process that reads and writes datasets, by its OpenLineage name. The `latest_` columns tell of its latest run.

    A view is a job too, which runs whenever somebody reads it: `origin` tells the two apart.
    """

    namespace = models.TextField()
    name = models.TextField()
    origin = models.CharField(max_length=8, choices=JobOrigin, db_default=JobOrigin.PIPELINE)
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="What was seen until then no longer counts; the latest deletion stands."
    )
    usual_seconds = models.FloatField(null=True, blank=True, help_text="Median duration of the last 20 completed runs.")
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True)
    latest_run = models.UUIDField(null=True, blank=True)
    latest_state = models.CharField(max_length=10, choices=RunState, default="", blank=True)
    latest_at = models.DateTimeField(null=True, blank=True)
    due_at = models.GeneratedField(
        expression=Case(When(latest_state="running", then=due_at("latest_at", "usual_seconds"))),
        output_field=models.DateTimeField(null=True),
        db_persist=True,
        help_text="When its latest run should have ended; null once it has.",
    )
    attention = models.GeneratedField(
        expression=Case(
            When(latest_state="failed", then=Attention.FAILING),
            When(latest_state="running", then=Attention.RUNNING),
            When(latest_state="", then=Attention.NEVER),
            default=Attention.ENDED,
        ),
        output_field=models.SmallIntegerField(choices=Attention),
        db_persist=True,
    )
    recent_at = models.GeneratedField(
        expression=Coalesce("latest_at", "first_seen", models.Value(_BEFORE_ALL)),
        output_field=models.DateTimeField(),
        db_persist=True,
        help_text="When its latest run began; of one that never ran, when it was first heard of.",
    )

    objects = JobQuerySet.as_manager()
    runs: models.Manager[Run]
    links: models.Manager[JobDataset]
    # What `with_overdue` adds.
    overdue: bool
    shown_state: str

    class Meta:
        constraints = [models.UniqueConstraint(name="job_name_unique", fields=["namespace", "name"])]
        indexes = [
            models.Index(name="job_by_name", fields=["name", "id"]),
            models.Index(name="job_by_state", fields=["latest_state", "name", "id"]),
            models.Index(
                name="job_by_attention",
                fields=["attention", "-recent_at", "id"],
                condition=models.Q(origin=JobOrigin.PIPELINE),
            ),
            models.Index(name="job_by_due", fields=["due_at", "id"], condition=models.Q(due_at__isnull=False)),
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
    root = models.UUIDField(
        null=True,
        blank=True,
        help_text="The run at the root of its tree, where it names another than itself; it may never report.",
    )
    first_at = models.DateTimeField()
    first_digest = models.UUIDField()
    last_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True, help_text="Of the earliest START.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Of the last event that ends a run.")
    ended_digest = models.UUIDField(null=True, blank=True)
    ended_state = models.CharField(max_length=10, choices=RunState, null=True, blank=True)  # noqa: DJ001 -- a register
    completed_at = models.DateTimeField(null=True, blank=True, help_text="Of the last COMPLETE, whatever came after.")
    code = models.UUIDField(
        null=True, blank=True, help_text="What it executed: a content of `lineage.openlineage.code_of`."
    )
    code_at = models.DateTimeField(null=True, blank=True)
    code_digest = models.UUIDField(null=True, blank=True)
    version = models.UUIDField(
        null=True, blank=True, help_text="Of the job: equal for runs that read, wrote and executed the same."
    )
    state = models.GeneratedField(
        expression=Coalesce("ended_state", models.Value("running")),
        output_field=models.CharField(max_length=10, choices=RunState),
        db_persist=True,
    )
    began_at = models.GeneratedField(
        expression=Coalesce("started_at", "first_at"), output_field=models.DateTimeField(), db_persist=True
    )

    objects = RunQuerySet.as_manager()
    # What `with_overdue` adds.
    due_at: dt.datetime | None
    overdue: bool
    shown_state: str

    class Meta:
        indexes = [
            models.Index(name="run_by_job", fields=["job", "-began_at", "-id"]),
            models.Index(name="run_by_time", fields=["-began_at", "-id"]),
            models.Index(name="run_by_parent", fields=["parent"], condition=models.Q(parent__isnull=False)),
            models.Index(name="run_by_root", fields=["root"], condition=models.Q(root__isnull=False)),
            models.Index(
                name="run_by_version",
                fields=["job", "version", "began_at"],
                condition=models.Q(completed_at__isnull=False),
            ),
            models.Index(name="run_without_end", fields=["began_at"], condition=models.Q(ended_state__isnull=True)),
            models.Index(
                name="run_unsuccessful",
                fields=["ended_state", "-began_at", "-id"],
                condition=models.Q(ended_state__in=[RunState.FAILED, RunState.ABORTED]),
            ),
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
    """An observation: this run of this job read or wrote this dataset, and what it was told to be then.

    The dataset is the one that the name belongs to, whatever it was merged into since. A JobEvent is an observation of a
    run that is none: its `run_id` is the event's digest, and no `Run` has it.
    """

    pk = models.CompositePrimaryKey("run_id", "job_id", "direction", "dataset_id")
    run = models.ForeignKey(Run, on_delete=models.DO_NOTHING, related_name="links", db_index=False, db_constraint=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    direction = models.PositiveSmallIntegerField(choices=Direction)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="run_links", db_index=False)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    schema = models.UUIDField(null=True, blank=True, help_text="The content of the schema facet, by digest.")
    schema_at = models.DateTimeField(null=True, blank=True)
    schema_digest = models.UUIDField(null=True, blank=True)
    columns = models.UUIDField(null=True, blank=True, help_text="The content that tells its column lineage, by digest.")
    columns_at = models.DateTimeField(null=True, blank=True)
    columns_digest = models.UUIDField(null=True, blank=True)
    version = models.TextField(null=True, blank=True, help_text="What the version facet calls it.")  # noqa: DJ001
    version_at = models.DateTimeField(null=True, blank=True)
    version_digest = models.UUIDField(null=True, blank=True)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="When its inputs were told one by one: `ToldInput`."
    )
    told_digest = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(name="run_dataset_by_dataset", fields=["dataset", "direction", "job", "-last_at"]),
        ]


class ToldInput(models.Model):
    """Of a run's output, one input that a `lineage` facet names. The facet of the latest event counts, even if empty."""

    pk = models.CompositePrimaryKey("run_id", "job_id", "dataset_id", "digest", "input_id")
    run_id = models.UUIDField()
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.UUIDField(help_text="Of the event.")
    input = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)


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
