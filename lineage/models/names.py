"""Which datasets are one: what pipelines say of other names, and what people decided about it."""

from __future__ import annotations

from django.db import models

from accounts.models import Principal
from catalog.models import Dataset


class Decision(models.TextChoices):
    OPEN = "open", "Waits for a decision"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


class SameAs(models.Model):
    """Two names of one dataset. Ungoverned datasets merge when told; others when somebody accepts; none when rejected."""

    pk = models.CompositePrimaryKey("first_id", "second_id")
    first = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", db_index=False)
    told = models.BooleanField(db_default=False, help_text="A symlinks facet that stands says so.")
    renamed = models.BooleanField(
        db_default=False, help_text="One was renamed to the other, which no facet takes back."
    )
    decision = models.CharField(max_length=8, choices=Decision, db_default=Decision.OPEN)
    decided_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(name="same_as_second", fields=["second", "first"])]
        constraints = [
            models.CheckConstraint(name="same_as_in_order", condition=models.Q(first__lt=models.F("second")))
        ]
