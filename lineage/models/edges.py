"""Who flows into whom: the graph that is derived from observations, of datasets, of their columns, and of jobs.

Rows name datasets that stand for themselves: where one is merged into another, its edges are the other's. `current` edges
are those of the latest run that wrote the dataset; the others are history.
"""

from __future__ import annotations

from django.db import models

from catalog.models import Dataset
from lineage.models.runs import Job


class EdgeOrigin(models.TextChoices):
    """Where an edge comes from; the first that knows it counts."""

    EVENT = "event", "Told by a pipeline"
    SQL = "sql", "Read from the job's SQL"
    VIEW = "view", "Read from the view's definition"


class DatasetEdge(models.Model):
    """Rows flow from `upstream` to `downstream` through `job`: some run read the one and wrote the other."""

    pk = models.CompositePrimaryKey("downstream_id", "upstream_id", "job_id")
    upstream = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    downstream = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="edges", db_index=False)
    origin = models.CharField(max_length=5, choices=EdgeOrigin, db_default=EdgeOrigin.EVENT)
    current = models.BooleanField(db_default=True)
    run_id = models.UUIDField(null=True, blank=True, help_text="The latest run, or declaration, that has it.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                name="edge_downstream", fields=["downstream", "upstream", "job"], condition=models.Q(current=True)
            ),
            models.Index(
                name="edge_upstream", fields=["upstream", "downstream", "job"], condition=models.Q(current=True)
            ),
            models.Index(name="edge_by_job", fields=["job", "downstream"]),
        ]


class CriticalityLook(models.Model):
    """The last look at whether edges changed since criticality was counted: one row (`lineage.criticality`)."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    began_at = models.DateTimeField()
    seconds = models.FloatField(help_text="How long it took, with the counting if there was any.")
    edges = models.TextField(help_text="A sum over the edges that were counted last.")


class JobEdge(models.Model):
    """One job waits for another: a `jobDependencies` or `lineage` facet says so. Never what data says."""

    pk = models.CompositePrimaryKey("downstream_id", "upstream_id")
    upstream = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    downstream = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="waits_for", db_index=False)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="job_edge_by_upstream", fields=["upstream", "downstream"])]


class Column(models.Model):
    """A column that lineage speaks of, known to the catalog or not, by its path with dots. The empty name is the whole
    dataset: what filters or joins it flows there.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(name="column_name_unique", fields=["dataset", "name"])]

    def __str__(self) -> str:
        return self.name


class Explanation(models.Model):
    """How a job fills the columns of a dataset, as one content tells it. Its edges never change; it may stop being current."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="explanations", db_index=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="explanations")
    content = models.UUIDField(help_text="The facet or the code, by digest.")
    origin = models.CharField(max_length=5, choices=EdgeOrigin, db_default=EdgeOrigin.EVENT)
    current = models.BooleanField(db_default=False)
    problem = models.TextField(db_default="", blank=True, help_text="What of it could not be read.")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="explanation_unique", fields=["job", "dataset", "content", "origin"])
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} by {self.job_id}"


class Influence(models.IntegerChoices):
    """OpenLineage's transformation type; UNKNOWN where the producer did not say."""

    UNKNOWN = 0, "unknown"
    DIRECT = 1, "DIRECT"
    INDIRECT = 2, "INDIRECT"


class ColumnEdge(models.Model):
    """Values of `upstream` make, or influence, those of `downstream`."""

    pk = models.CompositePrimaryKey("explanation_id", "downstream_id", "upstream_id", "type", "subtype", "masking")
    explanation = models.ForeignKey(Explanation, on_delete=models.CASCADE, related_name="edges", db_index=False)
    downstream = models.ForeignKey(Column, on_delete=models.CASCADE, related_name="+", db_index=False)
    upstream = models.ForeignKey(Column, on_delete=models.CASCADE, related_name="+", db_index=False)
    type = models.PositiveSmallIntegerField(choices=Influence)
    subtype = models.TextField(db_default="", blank=True)
    masking = models.BooleanField(db_default=False)
    description = models.TextField(db_default="", blank=True)
    current = models.BooleanField(db_default=False, help_text="As its explanation is.")

    class Meta:
        indexes = [
            models.Index(name="column_edge_downstream", fields=["downstream", "current"]),
            models.Index(name="column_edge_upstream", fields=["upstream", "current"]),
        ]


class ChangedColumn(models.Model):
    """A note that hops into a column began or ended to be current, or that the catalog came to know it.

    Appended in the transaction that does it, for whoever follows what flows (`lineage.changed_columns`). The column may be
    gone by then, and may be noted several times.
    """

    column = models.BigIntegerField()
