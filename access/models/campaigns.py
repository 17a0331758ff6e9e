"""Recertification: from time to time somebody looks at each grant again."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.models.grants import Grant
from access.models.policies import PolicyVersion
from access.querysets import CampaignItemQuerySet, CampaignQuerySet
from accounts.models import Principal
from catalog.models import Domain, Source


class Campaign(models.Model):
    """A look at grants until a day: those that it holds were chosen when it began, and none comes later.

    `scope` says in words what was chosen. One that a policy began looks at grants which the policy would not give as they
    are.
    """

    name = models.CharField(max_length=150)
    scope = models.CharField(max_length=500)
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    policy_version = models.OneToOneField(
        PolicyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="campaign"
    )
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveIntegerField(default=0, help_text="How many grants it looks at.")

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="campaign_ends_after_it_begins", condition=Q(due_at__gt=F("started_at"))),
        ]
        indexes = [models.Index(name="campaign_due", fields=["due_at"], condition=Q(closed_at__isnull=True))]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class CampaignItem(models.Model):
    """One grant in a campaign. It may be kept as it is, masked or removed; nothing here can widen it."""

    class Outcome(models.TextChoices):
        OPEN = "open", "Waits"
        KEPT = "kept", "Kept"
        REMOVED = "removed", "Removed"
        MASKED = "masked", "Masked"
        REVOKED = "revoked", "Removed: nobody confirmed it"
        FLAGGED = "flagged", "Kept, though nobody confirmed it"
        ENDED = "ended", "Ended meanwhile"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="items")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="recertifications")
    holder = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    level_name = models.CharField(max_length=60, default="", blank=True, help_text="The highest, when it began.")
    silence_revokes = models.BooleanField(help_text="What happens where nobody decides: revoked, or kept and flagged.")
    why = models.CharField(
        max_length=1000, default="", blank=True, help_text="What a policy that came into force since says of it."
    )
    masks = models.JSONField(
        default=dict, blank=True, help_text="Masks that it would be made with now and does not carry, as a grant's."
    )
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN)
    decided_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(default="", blank=True)

    objects = CampaignItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="campaign_item_once_per_grant", fields=["campaign", "grant"]),
            models.CheckConstraint(
                name="campaign_item_decided_by_somebody",
                condition=~Q(outcome__in=["kept", "removed", "masked"])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_item_never_decided_by_holder",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("holder")) | Q(outcome="removed"),
            ),
            models.CheckConstraint(
                name="campaign_item_removal_has_reason", condition=~Q(outcome="removed") | ~Q(reason="")
            ),
        ]
        indexes = [
            models.Index(name="campaign_item_open", fields=["grant"], condition=Q(outcome="open")),
            models.Index(name="campaign_item_open_of", fields=["campaign"], condition=Q(outcome="open")),
        ]

    def __str__(self) -> str:
        return f"grant {self.grant_id} in {self.campaign_id}"

    @property
    def is_open(self) -> bool:
        return self.outcome == self.Outcome.OPEN
