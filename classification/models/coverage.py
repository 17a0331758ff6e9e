"""What was looked at, and how far the organisation came."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import Dataset
from classification.models.rules import RuleSet


class Examination(models.Model):
    """When a dataset's columns were last classified: a column of it without a label is one in which nothing was found."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, primary_key=True, related_name="examination")
    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, related_name="+")
    examined_at = models.DateTimeField(default=timezone.now)
    with_values = models.BooleanField(
        default=False, help_text="Whether values were sampled, or names were all there was."
    )

    class Meta:
        indexes = [models.Index(name="examination_of_rule_set", fields=["rule_set", "dataset"])]

    def __str__(self) -> str:
        return f"{self.dataset_id} at {self.examined_at:%Y-%m-%d}"


class CoverageDay(models.Model):
    """How many columns of a source, domain or owner were decided, suggested or looked at, at the end of a day.

    Rows of a source or owner are of one domain each, so that a reader is shown the sum over domains that they read; those of
    domains add up to everything.
    """

    class By(models.TextChoices):
        SOURCE = "source", "Source"
        DOMAIN = "domain", "Domain"
        OWNER = "owner", "Owner"

    day = models.DateField()
    by = models.CharField(max_length=10, choices=By)
    subject = models.CharField(max_length=200, help_text="The slug or name of what is measured; '' for what has none.")
    domain_id = models.BigIntegerField(null=True, blank=True, help_text="The columns are of datasets in this domain.")
    columns = models.PositiveIntegerField()
    decided = models.PositiveIntegerField(help_text="A confirmed label, or one that is inherited.")
    suggested = models.PositiveIntegerField(help_text="A suggestion waits, and nothing was decided.")
    clear = models.PositiveIntegerField(help_text="Looked at: nothing was found, or what was found was rejected.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="coverage_once_a_day", fields=["by", "day", "subject", "domain_id"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="coverage_adds_up", condition=Q(columns__gte=F("decided") + F("suggested") + F("clear"))
            ),
        ]
        indexes = [models.Index(name="coverage_of_subject", fields=["by", "subject", "day"])]

    def __str__(self) -> str:
        return f"{self.by} {self.subject or 'none'} on {self.day}"
