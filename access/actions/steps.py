"""How a request goes from step to step. The caller authorised, and holds the request's lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from access.actions.claiming import claim
from access.actions.words import names_of, told_of_request
from access.events import RequestEscalated
from access.models import AccessRequest, ApprovalStep, Vote
from access.policy import StepFacts, StepWanted
from access.reviewing import answerable_for, step_facts
from accounts.models import Principal
from audit.recording import record_many

ESCALATE_AFTER = dt.timedelta(days=3)
"""A step that waits longer is open to administrators too."""


def take_first_step(request: AccessRequest, wanted: Sequence[StepWanted]) -> None:
    """Write the steps of a request that was just sent, and have it stand at the first."""
    ApprovalStep.objects.bulk_create(
        ApprovalStep(
            request=request, position=position, audience=one.audience, needed=one.needed, group_id=one.group_id
        )
        for position, one in enumerate(wanted, start=1)
    )
    _stand_at(request, request.steps.select_related("group").earliest("position"))


def take_next_step(request: AccessRequest, step: ApprovalStep) -> dict[str, Any] | None:
    """After a vote: how many more of whom must approve, at this step or the one after it; None where all have."""
    missing = step.needed - step.votes.filter(approves=True).count()
    if missing > 0:
        return {"missing": missing, "whom": step.whom}
    step.passed_at = timezone.now()
    step.save(update_fields=["passed_at"])
    following = request.steps.select_related("group").filter(position__gt=step.position).first()
    if following is None:
        return None
    _stand_at(request, following)
    return {"missing": following.needed, "whom": following.whom}


def cast_vote(
    step: ApprovalStep, *, by: Principal, acting_for: int, approves: bool, reason: str, days: int | None = None
) -> None:
    Vote.objects.create(step=step, by=by, acting_for_id=acting_for, approves=approves, reason=reason, days=days)


@transaction.atomic
def escalate_due(*, by: Principal) -> int:
    """Let administrators join at steps that wait too long; returns how many. The number of statements is fixed."""
    now = timezone.now()
    due = AccessRequest.objects.pending().filter(step__escalate_at__lte=now, step__escalated_at__isnull=True)
    requests = claim(due, "requester__user", "dataset", first="step__escalate_at")
    if not requests:
        return 0
    ApprovalStep.objects.filter(pk__in=[request.step_id for request in requests]).update(escalated_at=now)
    names = names_of(request.field_ids for request in requests)
    why = f"nobody decided for {ESCALATE_AFTER.days} days"
    record_many([RequestEscalated(**told_of_request(one, names), why=why) for one in requests], by=by)
    return len(requests)


def _stand_at(request: AccessRequest, step: ApprovalStep) -> None:
    """Open a step. Where its audience is too small for it, administrators may join at once."""
    now = timezone.now()
    step.opened_at, step.escalate_at = now, now + ESCALATE_AFTER
    if _is_too_small(request, step, step_facts(step)):
        step.escalated_at = now
    step.save(update_fields=["opened_at", "escalate_at", "escalated_at"])
    request.step = step
    request.save(update_fields=["step"])


def _is_too_small(request: AccessRequest, step: ApprovalStep, facts: StepFacts) -> bool:
    """Fewer people than approvals wanted. With nobody at all administrators decide anyway, while that is so."""
    people = facts.people(answerable_for([request.dataset])[request.dataset_id]) - {request.requester_id}
    return 0 < len(people) < step.needed
