"""Who sees a dataset beyond the roles on its domain. What visibility asks is written with what says why, in one transaction."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.events import ExceptionEnded, ExceptionGranted
from catalog.models import Dataset, DatasetException, DatasetGroupPermission, DatasetUserPermission
from catalog.permissions import check_can_make_exceptions
from catalog.visibility import PERMISSION_OF_TIER
from common.errors import Invalid


@transaction.atomic
def grant_exception(
    *,
    dataset: Dataset,
    tier: int,
    reason: str,
    principal: Principal | None = None,
    group: Group | None = None,
    by: Principal,
) -> DatasetException:
    """Let a person or a group see a dataset at a tier whatever their roles, from now on; replaces what they had."""
    check_can_make_exceptions(by, dataset)
    if (principal is None) == (group is None):
        raise Invalid("Choose a person or a group, not both.")
    if principal is not None and principal.user_id is None:
        raise Invalid("Choose a person or a group.", {"member": ["Services and pipelines get roles on a domain."]})
    if tier not in PERMISSION_OF_TIER:
        raise Invalid("Choose how much they see.", {"tier": ["Choose one of 1, 2 and 3."]})
    if not reason.strip():
        raise Invalid("Say why.", {"reason": ["Say why they see it: others will ask."]})
    _lock(dataset)
    held = DatasetException.objects.filter(dataset=dataset, principal=principal, group=group, valid_to=None)
    former = held.first()
    if former is not None and (former.tier, former.reason) == (tier, reason.strip()):
        return former
    held.update(valid_to=timezone.now())
    granted = DatasetException.objects.create(
        dataset=dataset, principal=principal, group=group, tier=tier, reason=reason.strip(), granted_by=by
    )
    _permit(granted, tier)
    before = former.get_tier_display() if former else None
    values = _values(granted, before=before, after=granted.get_tier_display())
    record(ExceptionGranted(**values), by=by)
    return granted


@transaction.atomic
def end_exception(*, exception: DatasetException, by: Principal) -> None:
    """End an exception now. The row stays: who could see what in March must be answerable."""
    check_can_make_exceptions(by, exception.dataset)
    _lock(exception.dataset)
    if DatasetException.objects.filter(pk=exception.pk, valid_to=None).update(valid_to=timezone.now()):
        _permit(exception, None)
        record(ExceptionEnded(**_values(exception, before=exception.get_tier_display(), after=None)), by=by)


def _lock(dataset: Dataset) -> None:
    """One at a time for each dataset, so that the permission is that of the exception which is open."""
    Dataset.objects.select_for_update(no_key=True).values_list("pk").get(pk=dataset.pk)


def _permit(exception: DatasetException, tier: int | None) -> None:
    """Leave the member with the permission of this tier on the dataset, or with none."""
    rows: QuerySet[Any, Any] = DatasetGroupPermission.objects.all()
    values: dict[str, Any] = {"content_object": exception.dataset, "group": exception.group}
    if exception.principal is not None:
        rows = DatasetUserPermission.objects.all()
        values = {"content_object": exception.dataset, "user": exception.principal.user}
    rows.filter(**values).delete()
    if tier is not None:
        permissions = Permission.objects.filter(content_type__app_label="catalog", content_type__model="dataset")
        rows.create(permission=permissions.get(codename=PERMISSION_OF_TIER[tier]), **values)


def _values(exception: DatasetException, *, before: str | None, after: str | None) -> dict[str, Any]:
    return {
        "dataset_id": exception.dataset_id,
        "dataset": exception.dataset.name,
        "member": str(exception.principal or exception.group),
        "principal_id": exception.principal_id,
        "group_id": exception.group_id,
        "reason": exception.reason,
        "before": {"sees_by_exception": before},
        "after": {"sees_by_exception": after},
    }
