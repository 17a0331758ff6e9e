"""Who must approve a request, and who did."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.models.requests import AccessRequest
from access.policy import Audience
from accounts.models import Principal
from classification.limits import MOST_APPROVALS


class ApprovalStep(models.Model):
    """So many of an audience must approve before the request goes on to its next step, or becomes a grant.

    A request stands at one step at a time, `AccessRequest.step`. Who belongs to the audience is asked anew whenever
    somebody wants to decide: people come and go while a request waits.
    """

    request = models.ForeignKey(AccessRequest, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    audience = models.CharField(max_length=15, choices=[(one.value, one.label) for one in Audience])
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    needed = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField(null=True, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True, help_text="Undecided, administrators may decide then.")
    escalated_at = models.DateTimeField(null=True, blank=True)
    passed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["request", "position"]
        constraints = [
            models.UniqueConstraint(name="step_position_unique", fields=["request", "position"]),
            models.CheckConstraint(name="step_needs_somebody", condition=Q(needed__range=(1, MOST_APPROVALS))),
            models.CheckConstraint(
                name="step_of_group_names_it",
                condition=Q(audience=Audience.GROUP.value, group__isnull=False)
                | ~Q(audience=Audience.GROUP.value) & Q(group__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="step_undecided_until",
                fields=["escalate_at"],
                condition=Q(escalated_at__isnull=True, passed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"step {self.position} of request {self.request_id}"

    @property
    def whom(self) -> str:
        """The audience as sentences name it."""
        return f"the group {self.group.name}" if self.group else Audience(self.audience).label


class Vote(models.Model):
    """One person's decision at one step, by the authority of `acting_for`: their own, or of whoever delegated to them.

    Neither a person nor an authority counts twice at a step.
    """

    step = models.ForeignKey(ApprovalStep, on_delete=models.CASCADE, related_name="votes")
    by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    acting_for = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    approves = models.BooleanField()
    days = models.PositiveSmallIntegerField(null=True, blank=True, help_text="For so many days at most.")
    reason = models.TextField(default="", blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(name="vote_once_per_person", fields=["step", "by"]),
            models.UniqueConstraint(name="vote_once_per_authority", fields=["step", "acting_for"]),
        ]
        indexes = [models.Index(name="vote_of_person", fields=["by", "-id"])]

    def __str__(self) -> str:
        return f"vote {self.pk}"

    @property
    def is_in_place(self) -> bool:
        return self.by_id != self.acting_for_id


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def visible_to(self, principal: Principal) -> DelegationQuerySet:
        """Those that one gave or received; for administrators all."""
        if principal.is_administrator:
            return self
        return self.filter(Q(giver=principal) | Q(receiver=principal))

    def unended(self) -> DelegationQuerySet:
        """Those that hold, and those to come."""
        return self.filter(valid_to__gt=timezone.now())

    def holding(self) -> DelegationQuerySet:
        """Those that hold now, given by people who could still decide themselves."""
        now = timezone.now()
        return self.filter(
            valid_from__lte=now,
            valid_to__gt=now,
            giver__kind=Principal.Kind.PERSON,
            giver__user__is_active=True,
            giver__disabled_at__isnull=True,
        )


class Delegation(models.Model):
    """From a time to a time `receiver` may decide on requests in the place of `giver`.

    It passes on roles on datasets and domains and membership of groups, never administration, and never anything on a
    request of the giver's own. One that ended early has its real end in `valid_to`.
    """

    giver = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="delegations_given")
    receiver = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="delegations_received")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    reason = models.TextField(default="", blank=True)
    created_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="delegation_is_to_somebody_else", condition=~Q(giver=F("receiver"))),
            models.CheckConstraint(name="delegation_ends_after_it_begins", condition=Q(valid_to__gte=F("valid_from"))),
        ]
        indexes = [
            models.Index(name="delegation_to", fields=["receiver", "valid_to"]),
            models.Index(name="delegation_of", fields=["giver", "-id"]),
        ]

    def __str__(self) -> str:
        return f"delegation {self.pk}"

    @property
    def holds(self) -> bool:
        return self.valid_from <= timezone.now() < self.valid_to

    @property
    def is_over(self) -> bool:
        return self.valid_to <= timezone.now()
