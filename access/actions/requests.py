"""Every write of requests: authorise, move the state machine, record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actions.claiming import claim
from access.actions.drafts import check_standing, draft_or_new
from access.actions.grants import begin_grant
from access.actions.steps import cast_vote, take_first_step, take_next_step
from access.actions.terms import accept_terms
from access.actions.words import names_of, told_of_grant, told_of_request
from access.agreements import check_accepted, terms_for
from access.asking import evidence_of, ruling_for
from access.enforcement.offering import check_can_mask
from access.events import (
    AccessRequested,
    GrantSuperseded,
    RequestApproved,
    RequestApprovedByPolicy,
    RequestCancelled,
    RequestDenied,
    RequestEndorsed,
    RequestExpired,
)
from access.models import DECIDE_WITHIN, AccessRequest, Grant, Purpose
from access.permissions import check_can_cancel, check_can_request, check_can_review
from access.policies.ruling import Ruling
from access.querysets import RequestQuerySet
from access.reviewing import votes_on
from access.states import RequestState, check_request_moves
from accounts.models import Principal
from audit.events import Event
from audit.recording import record, record_many
from catalog.models import Dataset, Field
from common.errors import Conflict, Forbidden, Invalid


@transaction.atomic
def request_access(
    *,
    dataset: Dataset,
    purpose: str,
    days: int,
    by: Principal,
    fields: Sequence[Field] = (),
    purpose_kind: Purpose | None = None,
    accepts: Iterable[int] = (),
    renews: Grant | None = None,
) -> AccessRequest:
    """Ask to read a dataset, or only some of its columns, for so many days from the approval on.

    `accepts` are ids of the terms accepted, `renews` one's own grant that the new one replaces. A draft of the same
    person and dataset is sent by this. Where policy grants it without approval, it comes back approved.

    Raises `Forbidden` where policy refuses, `Invalid` without a purpose, beyond the days that policy and levels allow,
    without terms that must be accepted or for what its source cannot mask, `Conflict` while another one is open.
    """
    check_can_request(by, dataset, fields)
    dataset = Dataset.objects.get(pk=dataset.pk)
    purpose = purpose.strip()
    if not purpose:
        raise Invalid("Say what you need the data for.", {"purpose": ["Say it in a sentence or two."]})
    check_standing(dataset, fields)
    ruling = ruling_for(by, dataset, fields, purpose=purpose_kind)
    if ruling.is_refused:
        raise Forbidden(" ".join(ruling.reasons))
    check_can_mask(dataset, fields, ruling.masks)
    limit = ruling.duration
    if not 1 <= days <= limit.days:
        raise Invalid(limit.reasons[0], {"days": [f"Choose from 1 to {limit.days} days. {limit.reasons[0]}"]})
    if renews is not None:
        _check_renewable(renews, by, dataset)
    terms = terms_for(dataset, fields)
    check_accepted(terms, accepts)
    request = draft_or_new(dataset, by)
    request.field_ids = sorted({field.pk for field in fields})
    request.purpose, request.days, request.renews = purpose, days, renews
    request.purpose_kind = purpose_kind
    check_request_moves(request.state, RequestState.PENDING)
    request.state = RequestState.PENDING
    request.submitted_at = timezone.now()
    request.decide_by = request.submitted_at + DECIDE_WITHIN
    request.ruling = evidence_of(ruling, request.submitted_at)
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError:
        raise Conflict(
            f"You have asked for {dataset.name} already and nobody has decided yet. Withdraw that request to ask anew."
        ) from None
    told = told_of_request(request, names_of([request.field_ids]))
    asked = AccessRequested(**told, days=days, purpose=purpose, renews=renews.pk if renews else None)
    record_many([*accept_terms(request=request, terms=terms, told=told, by=by), asked], by=by)
    if ruling.is_automatic:
        _approve_by_policy(request, ruling)
    else:
        take_first_step(request, ruling.steps)
    return request


@transaction.atomic
def approve_request(
    *, request: AccessRequest, by: Principal, reason: str = "", days: int | None = None
) -> Grant | None:
    """Approve a request at the step that it stands at. The last approval of the last step begins its grant now.

    Returns the grant, or None while more approvals are wanted. It lasts as long as was asked, as any approver's `days`
    say, or as policy and the columns' levels allow now, whichever is shortest. A live grant that the requester has on
    the dataset is replaced. Of two approvers at the same instant, where one is enough, the second gets `Conflict`.
    """
    request = _locked(request)
    decision = check_can_review(by, request)
    check_request_moves(request.state, RequestState.APPROVED)
    if request.decide_by is not None and request.decide_by <= timezone.now():
        # The worker that lets it lapse may be late, or down.
        raise Conflict("The time to decide on this is over, so it lapses. Whoever still needs the data asks anew.")
    if not request.requester.is_active:
        raise Conflict(f"The account of {request.requester} is closed. Refuse the request instead.")
    fields = list(Field.objects.filter(pk__in=request.field_ids).order_by("position"))
    check_standing(request.dataset, fields)
    ruling = ruling_for(request.requester, request.dataset, fields, purpose=request.purpose_kind)
    if ruling.is_refused:
        raise Conflict(f"{' '.join(ruling.reasons)} Refuse the request, or have the policy changed.")
    check_can_mask(request.dataset, fields, ruling.masks)
    if days is not None and days < 1:
        raise Invalid("Grant at least one day, or refuse the request.", {"days": ["Choose at least 1 day."]})
    step, reason = request.step, reason.strip()
    if step is not None:
        cast_vote(step, by=by, acting_for=decision.acting_for, approves=True, reason=reason, days=days)
        missing = take_next_step(request, step)
        if missing is not None:
            told = told_of_request(request, names_of([request.field_ids]))
            record(RequestEndorsed(**told, **missing, decided_as=list(decision.reasons), reason=reason), by=by)
            return None
    allowed = [vote.days for vote in votes_on(request) if vote.days is not None]
    lasting = min(request.days, ruling.duration.days, *allowed)
    _decide(request, RequestState.APPROVED, by, reason, timezone.now())
    grant, replaced = begin_grant(request=request, lasting=dt.timedelta(days=lasting), masks=ruling.masks, by=by)
    names = names_of([request.field_ids, *(old.field_ids for old in replaced)])
    events: list[Event] = [
        RequestApproved(
            **told_of_request(request, names),
            grant_id=grant.pk,
            days=lasting,
            until=f"{grant.valid_to:%d %b %Y}",
            decided_as=list(decision.reasons),
            reason=reason,
        ),
        *(GrantSuperseded(**told_of_grant(old, names)) for old in replaced),
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
    if request.step is not None:
        cast_vote(request.step, by=by, acting_for=decision.acting_for, approves=False, reason=reason)
    _decide(request, RequestState.DENIED, by, reason, timezone.now())
    told = told_of_request(request, names_of([request.field_ids]))
    record(RequestDenied(**told, decided_as=list(decision.reasons), reason=reason), by=by)
    return request


@transaction.atomic
def cancel_request(*, request: AccessRequest, by: Principal) -> AccessRequest:
    """Withdraw one's own request before anybody decided; a draft is thrown away without a word."""
    request = _locked(request)
    check_can_cancel(by, request)
    check_request_moves(request.state, RequestState.CANCELLED)
    request.state = RequestState.CANCELLED
    request.decided_at = timezone.now()
    request.save(update_fields=["state", "decided_at"])
    if request.submitted_at is not None:
        record(RequestCancelled(**told_of_request(request, names_of([request.field_ids]))), by=by)
    return request


@transaction.atomic
def withdraw_requests(*, requests: RequestQuerySet, by: Principal) -> int:
    """Withdraw these requests, drafts too, in their authors' stead; returns how many. The caller authorised."""
    open_states = (RequestState.DRAFT, RequestState.PENDING)
    locked = requests.filter(state__in=open_states).select_for_update(of=("self",)).order_by("pk")
    found = list(locked.select_related("requester__user", "dataset"))
    if not found:
        return 0
    for request in found:
        check_request_moves(request.state, RequestState.CANCELLED)
    AccessRequest.objects.filter(pk__in=[request.pk for request in found]).update(
        state=RequestState.CANCELLED, decided_at=timezone.now()
    )
    sent = [request for request in found if request.submitted_at is not None]
    names = names_of(request.field_ids for request in sent)
    record_many([RequestCancelled(**told_of_request(request, names)) for request in sent], by=by)
    return len(found)


@transaction.atomic
def expire_requests(*, by: Principal) -> int:
    """Let requests lapse that nobody decided in time; returns how many. As `expire_grants`."""
    now = timezone.now()
    requests = claim(AccessRequest.objects.undecided_at(now), "requester__user", "dataset", first="decide_by")
    if not requests:
        return 0
    for request in requests:
        check_request_moves(request.state, RequestState.EXPIRED)
    lapsed = AccessRequest.objects.filter(pk__in=[request.pk for request in requests])
    lapsed.update(state=RequestState.EXPIRED, decided_at=now)
    names = names_of(request.field_ids for request in requests)
    record_many([RequestExpired(**told_of_request(request, names)) for request in requests], by=by)
    return len(requests)


def _approve_by_policy(request: AccessRequest, ruling: Ruling) -> None:
    """Approve what was just sent and nobody need decide on; the evidence names the policies that say so."""
    by, now = Principal.objects.system(), timezone.now()
    check_request_moves(request.state, RequestState.APPROVED)
    why = " ".join(ruling.reasons)
    _decide(request, RequestState.APPROVED, by, why, now)
    grant, replaced = begin_grant(request=request, lasting=dt.timedelta(days=request.days), masks=ruling.masks, by=by)
    names = names_of([request.field_ids, *(old.field_ids for old in replaced)])
    approved = RequestApprovedByPolicy(
        **told_of_request(request, names),
        grant_id=grant.pk,
        days=request.days,
        until=f"{grant.valid_to:%d %b %Y}",
        why=why,
        policies=list(ruling.versions),
    )
    record_many([approved, *(GrantSuperseded(**told_of_grant(old, names)) for old in replaced)], by=by)


def _locked(request: AccessRequest) -> AccessRequest:
    rows = AccessRequest.objects.select_for_update(of=("self",)).select_related(
        "requester__user", "dataset", "step__group", "purpose_kind"
    )
    return rows.get(pk=request.pk)


def _check_renewable(grant: Grant, by: Principal, dataset: Dataset) -> None:
    if grant.principal_id != by.pk or grant.dataset_id != dataset.pk or grant.is_emergency:
        raise Invalid("Only a grant of your own on this dataset can be renewed.", {"renews": ["Choose one of yours."]})
    if not grant.is_live:
        raise Conflict("This grant has ended already. Ask anew instead.")


def _decide(request: AccessRequest, state: RequestState, by: Principal, reason: str, now: dt.datetime) -> None:
    request.state = state
    request.decided_at = now
    request.decided_by = by
    request.decision_reason = reason.strip()
    request.save(update_fields=["state", "decided_at", "decided_by", "decision_reason"])
