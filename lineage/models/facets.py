"""Facets: their JSON once, and registers that say which of them stands."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalog.models import Dataset
from lineage.models.runs import Direction, Job, Run


class Provenance(models.Model):
    """Who made a facet, and the schema that it follows: all facets of a kind repeat them."""

    id = models.AutoField(primary_key=True)
    producer = models.TextField()
    schema_url = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(name="provenance_unique", fields=["producer", "schema_url"])]


class ContentBody(models.Model):
    """What a facet says, without its provenance where it has one. Written by the fold; `Content` reads it."""

    digest = models.UUIDField(primary_key=True)
    provenance = models.ForeignKey(
        Provenance, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    members = models.JSONField()


class Content(models.Model):
    """A facet's JSON, once, however many runs repeat it; the key is 128 bits of BLAKE2b over its canonical form.

    A view that puts a `ContentBody` and its `Provenance` together again.
    """

    digest = models.UUIDField(primary_key=True)
    value = models.JSONField()

    class Meta:
        managed = False
        db_table = "lineage_content"


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
    them later makes two versions of it. Old ones go into `PackedObservations`."""

    pk = models.CompositePrimaryKey("dataset_id", "at", "digest")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    digest = models.UUIDField()
    content = models.ForeignKey(
        Content, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )


class PackedObservations(models.Model):
    """Schema observations of one content of one dataset, many in a row of the table: `lineage.schema_packing`.

    The times and digests go in pairs, in order. An observation may stand here and in a row of its own.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    content = models.ForeignKey(
        Content, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = ArrayField(models.DateTimeField())
    digests = ArrayField(models.UUIDField())

    class Meta:
        indexes = [models.Index(name="packed_by_dataset", fields=["dataset", "last_at"])]

    def __str__(self) -> str:
        return f"{len(self.times)} observations of dataset {self.dataset_id}"


class LifeKind(models.IntegerChoices):
    """What happened to a dataset as a whole: OpenLineage's lifecycleStateChange."""

    CREATE = 1, "Created"
    ALTER = 2, "Altered"
    OVERWRITE = 3, "Overwritten"
    TRUNCATE = 4, "Emptied"
    RENAME = 5, "Renamed"
    DROP = 6, "Dropped"


class LifeChange(models.Model):
    """A change of a dataset's life: what one run, or one event without a run, says of it, once for all its events.

    The dataset is the one that the name belongs to, whatever it was merged into since.
    """

    pk = models.CompositePrimaryKey("dataset_id", "told_in", "kind", "previous")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="life", db_index=False)
    told_in = models.UUIDField(help_text="The run, or the digest of an event without one, which no `Run` has.")
    kind = models.PositiveSmallIntegerField(choices=LifeKind)
    previous = models.BigIntegerField(help_text="Of a rename, the dataset that the former name belongs to; else 0.")
    job = models.ForeignKey(
        Job, null=True, on_delete=models.CASCADE, related_name="+", db_index=False, help_text="That of a JobEvent."
    )
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="life_change_by_time", fields=["dataset", "-last_at"])]


class DirtyDataset(models.Model):
    """A dataset about which the catalog must be told: it was written, its schema was described, or a facet speaks of its
    names, owners, descriptions or end. Deleted when told.
    """

    dataset_id = models.BigIntegerField()
    written_at = models.DateTimeField(null=True)
    schema_at = models.DateTimeField(null=True, help_text="With the digest, the observation that was added.")
    schema_digest = models.UUIDField(null=True)
    facets = ArrayField(models.TextField(), default=list, help_text="Facets that `lineage.telling` passes on.")
    noted_at = models.DateTimeField(db_default=models.functions.Now())
