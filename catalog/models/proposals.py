"""What pipelines say of datasets that people govern, until somebody decides about it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Principal
from catalog.models.datasets import Dataset
from catalog.querysets import ProposalQuerySet


class Proposal(models.Model):
    """Something that a pipeline says should be so. Nothing is so until somebody accepts; a decision is never asked again.

    Open proposals are those that pipelines still make: one that is no longer told is deleted. `payload` says what, in
    members that its kind knows: `catalog.proposals`.
    """

    class Kind(models.TextChoices):
        OWNER = "owner", "Owner"
        DESCRIPTION = "description", "Description"
        TAG = "tag", "Tag"
        GONE = "gone", "Dropped"
        SAME_AS = "same_as", "Same dataset"
        MASKING = "masking", "Masked column"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="proposals", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    payload = models.JSONField()
    digest = models.UUIDField(help_text="Of the payload: equal for equal proposals.")
    told_by = models.ForeignKey(
        Principal,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose event says so, where the log still knows.",
    )
    at = models.DateTimeField(help_text="When it was said.")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    decided_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(default="", blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="proposal_once", fields=["dataset", "kind", "digest"]),
            models.CheckConstraint(
                name="proposal_decided_by_somebody",
                condition=Q(state="open", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="open") & Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="proposal_open", fields=["-id"], condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.dataset_id}"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN
