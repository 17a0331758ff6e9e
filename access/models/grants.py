"""What people were granted."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from access.models.requests import AccessRequest
from access.querysets import GrantQuerySet
from access.states import GRANT_ENDING, GRANT_LIVE, GrantState, choices
from accounts.models import Principal
from catalog.models import Dataset


class Validity(Func):
    """[valid_from, valid_to) as PostgreSQL's range."""

    function = "tstzrange"
    output_field = DateTimeRangeField()


class Grant(models.Model):
    """Access of a principal to a dataset or some of its columns, from a time to a time.

    At any time a principal has at most one usual grant on a dataset, and beside it at most one taken in an emergency.
    A grant that ended early has its real end in `valid_to`: what held at a moment is what spans it.
    """

    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="grants")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="grants")
    field_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    masks = models.JSONField(
        default=dict, blank=True, help_text="Id of a field (as text) → how its values are masked: hash, partial, …"
    )
    request = models.OneToOneField(AccessRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="grant")
    state = models.CharField(max_length=20, choices=choices(GrantState))
    is_emergency = models.BooleanField(default=False, help_text="Taken in an emergency; holds beside a usual grant.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()
    granted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.TextField(default="", blank=True)
    ends_as = models.CharField(
        max_length=20,
        default="",
        blank=True,
        choices=choices(GrantState),
        help_text="Which end it comes to once its privileges are read back as gone.",
    )
    login = models.CharField(max_length=128, default="", blank=True, help_text="As whom its holder reads by it.")
    applied_at = models.DateTimeField(null=True, blank=True, help_text="When its privileges were last given.")
    verified_at = models.DateTimeField(null=True, blank=True, help_text="When they were last read back.")
    removed_at = models.DateTimeField(null=True, blank=True, help_text="When they were read back as gone.")
    problem = models.TextField(
        default="", blank=True, help_text="What stands in the way in the source, and what to do."
    )

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="grant_ends_after_it_begins", condition=Q(valid_to__gte=F("valid_from"))),
            ExclusionConstraint(
                name="grant_live_once_per_principal_and_dataset",
                expressions=[
                    ("principal", RangeOperators.EQUAL),
                    ("dataset", RangeOperators.EQUAL),
                    ("is_emergency", RangeOperators.EQUAL),
                    (Validity("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=sorted(state.value for state in GRANT_LIVE)),
            ),
        ]
        indexes = [
            models.Index(name="grant_of_principal", fields=["principal", "-id"]),
            models.Index(name="grant_of_dataset", fields=["dataset", "-id"]),
            models.Index(
                name="grant_due",
                fields=["valid_to"],
                condition=Q(state__in=sorted(state.value for state in GRANT_LIVE - GRANT_ENDING)),
            ),
            models.Index(
                name="grant_in_source",
                fields=["dataset", "id"],
                condition=Q(state__in=sorted(state.value for state in GRANT_LIVE)),
            ),
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"

    @property
    def is_live(self) -> bool:
        """Whether it has not begun to end."""
        return self.state in GRANT_LIVE - GRANT_ENDING
