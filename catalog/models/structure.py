"""What a dataset is made of, now and before: fields, keys, and the versions of its schema."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.datasets import Dataset
from catalog.models.vocabulary import Origin, choices
from catalog.snapshots import FieldType, KeyKind


class Field(models.Model):
    """A column, or a field inside one: `path` has a part for each level of nesting."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="fields", db_index=False)
    path = ArrayField(models.TextField())
    position = models.PositiveIntegerField()
    native_type = models.TextField(default="")
    type = models.CharField(max_length=10, choices=choices(FieldType), default=FieldType.OTHER.value)
    nullable = models.BooleanField(default=True)
    default = models.TextField(null=True, blank=True)  # noqa: DJ001 -- no default and an empty one differ
    comment = models.TextField(default="", blank=True)
    description = models.TextField(default="", blank=True)
    level = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Rank of the effective level.")
    first_seen = models.DateTimeField(default=timezone.now)
    gone_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="field_path_unique_in_dataset", fields=["dataset", "path"])]

    def __str__(self) -> str:
        return ".".join(self.path)


class Key(models.Model):
    """A primary, unique or foreign key. `references` is null where the dataset that it points to was not crawled."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=10, choices=choices(KeyKind))
    name = models.TextField()
    columns = ArrayField(models.TextField())
    references_path = ArrayField(models.TextField(), null=True, blank=True)
    references = models.ForeignKey(
        Dataset, null=True, blank=True, on_delete=models.SET_NULL, related_name="referenced_by"
    )
    referenced_columns = ArrayField(models.TextField(), default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="key_name_unique_in_dataset", fields=["dataset", "kind", "name"])]
        indexes = [
            models.Index(
                name="key_that_points_nowhere",
                fields=["dataset"],
                condition=Q(references__isnull=True, references_path__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


class SchemaVersion(models.Model):
    """A dataset's schema from one time on. `content` is the `SchemaContent` of `catalog.schema_history`."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    seen_at = models.DateTimeField(default=timezone.now)
    origin = models.CharField(max_length=10, choices=Origin)
    content = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(name="schema_version_once", fields=["dataset", "number"])]

    def __str__(self) -> str:
        return f"version {self.number}"
