"""What samples came to: the profile that holds of each field, those before it in short, and when there was a sample."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.datasets import Dataset
from catalog.models.sources import SamplingAmount
from catalog.models.structure import Field


class Profile(models.Model):
    """A dataset's profile at one time, for its history.

    `fields` holds by field id what plots show: {"nulls": share, "distinct": count, "length": mean}. Nothing in it is a value.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="profiles", db_index=False)
    taken_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(help_text="Of the dataset's schema.")
    row_count = models.BigIntegerField(null=True, blank=True)
    row_count_exact = models.BooleanField(
        default=False, help_text="All rows were read; else it is the source's estimate."
    )
    rows_sampled = models.PositiveIntegerField(default=0)
    fields = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(name="profile_of_dataset", fields=["dataset", "-taken_at", "-id"]),
            models.Index(name="profile_by_age", fields=["taken_at"]),
        ]

    def __str__(self) -> str:
        return f"profile {self.pk} of {self.dataset_id}"


class FieldProfile(models.Model):
    """What the latest sample says of a field. `minimum`, `maximum` and `exemplars` are all that is kept of values.

    These are kept for fields alone whose level allows it, and taken away when it no longer does:
    `classification.exposure` knows.
    """

    field = models.OneToOneField(Field, primary_key=True, on_delete=models.CASCADE, related_name="profile")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="field_profiles")
    taken_at = models.DateTimeField(default=timezone.now)
    null_share = models.FloatField(null=True, blank=True)
    distinct = models.BigIntegerField(null=True, blank=True)
    distinct_exact = models.BooleanField(default=False)
    shortest = models.BigIntegerField(null=True, blank=True)
    longest = models.BigIntegerField(null=True, blank=True)
    mean_length = models.FloatField(null=True, blank=True)
    shapes = models.JSONField(default=list, help_text="[shape, share] of the most frequent ones.")
    minimum = models.CharField(max_length=60, default="", blank=True)
    maximum = models.CharField(max_length=60, default="", blank=True)
    exemplars = ArrayField(models.TextField(), default=list, blank=True, help_text="Masked.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="field_profile_share_is_a_share",
                condition=Q(null_share__isnull=True) | Q(null_share__range=(0, 1)),
            )
        ]
        indexes = [
            models.Index(
                name="field_profile_with_values",
                fields=["dataset"],
                condition=~Q(minimum="") | ~Q(maximum="") | ~Q(exemplars=[]),
            )
        ]

    def __str__(self) -> str:
        return f"profile of field {self.field_id}"


class Sampling(models.Model):
    """When a dataset was sampled last, and why it could not be, if so."""

    dataset = models.OneToOneField(Dataset, primary_key=True, on_delete=models.CASCADE, related_name="sampling")
    tried_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(help_text="Of the dataset's schema.")
    amount = models.CharField(max_length=10, choices=SamplingAmount)
    rules = models.PositiveIntegerField(default=0, help_text="Version of the rules that were asked about the values.")
    failure = models.TextField(default="", blank=True)

    def __str__(self) -> str:
        return f"sampling of {self.dataset_id}"
