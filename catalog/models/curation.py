"""What people, code and pipelines say of datasets and fields: descriptions, owners, tags. History stays."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Principal
from catalog.models.datasets import Dataset
from catalog.models.structure import Field
from catalog.models.vocabulary import Origin, slug_validator


class Description(models.Model):
    """What somebody says a dataset or field is, as Markdown. History stays; `valid_to` is null for what holds now."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="descriptions")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="descriptions")
    text = models.TextField()
    origin = models.CharField(max_length=10, choices=Origin)
    asserted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="description_once_per_origin",
                fields=["dataset", "field", "origin"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            )
        ]


class Ownership(models.Model):
    """Who answers for a dataset: owners decide on access, stewards keep levels and descriptions true."""

    class Kind(models.TextChoices):
        OWNER = "owner", "Owner"
        STEWARD = "steward", "Steward"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="ownerships")
    principal = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="ownerships")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="ownerships")
    kind = models.CharField(max_length=10, choices=Kind)
    origin = models.CharField(max_length=10, choices=Origin)
    asserted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ownership_of_principal_or_group",
                condition=Q(principal__isnull=False, group__isnull=True)
                | Q(principal__isnull=True, group__isnull=False),
            ),
            models.UniqueConstraint(
                name="ownership_once",
                fields=["dataset", "kind", "principal", "group"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            ),
        ]


class Tag(models.Model):
    """A word of the organisation's own vocabulary."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TagAssignment(models.Model):
    """A tag on a dataset or one of its fields, with who put it there and from what."""

    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, related_name="assignments")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="tag_assignments")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="tag_assignments")
    origin = models.CharField(max_length=10, choices=Origin)
    asserted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="tag_once",
                fields=["tag", "dataset", "field"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            )
        ]
