"""Every write of requests and grants: authorise, move the state machine, record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from access.events import (
    AccessRequested,
    GrantExpired,
    GrantRevoked,
    GrantSuperseded,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestExpired,
)
from access.models import DECIDE_WITHIN, AccessRequest, Grant
from access.permissions import check_can_cancel, check_can_request, check_can_review, check_can_revoke
from access.reviewing import duration_for
from access.states import GrantState, RequestState, check_grant_moves, check_request_moves
from accounts.models import Principal
from audit.events import Event
from audit.recording import record, record_many
from catalog.models import Dataset, Field
from common.errors import Conflict, Invalid

_BATCH = 500


@transaction.atomic
def request_access(
    *, dataset: Dataset, purpose: str, days: int, by: Principal, fields: Sequence[Field] = ()
) -> AccessRequest:
    """Ask to read a dataset, or only some of its columns, for so many days from the approval on.

    Raises `Invalid` without a purpose or beyond what the levels allow, `Conflict` while another one is open.
    """
    check_can_request(by, dataset, fields)
    dataset = Dataset.objects.get(pk=dataset.pk)
    purpose = purpose.strip()
    if not purpose:
        raise Invalid("Say what you need the data for.", {"purpose": ["Say it in a sentence or two."]})
    _check_standing(dataset, fields)
    limit = duration_for(dataset, fields)
    if not 1 <= days <= limit.days:
        raise Invalid(limit.reasons[0], {"days": [f"Choose from 1 to {limit.days} days. {limit.reasons[0]}"]})
    request = AccessRequest(
        requester=by,
        dataset=dataset,
        field_ids=sorted({field.pk for field in fields}),
        purpose=purpose,
        days=days,
    )
    check_request_moves(request.state, RequestState.PENDING)
    request.state = RequestState.PENDING
    request.submitted_at = timezone.now()
    request.decide_by = request.submitted_at + DECIDE_WITHIN
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError:
        raise Conflict(
            f"You have asked for {dataset.name} already and nobody has decided yet. Withdraw that request to ask anew."
        ) from None
    told = _told(request, _names([request.field_ids]))
    record(AccessRequested(**told, days=days, purpose=purpose), by=by)
    return request


@transaction.atomic
def approve_request(*, request: AccessRequest, by: Principal, reason: str = "", days: int | None = None) -> Grant:
    """Approve a request and record its grant, which begins now.

    It lasts as long as was asked, as `days` says, or as the columns' levels allow now, whichever is shortest.
    A live grant that the requester has on the dataset is replaced. Of two approvers at the same instant the
    second gets `Conflict`.
    """
    request = _locked(request)
    decision = check_can_review(by, request)
    check_request_moves(request.state, RequestState.APPROVED)
    if not request.requester.is_active:
        raise Conflict(f"The account of {request.requester} is closed. Refuse the request instead.")
    fields = list(Field.objects.filter(pk__in=request.field_ids).order_by("position"))
    _check_standing(request.dataset, fields)
    limit = duration_for(request.dataset, fields)
    if days is not None and days < 1:
        raise Invalid("Grant at least one day, or refuse the request.", {"days": ["Choose at least 1 day."]})
    lasting = min(request.days, limit.days, days if days is not None else request.days)
    now = timezone.now()
    _decide(request, RequestState.APPROVED, by, reason, now)
    replaced = _supersede(request, by, now)
    grant = Grant(
        principal=request.requester,
        dataset=request.dataset,
        field_ids=request.field_ids,
        request=request,
        state=GrantState.RECORDED,
        valid_from=now,
        valid_to=now + dt.timedelta(days=lasting),
        granted_by=by,
    )
    try:
        with transaction.atomic():
            grant.save()
    except IntegrityError:
        raise Conflict("Another grant began at this moment. Reload the page to see it.") from None
    names = _names([request.field_ids, *(old.field_ids for old in replaced)])
    events: list[Event] = [
        RequestApproved(
            **_told(request, names),
            grant_id=grant.pk,
            days=lasting,
            until=f"{grant.valid_to:%d %b %Y}",
            decided_as=list(decision.reasons),
            reason=reason.strip(),
        ),
        *(GrantSuperseded(**_told_grant(old, names)) for old in replaced),
    ]
    record_many(events, by=by)
    return grant


@transaction.atomic
def deny_request(*, request: AccessRequest, reason: str, by: Principal) -> AccessRequest:
    """Refuse a request; the requester reads the reason, so there must be one."""
    request = _locked(request)
    decision = check_can_review(by, request)
    check_request_moves(request.state, RequestState.DENIED)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why you refuse; the requester reads it.", {"reason": ["Say why."]})
    _decide(request, RequestState.DENIED, by, reason, timezone.now())
    told = _told(request, _names([request.field_ids]))
    record(RequestDenied(**told, decided_as=list(decision.reasons), reason=reason), by=by)
    return request


@transaction.atomic
def cancel_request(*, request: AccessRequest, by: Principal) -> AccessRequest:
    """Withdraw one's own request before anybody decided."""
    request = _locked(request)
    check_can_cancel(by, request)
    check_request_moves(request.state, RequestState.CANCELLED)
    request.state = RequestState.CANCELLED
    request.decided_at = timezone.now()
    request.save(update_fields=["state", "decided_at"])
    record(RequestCancelled(**_told(request, _names([request.field_ids]))), by=by)
    return request


@transaction.atomic
def revoke_grant(*, grant: Grant, reason: str, by: Principal) -> Grant:
    """End a grant now. Raises `Invalid` without a reason and `Conflict` where it has ended already."""
    grant = Grant.objects.select_for_update(of=("self",)).select_related("principal__user", "dataset").get(pk=grant.pk)
    check_can_revoke(by, grant)
    check_grant_moves(grant.state, GrantState.REVOKED)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why you end it; its holder reads it.", {"reason": ["Say why."]})
    planned = grant.valid_to
    now = timezone.now()
    grant.state = GrantState.REVOKED
    grant.valid_to = max(grant.valid_from, min(now, planned))
    grant.ended_by = by
    grant.end_reason = reason
    grant.save(update_fields=["state", "valid_to", "ended_by", "end_reason"])
    record(
        GrantRevoked(
            **_told_grant(grant, _names([grant.field_ids])),
            reason=reason,
            before={"until": planned.isoformat()},
            after={"until": grant.valid_to.isoformat()},
        ),
        by=by,
    )
    return grant


@transaction.atomic
def expire_due(*, by: Principal) -> int:
    """End grants whose time is over and requests that nobody decided in time; returns how many.

    Any number of workers may run it at once: each takes what no other has. The number of statements is fixed.
    """
    now = timezone.now()
    grants = list(
        Grant.objects.due_at(now)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("principal__user", "dataset")
        .order_by("valid_to")[:_BATCH]
    )
    requests = list(
        AccessRequest.objects.undecided_at(now)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("requester__user", "dataset")
        .order_by("decide_by")[:_BATCH]
    )
    if not grants and not requests:
        return 0
    names = _names([*(grant.field_ids for grant in grants), *(request.field_ids for request in requests)])
    for grant in grants:
        check_grant_moves(grant.state, GrantState.EXPIRED)
    for request in requests:
        check_request_moves(request.state, RequestState.EXPIRED)
    Grant.objects.filter(pk__in=[grant.pk for grant in grants]).update(state=GrantState.EXPIRED, ended_by=by)
    AccessRequest.objects.filter(pk__in=[request.pk for request in requests]).update(
        state=RequestState.EXPIRED, decided_at=now
    )
    events: list[Event] = [GrantExpired(**_told_grant(grant, names)) for grant in grants]
    events += [RequestExpired(**_told(request, names)) for request in requests]
    record_many(events, by=by)
    return len(events)


def _locked(request: AccessRequest) -> AccessRequest:
    rows = AccessRequest.objects.select_for_update(of=("self",)).select_related("requester__user", "dataset")
    return rows.get(pk=request.pk)


def _check_standing(dataset: Dataset, fields: Sequence[Field]) -> None:
    if dataset.gone_since is not None or dataset.merged_into_id is not None:
        raise Conflict(f"{dataset.name} is gone from its source, so there is nothing to grant.")
    for field in fields:
        if field.dataset_id != dataset.pk:
            raise Invalid("Choose columns of this dataset.", {"fields": [f"{field} is of another dataset."]})
        if field.gone_since is not None:
            raise Conflict(f"The column {field} is gone from {dataset.name}. Ask for those that are there.")


def _decide(request: AccessRequest, state: RequestState, by: Principal, reason: str, now: dt.datetime) -> None:
    request.state = state
    request.decided_at = now
    request.decided_by = by
    request.decision_reason = reason.strip()
    request.save(update_fields=["state", "decided_at", "decided_by", "decision_reason"])


def _supersede(request: AccessRequest, by: Principal, now: dt.datetime) -> list[Grant]:
    """End the grants that the new one replaces."""
    live = Grant.objects.live().filter(principal_id=request.requester_id, dataset_id=request.dataset_id)
    replaced = list(live.select_for_update(of=("self",)).select_related("principal__user", "dataset"))
    for grant in replaced:
        check_grant_moves(grant.state, GrantState.SUPERSEDED)
    Grant.objects.filter(pk__in=[grant.pk for grant in replaced]).update(
        state=GrantState.SUPERSEDED, valid_to=now, ended_by=by
    )
    return replaced


def _names(sets: Iterable[Sequence[int]]) -> Mapping[int, str]:
    """The names of all these columns; one statement, none without columns."""
    ids = {field_id for field_ids in sets for field_id in field_ids}
    return {field.pk: str(field) for field in Field.objects.filter(pk__in=ids)} if ids else {}


def columns_in_words(field_ids: Sequence[int], names: Mapping[int, str]) -> str:
    """`email, phone` as people say it; "all columns" for none, and a count where there are many."""
    if not field_ids:
        return "all columns"
    if len(field_ids) > 5:
        return f"{len(field_ids)} columns"
    return ", ".join(names.get(pk, "a column that is gone") for pk in field_ids)


def _told(request: AccessRequest, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "request_id": request.pk,
        "dataset_id": request.dataset_id,
        "requester_id": request.requester_id,
        "dataset": request.dataset.name,
        "columns": columns_in_words(request.field_ids, names),
        "requester": str(request.requester),
    }


def _told_grant(grant: Grant, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "grant_id": grant.pk,
        "dataset_id": grant.dataset_id,
        "holder_id": grant.principal_id,
        "request_id": grant.request_id,
        "dataset": grant.dataset.name,
        "columns": columns_in_words(grant.field_ids, names),
        "holder": str(grant.principal),
    }
