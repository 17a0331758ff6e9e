"""Who may ask, decide and revoke. `check_can_…` raises, `can_…` answers."""

from __future__ import annotations

from collections.abc import Sequence

from access.models import AccessRequest, Grant
from access.policy import Decision, ReviewDecision
from access.reviewing import review_decision, revoke_decision
from accounts.models import Principal
from catalog.models import Dataset, Field, Tier
from common.errors import Conflict, Forbidden, NotFound

_ASKING = (Principal.Kind.PERSON, Principal.Kind.SERVICE)


def check_can_request(by: Principal, dataset: Dataset, fields: Sequence[Field]) -> None:
    """Whoever may know of a dataset may ask for it; naming columns takes the tier that shows them."""
    if by.kind not in _ASKING or not by.is_active:
        raise Forbidden("People and services ask for access. Sign in as yourself.")
    tier = Tier.METADATA if fields else Tier.DISCOVER
    if not Dataset.objects.filter(pk=dataset.pk).visible_to(by, tier).exists():
        raise NotFound("There is no such dataset or column, or you may not see it.")


def check_can_review(by: Principal, request: AccessRequest) -> ReviewDecision:
    """Raises `NotFound` for a request that `by` may not see, `Forbidden` with the reason otherwise."""
    decision = review_decision(by, request)
    if decision:
        return decision
    if not AccessRequest.objects.filter(pk=request.pk).visible_to(by).exists():
        raise NotFound("There is no such request, or you may not see it.")
    if not request.is_pending:
        raise Conflict(f"This request is {request.state} already. Reload the page to see what happened.")
    raise Forbidden(decision.reasons[0])


def check_can_cancel(by: Principal, request: AccessRequest) -> None:
    if request.requester_id == by.pk:
        return
    if not AccessRequest.objects.filter(pk=request.pk).visible_to(by).exists():
        raise NotFound("There is no such request, or you may not see it.")
    raise Forbidden("Only the person who asked may withdraw a request. You may refuse it instead.")


def check_can_revoke(by: Principal, grant: Grant) -> Decision:
    decision = revoke_decision(by, grant)
    if decision:
        return decision
    if not Grant.objects.filter(pk=grant.pk).visible_to(by).exists():
        raise NotFound("There is no such grant, or you may not see it.")
    raise Forbidden(decision.reasons[0])
