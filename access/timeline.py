"""A request's way from its asking to its end, as the feed of its page."""

from __future__ import annotations

from access.queries import Review
from access.states import GrantState, RequestState
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


def timeline_of(review: Review) -> list[Activity]:
    """What happened, and what happens next, in the order of time."""
    request = review.row.request
    what = "the whole dataset"
    if request.field_ids:
        what = ", ".join(column.name for column in review.row.columns) or "columns that are gone"
    asked_at = request.submitted_at or request.created_at
    steps = [Activity(f"Asked for {what}, for {request.days} days.", asked_at, request.requester, "send")]
    for vote in review.votes:
        word, icon = ("Approved", "circle-check") if vote.approves else ("Refused", "circle-x")
        place = f" in the place of {vote.acting_for}" if vote.is_in_place else ""
        steps.append(Activity(f"{word}{place}.", vote.at, vote.by, icon, reason=vote.reason))
    step = request.step
    if request.is_pending and step and step.escalated_at:
        steps.append(Activity("Administrators may decide too.", step.escalated_at, icon="arrow-up"))
    steps.sort(key=lambda activity: activity.at)
    if request.is_pending and request.decide_by:
        steps.append(Activity("Lapses unless somebody decides before.", request.decide_by, icon="hourglass"))
    closed = _CLOSED.get(RequestState(request.state))
    told_by_vote = bool(review.votes) and request.state in (RequestState.APPROVED, RequestState.DENIED)
    if closed and request.decided_at and not told_by_vote:
        by = request.requester if request.state == RequestState.CANCELLED else request.decided_by
        sentence, icon = closed
        steps.append(Activity(sentence, request.decided_at, by, icon, reason=request.decision_reason))
    grant = review.grant
    if grant is None:
        return steps
    steps.append(Activity("Recorded here; not applied in the source.", grant.valid_from, icon="note"))
    ended = _ENDED.get(GrantState(grant.state))
    if ended:
        sentence, icon = ended
        steps.append(Activity(sentence, grant.valid_to, grant.ended_by, icon, reason=grant.end_reason))
    else:
        steps.append(Activity("Expires.", grant.valid_to, icon="calendar-event"))
    return steps
