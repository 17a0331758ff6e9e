"""Access that somebody took in an emergency, and what others thought of it afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.models.requests import AccessRequest
from access.querysets import EmergencyReviewQuerySet
from accounts.models import Principal


class EmergencyReview(models.Model):
    """Somebody else looks at what was opened in an emergency, and says whether it had to be."""

    class Verdict(models.TextChoices):
        JUSTIFIED = "justified", "It had to be"
        MISUSED = "misused", "It should not have been"

    request = models.OneToOneField(AccessRequest, on_delete=models.PROTECT, related_name="review")
    requester = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(help_text="Still open then, administrators may close it too.")
    escalated_at = models.DateTimeField(null=True, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict, default="", blank=True)
    reason = models.TextField(default="", blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = EmergencyReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="emergency_review_closed_has_author_verdict_and_reason",
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, verdict="")
                | Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(verdict="") & ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="emergency_review_is_closed_by_somebody_else",
                condition=Q(closed_by__isnull=True) | ~Q(closed_by=F("requester")),
            ),
        ]
        indexes = [
            models.Index(name="emergency_review_open", fields=["due_at"], condition=Q(closed_at__isnull=True)),
            models.Index(name="emergency_review_of", fields=["requester", "-id"]),
        ]

    def __str__(self) -> str:
        return f"review of request {self.request_id}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
