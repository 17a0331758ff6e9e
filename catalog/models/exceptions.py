"""Who sees a dataset beyond the roles on its domain."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models import Principal
from catalog.models.datasets import Dataset
from catalog.models.vocabulary import Tier


class DatasetUserPermission(UserObjectPermissionBase):
    """What visibility asks for one person, by a direct foreign key: it goes with its dataset."""

    content_object = models.ForeignKey(Dataset, on_delete=models.CASCADE)


class DatasetGroupPermission(GroupObjectPermissionBase):
    """What visibility asks for a group."""

    content_object = models.ForeignKey(Dataset, on_delete=models.CASCADE)


class DatasetException(models.Model):
    """How much a person or group sees of a dataset whatever their roles, why, by whom, and from when to when.

    The permission of its tier is there while it is open and goes with it: permissions themselves know no time.
    """

    TIERS = [choice for choice in Tier.choices if choice[0] != Tier.NONE]

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="exceptions")
    principal = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="exceptions")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="exceptions")
    tier = models.PositiveSmallIntegerField(choices=TIERS)
    reason = models.TextField()
    granted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="exception_of_principal_or_group",
                condition=Q(principal__isnull=False, group__isnull=True)
                | Q(principal__isnull=True, group__isnull=False),
            ),
            models.CheckConstraint(name="exception_of_a_tier", condition=Q(tier__in=[1, 2, 3])),
            models.CheckConstraint(name="exception_with_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="exception_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
            models.UniqueConstraint(
                name="exception_once_per_principal",
                fields=["dataset", "principal"],
                condition=Q(valid_to__isnull=True, principal__isnull=False),
            ),
            models.UniqueConstraint(
                name="exception_once_per_group",
                fields=["dataset", "group"],
                condition=Q(valid_to__isnull=True, group__isnull=False),
            ),
        ]
