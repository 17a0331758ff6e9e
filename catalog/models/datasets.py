"""Datasets, and by which names they are known."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from catalog.models.organisation import Domain
from catalog.models.sources import Schema, Source
from catalog.models.vocabulary import DATASET_KINDS, Origin
from catalog.querysets import DatasetQuerySet
from catalog.snapshots import DatasetKind


class Dataset(models.Model):
    """A table, view, file, topic, dashboard or model. Its names are `DatasetName` rows; its id outlives all of them.

    `level`, `owner_names` and `tag_names` are pushed here by the actions that own them, so that search reads one table.
    """

    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.PROTECT, related_name="datasets", db_index=False
    )
    schema = models.ForeignKey(Schema, null=True, blank=True, on_delete=models.PROTECT, related_name="datasets")
    path = ArrayField(models.TextField(), default=list, help_text="Native path inside the source.")
    name = models.TextField(help_text="The last part of the native path: what people call it.")
    qualified_name = models.TextField(help_text="The OpenLineage name under its main namespace.")
    namespace = models.TextField()
    kind = models.CharField(max_length=20, choices=DATASET_KINDS, default=DatasetKind.TABLE.value)
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.PROTECT, related_name="datasets")
    level = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Rank of the effective level.")
    owner_names = ArrayField(models.TextField(), default=list, blank=True)
    tag_names = ArrayField(models.TextField(), default=list, blank=True)

    comment = models.TextField(default="", blank=True, help_text="What the source says of it.")
    description = models.TextField(default="", blank=True, help_text="The effective description, as Markdown.")
    definition = models.TextField(default="", blank=True, help_text="The SQL of a view, secrets masked; third tier.")
    properties = models.JSONField(default=dict, blank=True)
    field_count = models.PositiveIntegerField(default=0)
    row_estimate = models.BigIntegerField(null=True, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)

    fingerprint = models.CharField(max_length=64, default="", blank=True)
    version = models.PositiveIntegerField(
        default=0, help_text="Number of the current schema version; 0: never described."
    )
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(
        default=timezone.now,
        help_text="When it was last written here; `last_seen_at` counts later crawls in.",
    )
    changed_at = models.DateTimeField(default=timezone.now)
    gone_since = models.DateTimeField(null=True, blank=True)
    data_updated_at = models.DateTimeField(null=True, blank=True, help_text="When a run last wrote it.")
    criticality = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How much depends on it: see `lineage.criticality`."
    )
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged")

    search = SearchVectorField(null=True, editable=False)

    objects = DatasetQuerySet.as_manager()

    tier: int
    """How much of it a principal sees, 0 to 3: only on rows read with `.with_tier(principal)`."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="dataset_path_unique_in_source",
                fields=["source", "path"],
                condition=Q(source__isnull=False),
            )
        ]
        indexes = [
            GinIndex(name="dataset_search", fields=["search"]),
            GinIndex(OpClass(Lower("name"), name="gin_trgm_ops"), name="dataset_name_trigram"),
            models.Index(Lower("name"), "id", name="dataset_by_name"),
            models.Index(name="dataset_by_domain", fields=["domain", "id"]),
            # How many of each source somebody sees is counted in the index alone.
            models.Index(
                name="dataset_by_source", fields=["source", "domain"], include=["id", "gone_since", "merged_into"]
            ),
            models.Index(name="dataset_recently_changed", fields=["-changed_at", "-id"]),
        ]
        permissions = [
            ("discover_dataset", "May know that the dataset exists"),
            ("read_dataset_metadata", "May read the dataset's metadata"),
            ("read_dataset_profile", "May read the dataset's profiles and code"),
        ]

    def __str__(self) -> str:
        return self.qualified_name

    @property
    def last_seen_at(self) -> dt.datetime:
        """When it was last seen. A crawl that finds it unchanged only notes that its whole schema was read."""
        if self.gone_since is None and self.schema is not None and self.schema.last_read_at is not None:
            return max(self.last_seen, self.schema.last_read_at)
        return self.last_seen


class DatasetName(models.Model):
    """A name by which crawls and pipelines speak of a dataset, with when that was so."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="names")
    namespace = models.TextField()
    name = models.TextField()
    origin = models.CharField(max_length=10, choices=Origin)
    is_main = models.BooleanField(default=False)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="dataset_name_is_of_one",
                fields=["namespace", "name"],
                condition=Q(valid_to__isnull=True),
            )
        ]
        indexes = [models.Index(name="dataset_name_of", fields=["dataset"])]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
