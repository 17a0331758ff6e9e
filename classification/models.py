"""How sensitive data is: the organisation's levels, and who put which level on what, when and why."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset, Field, Origin, slug_validator
from classification.querysets import LabelQuerySet
from common.components import COLOURS

LONGEST_GRANT_DAYS = 365
"""No level lets an access grant last longer than this many days."""


class Level(models.Model):
    """A step of sensitivity. Ranks count from 1, the least sensitive, without gaps."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=60, unique=True)
    rank = models.PositiveSmallIntegerField(help_text="1 is the least sensitive.")
    description = models.TextField(default="", blank=True, help_text="What belongs here, in a sentence or two.")
    handling = models.TextField(default="", blank=True, help_text="How to treat it, as Markdown.")
    colour = models.CharField(max_length=10, choices=[(colour, colour.capitalize()) for colour in COLOURS])
    longest_grant_days = models.PositiveSmallIntegerField(
        default=LONGEST_GRANT_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_GRANT_DAYS)],
        help_text=f"Access to it is granted for at most so many days, up to {LONGEST_GRANT_DAYS}.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["rank"]
        constraints = [
            # Checked at commit, so that one statement may permute ranks.
            models.UniqueConstraint(name="level_rank_unique", fields=["rank"], deferrable=models.Deferrable.DEFERRED),
            models.CheckConstraint(name="level_rank_counts_from_one", condition=Q(rank__gte=1)),
            models.CheckConstraint(name="level_colour_of_palette", condition=Q(colour__in=COLOURS)),
            models.CheckConstraint(
                name="level_grants_end", condition=Q(longest_grant_days__range=(1, LONGEST_GRANT_DAYS))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Label(models.Model):
    """A level on a dataset, or on one of its fields. History stays; `valid_to` is null for what holds now.

    `origin` says from what it came, and of several the first in the order person, code, pipeline, crawl is
    effective, so that no crawl or pipeline overwrites a person. Only confirmed labels count.
    """

    class State(models.TextChoices):
        SUGGESTED = "suggested", "Suggested"
        CONFIRMED = "confirmed", "Confirmed"
        REJECTED = "rejected", "Rejected"
        INHERITED = "inherited", "Inherited"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="labels")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="labels")
    level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="labels")
    state = models.CharField(max_length=10, choices=State, default=State.CONFIRMED)
    origin = models.CharField(max_length=10, choices=Origin)
    author = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    rule_set_version = models.PositiveIntegerField(null=True, blank=True)
    evidence = models.JSONField(null=True, blank=True)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = LabelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="label_once_per_origin",
                fields=["dataset", "field", "origin"],
                condition=Q(valid_to__isnull=True, state="confirmed"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="label_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]
        indexes = [
            models.Index(name="label_of_dataset", fields=["dataset", "-id"]),
            models.Index(
                name="label_effective_of_level",
                fields=["level", "dataset"],
                condition=Q(valid_to__isnull=True, state="confirmed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level_id} on {self.field_id or self.dataset_id}"
