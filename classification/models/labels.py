"""Who put which level and category on what, when and why."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset, Field, Origin
from classification.models.categories import Category
from classification.models.levels import Level
from classification.models.rules import RuleSet
from classification.querysets import LabelQuerySet


class Decision(models.Model):
    """What somebody decided about suggestions in one go, so that it can be undone in one go."""

    class Kind(models.TextChoices):
        ACCEPT = "accept", "Accepted"
        REJECT = "reject", "Rejected"
        RELABEL = "relabel", "Labelled otherwise"

    kind = models.CharField(max_length=10, choices=Kind)
    by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    reason = models.TextField(default="", blank=True)
    count = models.PositiveIntegerField(help_text="How many suggestions it was about.")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="decision_undone_by_somebody",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
            )
        ]
        indexes = [models.Index(name="decision_of_principal", fields=["by", "-id"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.count}"


class Label(models.Model):
    """A level, and mostly a category, on a dataset or one of its fields. History stays; `valid_to` is null for what holds.

    `origin` says from what it came, and of several the first in the order person, code, pipeline, crawl is
    effective, so that no crawl or pipeline overwrites a person. Confirmed labels count; so do inherited ones where no person
    said anything about the field. Suggested ones wait for a decision; rejected ones say that somebody decided otherwise.
    """

    class State(models.TextChoices):
        SUGGESTED = "suggested", "Suggested"
        CONFIRMED = "confirmed", "Confirmed"
        REJECTED = "rejected", "Rejected"
        INHERITED = "inherited", "Inherited"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="labels")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="labels")
    level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="labels")
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT, related_name="labels")
    state = models.CharField(max_length=10, choices=State, default=State.CONFIRMED)
    origin = models.CharField(max_length=10, choices=Origin)
    author = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    confidence = models.FloatField(null=True, blank=True, help_text="Of a detector, calibrated: 0 to 1.")
    rule_set = models.ForeignKey(
        RuleSet, null=True, blank=True, on_delete=models.PROTECT, related_name="labels", db_index=False
    )
    evidence = models.JSONField(
        null=True, blank=True, help_text="A list of {kind, text, weight}, the weightiest first; never a value."
    )
    phrase = models.CharField(
        max_length=200,
        default="",
        blank=True,
        help_text="The tokens of the field's name, normalised: equal for columns that look alike.",
    )
    suggestion = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="answers",
        db_index=False,
        help_text="The suggestion that this decides.",
    )
    decision = models.ForeignKey(
        Decision, null=True, blank=True, on_delete=models.SET_NULL, related_name="labels", db_index=False
    )
    source = models.ForeignKey(
        Field,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="Of an inherited label: the field on which the label stands that it carries.",
    )
    via = models.ForeignKey(
        Field,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="Of an inherited label: the field from which it came in one hop.",
    )
    via_job = models.BigIntegerField(null=True, blank=True, help_text="The lineage job of that hop.")
    hint = models.TextField(default="", blank=True, help_text="What to look at before one relies on it.")
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
            models.UniqueConstraint(
                name="label_suggested_once",
                fields=["dataset", "field"],
                condition=Q(valid_to__isnull=True, state="suggested"),
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                name="label_inherited_once",
                fields=["dataset", "field"],
                condition=Q(valid_to__isnull=True, state="inherited"),
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                name="label_rejected_once_per_category",
                fields=["dataset", "field", "category"],
                condition=Q(valid_to__isnull=True, state="rejected"),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="label_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
            models.CheckConstraint(
                name="label_confidence_is_a_share",
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
            ),
            models.CheckConstraint(
                name="label_only_fields_inherit",
                condition=~Q(state="inherited") | Q(field__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="label_of_dataset", fields=["dataset", "-id"]),
            models.Index(
                name="label_effective_of_level",
                fields=["level", "dataset"],
                condition=Q(valid_to__isnull=True, state__in=("confirmed", "inherited")),
            ),
            models.Index(
                name="label_effective_of_category",
                fields=["category", "dataset"],
                condition=Q(valid_to__isnull=True, state__in=("confirmed", "inherited"), category__isnull=False),
            ),
            models.Index(
                name="label_waiting",
                fields=["level", "category", "phrase", "confidence", "id"],
                condition=Q(valid_to__isnull=True, state="suggested"),
            ),
            models.Index(name="label_of_decision", fields=["decision"], condition=Q(decision__isnull=False)),
            models.Index(name="label_that_answers", fields=["suggestion"], condition=Q(suggestion__isnull=False)),
            models.Index(
                name="label_inherited_from",
                fields=["source"],
                condition=Q(valid_to__isnull=True, state="inherited"),
            ),
            models.Index(
                name="label_inherited_via",
                fields=["via"],
                condition=Q(valid_to__isnull=True, state="inherited"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level_id} on {self.field_id or self.dataset_id}"

    @property
    def percent(self) -> int | None:
        """The confidence in per cent; never 100, for detectors are never sure."""
        return None if self.confidence is None else min(99, round(self.confidence * 100))
