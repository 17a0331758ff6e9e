"""Let somebody decide in one's place, from a day to a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils import timezone

from access.events import DecisionsDelegated, DelegationEnded
from access.models import Delegation
from access.models.steps import DelegationQuerySet
from accounts.models import Principal
from audit.recording import record, record_many
from common.errors import Conflict, Forbidden, Invalid, NotFound

LONGEST_DELEGATION = dt.timedelta(days=92)


@transaction.atomic
def delegate_decisions(
    *,
    giver: Principal,
    receiver: Principal,
    valid_from: dt.datetime,
    valid_to: dt.datetime,
    by: Principal,
    reason: str = "",
) -> Delegation:
    """Let `receiver` decide on requests in the place of `giver`: by the giver, or for anybody by an administrator.

    Raises `Invalid` for times that make no sense, and `Conflict` for accounts that cannot decide.
    """
    if by != giver and not by.is_administrator:
        raise Forbidden("You may only delegate your own decisions. An administrator may delegate those of others.")
    if giver == receiver:
        raise Invalid("Choose somebody else than yourself.", {"receiver": ["Choose somebody else."]})
    for each in (giver, receiver):
        if each.kind != Principal.Kind.PERSON or not each.is_active:
            raise Conflict(f"{each} is not a person with an open account, so cannot decide on requests.")
    if valid_to <= max(valid_from, timezone.now()):
        raise Invalid("Choose an end after the beginning, and in the future.", {"valid_to": ["Choose a later day."]})
    if valid_to - valid_from > LONGEST_DELEGATION:
        days = LONGEST_DELEGATION.days
        raise Invalid(f"Delegate for at most {days} days.", {"valid_to": [f"At most {days} days after the beginning."]})
    same = Delegation.objects.filter(giver=giver, receiver=receiver, valid_from__lte=valid_from, valid_to__gte=valid_to)
    if (standing := same.first()) is not None:
        until = f"{timezone.localtime(standing.valid_to):%d %b %Y, %H:%M}"
        raise Conflict(
            f"{receiver} decides in the place of {giver} until {until} already. End that to set another time."
        )
    made = Delegation.objects.create(
        giver=giver, receiver=receiver, valid_from=valid_from, valid_to=valid_to, reason=reason.strip(), created_by=by
    )
    record(DecisionsDelegated(**_told(made), reason=made.reason), by=by)
    return made


@transaction.atomic
def end_delegation(*, delegation: Delegation, by: Principal) -> Delegation:
    """End it now: by either of the two, or by an administrator."""
    found = Delegation.objects.select_for_update(of=("self",)).select_related("giver__user", "receiver__user")
    delegation = found.get(pk=delegation.pk)
    if by.pk not in (delegation.giver_id, delegation.receiver_id) and not by.is_administrator:
        raise NotFound("There is no such delegation, or you may not see it.")
    if not end_delegations(delegations=Delegation.objects.filter(pk=delegation.pk), by=by):
        raise Conflict("This delegation has ended already.")
    delegation.refresh_from_db(fields=["valid_from", "valid_to"])
    return delegation


@transaction.atomic
def end_delegations(*, delegations: DelegationQuerySet, by: Principal) -> int:
    """End these now, those to come too; returns how many. The caller authorised. The number of statements is fixed."""
    now = timezone.now()
    locked = Delegation.objects.filter(pk__in=delegations.values("pk"), valid_to__gt=now)
    ending = list(locked.select_for_update(of=("self",)).select_related("giver__user", "receiver__user").order_by("pk"))
    for delegation in ending:
        delegation.valid_from, delegation.valid_to = min(delegation.valid_from, now), now
    Delegation.objects.bulk_update(ending, ["valid_from", "valid_to"])
    record_many([DelegationEnded(**_told(delegation)) for delegation in ending], by=by)
    return len(ending)


def _told(delegation: Delegation) -> dict[str, Any]:
    return {
        "delegation_id": delegation.pk,
        "giver_id": delegation.giver_id,
        "receiver_id": delegation.receiver_id,
        "giver": str(delegation.giver),
        "receiver": str(delegation.receiver),
        "until": f"{delegation.valid_to:%d %b %Y}",
    }
