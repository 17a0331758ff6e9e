"""By which rules columns are classified: rule sets by version, and what people ruled out."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset, Domain, Source
from classification.models.categories import Category


class RuleSet(models.Model):
    """The rules of one version, frozen. One at most is a draft, and one holds (`applied`).

    `contents` is what `classification.rules` freezes: every category as it was when the draft was made.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        APPLIED = "applied", "Applied"
        RETIRED = "retired", "Retired"
        DISCARDED = "discarded", "Discarded"

    version = models.PositiveIntegerField(unique=True)
    weights_version = models.CharField(max_length=40, help_text="Of the shipped detectors' fitted weights.")
    contents = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    applied_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(name="rule_set_one_draft", fields=["state"], condition=Q(state="draft")),
            models.UniqueConstraint(name="rule_set_one_applied", fields=["state"], condition=Q(state="applied")),
            models.CheckConstraint(
                name="rule_set_applied_by_somebody",
                condition=Q(state__in=("draft", "discarded"), applied_at__isnull=True, applied_by__isnull=True)
                | Q(state__in=("applied", "retired"), applied_at__isnull=False, applied_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class Reclassification(models.Model):
    """One pass of the detectors over the stored columns, by name: to see what a rule set would change, or to apply it.

    It advances by datasets in the order of their ids, in short tasks; `last_dataset_id` is as far as it came. `found` counts
    by category what it adds, changes and removes, with a few columns as examples.
    """

    class Purpose(models.TextChoices):
        PREVIEW = "preview", "Preview"
        APPLY = "apply", "Apply"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    rule_set = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="passes")
    purpose = models.CharField(max_length=10, choices=Purpose)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now, help_text="When it last advanced.")
    finished_at = models.DateTimeField(null=True, blank=True)
    datasets = models.PositiveIntegerField(default=0, help_text="How many there are to look at.")
    done = models.PositiveIntegerField(default=0)
    columns = models.PositiveIntegerField(default=0, help_text="How many were looked at.")
    last_dataset_id = models.BigIntegerField(default=0)
    found = models.JSONField(default=dict)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="reclassification_one_at_a_time",
                fields=["rule_set", "purpose"],
                condition=Q(state="running"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} of {self.rule_set_id}"

    @property
    def is_running(self) -> bool:
        return self.state == self.State.RUNNING


class NegativeRule(models.Model):
    """What columns of a name are not, as people decided; it holds from the moment it is made, where its scope says.

    `name` is a phrase of normalised tokens. It matches a column whose name has these tokens one after another, or, if
    `whole`, no others.
    """

    class Scope(models.TextChoices):
        ALL = "all", "Everywhere"
        DOMAIN = "domain", "In the domain"
        SOURCE = "source", "In the source"
        DATASET = "dataset", "In the dataset"

    scope = models.CharField(max_length=10, choices=Scope)
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey(Dataset, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="negative_rules")
    name = models.CharField(max_length=200)
    whole = models.BooleanField(default=True)
    reason = models.TextField()
    author = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    decision = models.ForeignKey(
        "classification.Decision",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="negative_rules",
        help_text="The rejection that it comes from.",
    )
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="negative_rule_once",
                fields=["scope", "domain", "source", "dataset", "category", "name", "whole"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="negative_rule_names_its_scope",
                condition=Q(scope="all", domain__isnull=True, source__isnull=True, dataset__isnull=True)
                | Q(scope="domain", domain__isnull=False, source__isnull=True, dataset__isnull=True)
                | Q(scope="source", domain__isnull=True, source__isnull=False, dataset__isnull=True)
                | Q(scope="dataset", domain__isnull=True, source__isnull=True, dataset__isnull=False),
            ),
            models.CheckConstraint(
                name="negative_rule_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} is no {self.category_id}"
