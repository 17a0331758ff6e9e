"""What the review and coverage count, kept as sums: the state of `classification.counting`.

Nothing here is history, and all of it can be counted anew. A dataset's row says what of it is in the sums, so that another
count changes them by the difference.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from catalog.models import Dataset


class UncountedDataset(models.Model):
    """A note, written by triggers, that what is counted of a dataset may have changed. Several may say the same."""

    dataset_id = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.dataset_id)


class DatasetCount(models.Model):
    """What of a dataset is in the sums. No foreign key binds it: it outlives its dataset until that is counted out."""

    dataset = models.OneToOneField(
        Dataset, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    source_id = models.BigIntegerField(null=True, blank=True)
    domain_id = models.BigIntegerField(null=True, blank=True)
    owners = ArrayField(models.TextField(), default=list, blank=True)
    columns = models.PositiveIntegerField(default=0, help_text="With nested ones.")
    decided = models.PositiveIntegerField(default=0)
    suggested = models.PositiveIntegerField(default=0, help_text="Of those not decided.")
    clear = models.PositiveIntegerField(default=0)
    waiting = models.JSONField(
        default=list,
        blank=True,
        help_text="Its suggestions by category, level, phrase and type: how many, and the sum of their confidence.",
    )

    def __str__(self) -> str:
        return f"{self.dataset_id}: {self.columns}"


class CoverageSum(models.Model):
    """Columns of a source, domain and set of owners. Rows that are not `settled` are differences, to be added."""

    key = models.UUIDField(help_text="A digest of what is counted together.")
    source_id = models.BigIntegerField(null=True, blank=True)
    domain_id = models.BigIntegerField(null=True, blank=True)
    owners = ArrayField(models.TextField(), default=list, blank=True)
    columns = models.BigIntegerField()
    decided = models.BigIntegerField()
    suggested = models.BigIntegerField()
    clear = models.BigIntegerField()
    settled = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="coverage_sum_settled_once", fields=["key"], condition=Q(settled=True))
        ]
        indexes = [models.Index(name="coverage_sum_to_settle", fields=["id"], condition=Q(settled=False))]

    def __str__(self) -> str:
        return f"{self.columns} of source {self.source_id}, domain {self.domain_id}"


class WaitingSum(models.Model):
    """Suggestions that look alike: everywhere, in a domain, and in a source and domain, so that each reader adds few rows.

    Rows that are not `settled` are differences, to be added.
    """

    class By(models.TextChoices):
        ALL = "all", "Everywhere"
        DOMAIN = "domain", "In a domain"
        PLACE = "place", "In a source and domain"

    by = models.CharField(max_length=10, choices=By)
    key = models.UUIDField(help_text="A digest of what is counted together.")
    source_id = models.BigIntegerField(null=True, blank=True)
    domain_id = models.BigIntegerField(null=True, blank=True)
    category_id = models.BigIntegerField()
    level_id = models.BigIntegerField()
    phrase = models.TextField()
    type = models.TextField()
    columns = models.BigIntegerField()
    datasets = models.BigIntegerField()
    confidence = models.BigIntegerField(help_text="The sum, in ten-thousandths.")
    settled = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="waiting_sum_settled_once", fields=["key"], condition=Q(settled=True))
        ]
        indexes = [
            models.Index(name="waiting_sum_to_settle", fields=["id"], condition=Q(settled=False)),
            models.Index(name="waiting_sum_by_place", fields=["by", "domain_id", "source_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.columns} of {self.phrase}"
