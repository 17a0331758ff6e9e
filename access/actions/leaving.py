"""Whoever leaves loses everything: the account, and whatever it opened."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from access.actions.claiming import BATCH
from access.actions.delegations import end_delegations
from access.actions.grants import end_grants
from access.actions.requests import withdraw_requests
from access.events import PersonLeft
from access.leaving import closed_with_access
from access.models import AccessRequest, Delegation, Grant
from accounts.actions import close_accounts
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from audit.recording import record_many
from common.errors import Invalid


@transaction.atomic
def deactivate_person(*, person: Principal, reason: str, by: Principal) -> PersonLeft:
    """Close an account, and end its sessions, tokens, grants, delegations and open requests, all or nothing.

    Returns what was taken. Raises `Invalid` without a reason and for one's own account.
    """
    check_is_administrator(by)
    reason = reason.strip()
    if not reason:
        raise Invalid("Say why the account is closed; it stays on record.", {"reason": ["Say why."]})
    close_accounts(people=[person], by=by)
    (left,) = _take_all_from([person], reason, by)
    return left


@transaction.atomic
def take_from_the_closed(*, by: Principal) -> int:
    """Take everything from accounts that were closed elsewhere (in the administration, by a directory); returns how many."""
    people = list(closed_with_access().select_related("user").order_by("pk")[:BATCH])
    if not people:
        return 0
    close_accounts(people=people, by=by)
    return len(_take_all_from(people, "The account was closed.", by))


def _take_all_from(people: Sequence[Principal], reason: str, by: Principal) -> list[PersonLeft]:
    """The number of statements does not depend on how many people there are."""
    now = timezone.now()
    grants = Grant.objects.filter(principal__in=people)
    given = Delegation.objects.filter(giver__in=people, valid_to__gt=now)
    received = Delegation.objects.filter(receiver__in=people, valid_to__gt=now)
    requests = AccessRequest.objects.filter(requester__in=people)
    held = list(grants.live().values_list("principal_id", flat=True))
    lent = [*given.values_list("giver_id", flat=True), *received.values_list("receiver_id", flat=True)]
    asked = list(requests.filter(state__in=["draft", "pending"]).values_list("requester_id", flat=True))
    end_grants(grants=grants, reason=reason, by=by)
    end_delegations(delegations=given | received, by=by)
    withdraw_requests(requests=requests, by=by)
    events = [
        PersonLeft(
            principal_id=person.pk,
            person=str(person),
            grants=held.count(person.pk),
            delegations=lent.count(person.pk),
            requests=asked.count(person.pk),
            reason=reason,
        )
        for person in people
    ]
    record_many(events, by=by)
    return events
