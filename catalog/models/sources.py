"""Servers and files that hold datasets, and the schemas in them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import Principal
from catalog.models.organisation import Domain, System
from catalog.models.vocabulary import slug_validator
from catalog.querysets import SourceQuerySet
from connections.platforms import label_of


class SamplingAmount(models.TextChoices):
    """How much of a source's rows its crawls read, to profile and classify them."""

    OFF = "off", "Off"
    LIGHT = "light", "Light"
    FULL = "full", "Full"


class Source(models.Model):
    """A server or file that holds datasets, and under which namespace pipelines speak of it."""

    class Frequency(models.TextChoices):
        BATCH = "batch", "Batch"
        STREAM = "stream", "Stream"

    class Structure(models.TextChoices):
        STRUCTURED = "structured", "Structured"
        SEMI = "semi", "Semi-structured"
        UNSTRUCTURED = "unstructured", "Unstructured"

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=150, unique=True)
    system = models.ForeignKey(System, null=True, blank=True, on_delete=models.PROTECT, related_name="sources")
    domain = models.ForeignKey(
        Domain,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sources",
        help_text="Datasets that a crawl finds here begin in this domain.",
    )
    platform = models.CharField(max_length=30)
    namespace = models.CharField(max_length=500)
    connection = models.OneToOneField(
        "connections.Connection", null=True, blank=True, on_delete=models.PROTECT, related_name="source"
    )
    frequency = models.CharField(max_length=10, choices=Frequency, default=Frequency.BATCH)
    structure = models.CharField(max_length=15, choices=Structure, default=Structure.STRUCTURED)
    location = models.CharField(
        max_length=200, default="", blank=True, help_text="Where the data is kept: Sydney, on site."
    )
    description = models.TextField(default="", blank=True)
    include = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    exclude = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    sampling = models.CharField(
        max_length=10,
        choices=SamplingAmount,
        default=SamplingAmount.OFF,
        help_text=(
            "Whether crawls read rows, to profile and classify them. Light: some 200 rows of each table when it changed, and"
            " every 30 days; full: 2,000 of each table and view, every 7 days. Values are not kept: counts, shapes and"
            " masked exemplars are. On a server the account needs SELECT: see the source's connection."
        ),
    )
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    last_crawled_at = models.DateTimeField(null=True, blank=True)
    dataset_count = models.PositiveIntegerField(default=0, help_text="Present datasets, kept by crawls.")

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(name="source_by_namespace", fields=["namespace"])]

    def __str__(self) -> str:
        return self.name

    @property
    def platform_label(self) -> str:
        """The platform as people write it."""
        return label_of(self.platform)


class Schema(models.Model):
    """A schema (or database, or folder) of a source: the parent of datasets. `path` is empty where there is none."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="schemas", db_index=False)
    path = ArrayField(models.TextField(), default=list)
    dataset_count = models.PositiveIntegerField(default=0, help_text="Present datasets, kept by crawls.")
    last_read_at = models.DateTimeField(null=True, blank=True, help_text="When a crawl last saw all of it.")
    gone_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="schema_path_unique_in_source", fields=["source", "path"])]

    def __str__(self) -> str:
        return ".".join(self.path)
