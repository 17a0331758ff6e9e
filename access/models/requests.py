"""What people ask to read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.querysets import RequestQuerySet
from access.states import RequestState, choices
from accounts.models import Principal
from catalog.models import Dataset
from classification.limits import LONGEST_GRANT_DAYS

if TYPE_CHECKING:
    from access.models.grants import Grant

DECIDE_WITHIN = dt.timedelta(days=30)
"""A request that nobody decides expires after this."""

MOST_EMERGENCY_HOURS = 4
"""What somebody opens in an emergency closes after so many hours at most."""


class AccessRequest(models.Model):
    """Somebody's wish to read a dataset or some of its columns, for a purpose and a time.

    `field_ids` are ids of the dataset's fields in ascending order; empty means the whole dataset.
    """

    requester = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="access_requests")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="access_requests")
    field_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    purpose = models.TextField(default="", blank=True)
    purpose_kind = models.ForeignKey(
        "access.Purpose", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    ruling = models.JSONField(
        null=True, blank=True, help_text="What policy said when it was sent: see `access.asking.evidence_of`."
    )
    days = models.PositiveSmallIntegerField(help_text="For how many days from the approval on.")
    state = models.CharField(max_length=10, choices=choices(RequestState), default=RequestState.DRAFT.value)
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    decide_by = models.DateTimeField(null=True, blank=True, help_text="Undecided, it expires then.")
    step = models.ForeignKey(
        "access.ApprovalStep",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The step that it stands at, or stood at when it ended.",
    )
    renews = models.ForeignKey(
        "access.Grant",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="renewals",
        help_text="The grant that an approval replaces, for more time.",
    )
    is_emergency = models.BooleanField(default=False, help_text="Taken without asking, and reviewed afterwards.")
    hours = models.PositiveSmallIntegerField(null=True, blank=True, help_text="How long an emergency may last.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decision_reason = models.TextField(default="", blank=True)

    objects = RequestQuerySet.as_manager()
    grant: Grant

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="request_duration_has_limits", condition=Q(days__range=(1, LONGEST_GRANT_DAYS))
            ),
            models.CheckConstraint(
                name="request_pending_was_submitted",
                condition=~Q(state=RequestState.PENDING.value) | Q(submitted_at__isnull=False, decide_by__isnull=False),
            ),
            models.CheckConstraint(
                name="request_decision_has_author",
                condition=~Q(state__in=[RequestState.APPROVED.value, RequestState.DENIED.value])
                | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="request_is_never_decided_by_requester",
                condition=~Q(state__in=[RequestState.APPROVED.value, RequestState.DENIED.value])
                | ~Q(decided_by=F("requester")),
            ),
            models.CheckConstraint(
                name="request_refusal_has_reason",
                condition=~Q(state=RequestState.DENIED.value) | ~Q(decision_reason=""),
            ),
            models.CheckConstraint(
                name="request_of_emergency_has_hours",
                condition=Q(is_emergency=False, hours__isnull=True)
                | Q(is_emergency=True, hours__range=(1, MOST_EMERGENCY_HOURS)),
            ),
            models.CheckConstraint(
                name="request_sent_has_purpose", condition=Q(state__in=["draft", "cancelled"]) | ~Q(purpose="")
            ),
            models.UniqueConstraint(
                name="request_open_once_per_dataset",
                fields=["requester", "dataset"],
                condition=Q(state__in=[RequestState.DRAFT.value, RequestState.PENDING.value]),
            ),
        ]
        indexes = [
            models.Index(name="request_of_requester", fields=["requester", "-id"]),
            models.Index(name="request_waiting", fields=["dataset"], condition=Q(state="pending")),
            models.Index(name="request_undecided_until", fields=["decide_by"], condition=Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    @property
    def is_draft(self) -> bool:
        return self.state == RequestState.DRAFT

    @property
    def is_pending(self) -> bool:
        return self.state == RequestState.PENDING
