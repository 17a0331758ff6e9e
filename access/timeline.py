"""A request's way from its asking to its end, as the feed of its page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from django.utils import timezone

from access.enforcement.events import GrantVerified
from access.models import AccessRequest, Grant
from access.queries import Review
from access.states import GRANT_ENDING, GrantState, RequestState
from audit.models import Record
from common.components import Activity

_ENDED = {
    GrantState.REVOKED: ("Revoked.", "ban"),
    GrantState.EXPIRED: ("Expired.", "clock-pause"),
    GrantState.SUPERSEDED: ("Replaced by a newer grant.", "refresh"),
}
_CLOSED = {
    RequestState.APPROVED: ("Approved.", "circle-check"),
    RequestState.DENIED: ("Refused.", "circle-x"),
    RequestState.CANCELLED: ("Withdrawn by the requester.", "arrow-left"),
    RequestState.EXPIRED: ("Lapsed: nobody decided in time.", "clock-pause"),
}


_RECERTIFIED = {
    "kept": "Confirmed",
    "masked": "Masked as the policy says",
    "removed": "Removed",
    "revoked": "Not confirmed by anybody, so revoked,",
    "flagged": "Not confirmed by anybody, and kept,",
}


def _beginning(request: AccessRequest, what: str, at: dt.datetime) -> Activity:
    if request.is_emergency:
        return Activity(f"Opened {what} in an emergency.", at, request.requester, "urgent", reason=request.purpose)
    if request.is_draft:
        return Activity(f"Began to ask for {what}.", at, request.requester, "pencil")
    more = " more, to renew a grant" if request.renews_id else ""
    return Activity(f"Asked for {what}, for {request.days} days{more}.", at, request.requester, "send")


def timeline_of(review: Review) -> list[Activity]:
    """What happened, and what happens next, in the order of time."""
    return sorted([*_asked(review), *_decided(review), *_granted(review)], key=lambda activity: activity.at)


def _asked(review: Review) -> Iterator[Activity]:
    request = review.row.request
    what = "the whole dataset"
    if request.field_ids:
        what = ", ".join(column.name for column in review.row.columns) or "columns that are gone"
    yield _beginning(request, what, request.submitted_at or request.created_at)
    for one in review.acceptances:
        yield Activity(f"Accepted “{one.terms.name}”, version {one.terms.number}.", one.at, one.by, icon="signature")
    step = request.step
    if request.is_pending and step and step.escalated_at:
        yield Activity("Administrators may decide too.", step.escalated_at, icon="arrow-up")
    if request.is_pending and request.decide_by:
        yield Activity("Lapses unless somebody decides before.", request.decide_by, icon="hourglass")


def _decided(review: Review) -> Iterator[Activity]:
    request = review.row.request
    for vote in review.votes:
        word, icon = ("Approved", "circle-check") if vote.approves else ("Refused", "circle-x")
        place = f" in the place of {vote.acting_for}" if vote.is_in_place else ""
        yield Activity(f"{word}{place}.", vote.at, vote.by, icon, reason=vote.reason)
    closed = _CLOSED.get(RequestState(request.state))
    told_by_vote = bool(review.votes) and request.state in (RequestState.APPROVED, RequestState.DENIED)
    if closed and request.decided_at and not told_by_vote and not request.is_emergency:
        by = request.requester if request.state == RequestState.CANCELLED else request.decided_by
        yield Activity(closed[0], request.decided_at, by, closed[1], reason=request.decision_reason)


def _givings(grant: Grant, read_back: Iterable[Record]) -> Iterator[Activity]:
    """When it was given first, when it was lacking, and when it was given or could be read again."""
    first: dt.datetime | None = None
    lacking = False
    for record in read_back:
        if record.event != GrantVerified.name:
            lacking = first is not None
            if lacking:
                why = record.values.get("problem", "")
                yield Activity("No longer all there.", record.occurred_at, icon="alert-triangle", reason=why)
        elif first is None:
            first = record.occurred_at
        elif lacking:
            lacking = False
            yield Activity("Read back: it can be read again.", record.occurred_at, icon="circle-check")
    given = grant.applied_at
    # What was given in a run is read back at its end.
    again = first is not None and given is not None and given > first
    begun = first if again else given
    if begun:
        yield Activity(f"Given in the source{'' if again else f' to {grant.login}'}.", begun, icon="database-cog")
        # `verified_at` moves with every reconciliation; what was given was read back as it was.
        yield Activity("Read back: it can be read.", begun, icon="circle-check")
    if again and given:
        yield Activity(f"Given again in the source to {grant.login}.", given, icon="database-cog")


def _in_the_source(grant: Grant, read_back: Iterable[Record]) -> Iterator[Activity]:
    """What became of a grant where the data is: nothing where it is only recorded."""
    if grant.state == GrantState.RECORDED or (not grant.is_live and not grant.applied_at and not grant.removed_at):
        yield Activity("Recorded here; not applied in the source.", grant.valid_from, icon="note")
        return
    yield from _givings(grant, read_back)
    if grant.removed_at:
        reason = grant.problem
        yield Activity("Taken in the source, and read back as gone.", grant.removed_at, icon="lock", reason=reason)
    elif grant.problem:
        yield Activity("Not carried out yet.", timezone.now(), icon="alert-triangle", reason=grant.problem)
    elif grant.state == GrantState.PROVISIONING:
        yield Activity("On its way into the source.", timezone.now(), icon="hourglass")
    elif grant.state in GRANT_ENDING:
        yield Activity("On its way out of the source.", timezone.now(), icon="hourglass")


def _granted(review: Review) -> Iterator[Activity]:
    grant, emergency = review.grant, review.emergency
    if grant is None:
        return
    yield from _in_the_source(grant, review.read_back)
    for item in review.recertifications:
        said = _RECERTIFIED.get(item.outcome)
        if said and (item.decided_at or item.campaign.closed_at):
            at = item.decided_at or item.campaign.closed_at or item.campaign.due_at
            yield Activity(f"{said} in “{item.campaign}”.", at, item.decided_by, icon="refresh-dot", reason=item.reason)
        elif item.is_open:
            yield Activity(f"Waits to be confirmed in “{item.campaign}”.", item.campaign.due_at, icon="hourglass")
    if emergency and emergency.closed_at:
        found = "had to be opened" if emergency.verdict == "justified" else "should not have been opened"
        yield Activity(
            f"Reviewed: it {found}.", emergency.closed_at, emergency.closed_by, "scale", reason=emergency.reason
        )
    elif emergency:
        yield Activity("Waits for its review by somebody else.", emergency.due_at, icon="hourglass")
    ended = _ENDED.get(GrantState(grant.ends_as if grant.state in GRANT_ENDING and grant.ends_as else grant.state))
    if ended:
        yield Activity(ended[0], grant.valid_to, grant.ended_by, ended[1], reason=grant.end_reason)
    else:
        yield Activity("Expires.", grant.valid_to, icon="calendar-event")
