"""What a reading of a source brought and would change, until it is applied or dropped. Both tables are unlogged."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class StagedDataset(models.Model):
    """A dataset as the reading of a source brought it, until it is reconciled. Unlogged; see `catalog.staging`."""

    reading = models.BigIntegerField()
    path = ArrayField(models.TextField())
    schema_path = ArrayField(models.TextField())
    name = models.TextField()
    names = ArrayField(models.TextField())
    kind = models.TextField()
    unchanged = models.BooleanField()
    comment = models.TextField()
    definition = models.TextField()
    definition_digest = models.TextField()
    properties = models.JSONField()
    row_estimate = models.BigIntegerField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    field_count = models.IntegerField()
    field_names = models.TextField()
    fields = models.JSONField()
    keys = models.JSONField()
    fingerprint = models.TextField()

    class Meta:
        indexes = [models.Index(name="staged_by_reading", fields=["reading", "path"])]


class PlannedChange(models.Model):
    """What a reading would change, until it is applied or dropped. Unlogged; see `catalog.reconciliation`."""

    reading = models.BigIntegerField()
    dataset_id = models.BigIntegerField(null=True)
    path = ArrayField(models.TextField())
    change = models.TextField()

    class Meta:
        indexes = [models.Index(name="planned_by_reading", fields=["reading", "path"])]
