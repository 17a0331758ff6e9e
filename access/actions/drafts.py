"""Write a request bit by bit, and send it later."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from access.enforcement.offering import check_can_carry_out
from access.models import AccessRequest, Grant, Purpose
from access.permissions import check_can_request
from access.states import RequestState
from accounts.models import Principal
from catalog.models import Dataset, Field
from classification.limits import LONGEST_GRANT_DAYS
from common.errors import Conflict, Invalid


@transaction.atomic
def save_draft(
    *,
    dataset: Dataset,
    by: Principal,
    fields: Sequence[Field] = (),
    purpose: str = "",
    purpose_kind: Purpose | None = None,
    days: int = 30,
    renews: Grant | None = None,
) -> AccessRequest:
    """Keep what somebody wrote so far; nobody else sees it, and nothing is recorded. `request_access` sends it.

    There is one draft for each person and dataset. Raises `Conflict` while a request for the dataset waits already.
    """
    check_can_request(by, dataset, fields)
    check_standing(dataset, fields)
    if not 1 <= days <= LONGEST_GRANT_DAYS:
        raise Invalid("Choose another number of days.", {"days": [f"Choose from 1 to {LONGEST_GRANT_DAYS} days."]})
    draft = draft_or_new(dataset, by)
    draft.field_ids = sorted({field.pk for field in fields})
    draft.purpose, draft.purpose_kind, draft.days, draft.renews = purpose.strip(), purpose_kind, days, renews
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:
        raise Conflict(f"Your request for {dataset.name} waits for a decision already.") from None
    return draft


def draft_or_new(dataset: Dataset, by: Principal) -> AccessRequest:
    """The draft that `by` has for the dataset, locked, or a new one that is not saved."""
    drafts = AccessRequest.objects.select_for_update(of=("self",)).filter(state=RequestState.DRAFT)
    return drafts.filter(requester=by, dataset=dataset).first() or AccessRequest(requester=by, dataset=dataset)


def check_standing(dataset: Dataset, fields: Sequence[Field]) -> None:
    if dataset.gone_since is not None or dataset.merged_into_id is not None:
        raise Conflict(f"{dataset.name} is gone from its source, so there is nothing to grant.")
    for field in fields:
        if field.dataset_id != dataset.pk:
            raise Invalid("Choose columns of this dataset.", {"fields": [f"{field} is of another dataset."]})
        if field.gone_since is not None:
            raise Conflict(f"The column {field} is gone from {dataset.name}. Ask for those that are there.")
    check_can_carry_out(dataset, fields)
