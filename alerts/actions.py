"""What people do with notifications: read them, choose how to hear, follow datasets."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from accounts.models import Principal
from alerts.events import DatasetFollowed, DatasetUnfollowed
from alerts.kinds import Choice, Kind
from alerts.models import Follow, Notification, Preference
from audit.recording import record
from catalog.models import Dataset, Tier
from common.errors import Forbidden, Invalid


def mark_read(*, by: Principal, up_to: int | None = None, only: int | None = None) -> int:
    """Mark one's own notifications as read: `only` this one, or all `up_to` an id, or all; returns how many were unread.

    Reading is no event of the audit.
    """
    rows = Notification.objects.filter(receiver=by).unread()
    if only is not None:
        rows = rows.filter(pk=only)
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    return rows.update(read_at=timezone.now())


@transaction.atomic
def choose(*, choices: Mapping[str, str], by: Principal) -> None:
    """Set how `by` wants to hear of these kinds; others stay as they are. Raises `Invalid` for what is no kind or choice."""
    _check_is_person(by)
    for kind, choice in choices.items():
        if kind not in Kind.values or choice not in Choice.values:
            raise Invalid("Correct the fields named below.", {kind: [f"Choose one of {', '.join(Choice.values)}."]})
    Preference.objects.bulk_create(
        [Preference(principal=by, kind=kind, choice=choice) for kind, choice in sorted(choices.items())],
        update_conflicts=True,
        unique_fields=["principal", "kind"],
        update_fields=["choice"],
    )


@transaction.atomic
def follow(*, dataset: Dataset, by: Principal) -> Follow:
    """Hear of a dataset's schema and jobs without owning it; twice is as once."""
    _check_is_person(by)
    if not Dataset.objects.visible_to(by, Tier.METADATA).filter(pk=dataset.pk).exists():
        raise Forbidden(f"You may not read the metadata of {dataset.name}, so there is nothing to follow.")
    found, made = Follow.objects.get_or_create(principal=by, dataset=dataset)
    if made:
        record(DatasetFollowed(dataset_id=dataset.pk, dataset=dataset.name), by=by)
    return found


@transaction.atomic
def unfollow(*, dataset: Dataset, by: Principal) -> None:
    """No longer hear of a dataset; without having followed it, nothing happens."""
    _check_is_person(by)
    deleted, _ = Follow.objects.filter(principal=by, dataset=dataset).delete()
    if deleted:
        record(DatasetUnfollowed(dataset_id=dataset.pk, dataset=dataset.name), by=by)


def _check_is_person(by: Principal) -> None:
    if by.kind != Principal.Kind.PERSON:
        raise Forbidden("Only people are notified. Sign in as one, or use a token of yours.")
