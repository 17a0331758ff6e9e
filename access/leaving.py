"""What somebody would lose with their account, and what they would leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from access.models import AccessRequest, Delegation, Grant
from access.queries import GrantRow, RequestRow, grant_rows, request_rows
from access.querysets import owners_now, roles_now
from accounts.models import ApiToken, Principal
from accounts.sessions import sessions_of
from catalog.models import Dataset, Domain


@dataclass(frozen=True, slots=True)
class Leaving:
    """Everything that ends when an account is closed; lists are samples of `SAMPLE`, counts are whole.

    `orphaned` are datasets, and `domains` domains, that nobody else owns.
    """

    sessions: int
    tokens: Sequence[ApiToken]
    grants: Sequence[GrantRow]
    grant_count: int
    delegations: Sequence[Delegation]
    requests: Sequence[RequestRow]
    orphaned: Sequence[Dataset]
    orphaned_count: int
    domains: Sequence[Domain]


SAMPLE = 50


def closed_with_access() -> QuerySet[Principal]:
    """People whose account is closed and who still hold a live grant, token or delegation, or wait for an answer."""
    now = timezone.now()
    me = OuterRef("pk")
    left = (
        Q(Exists(Grant.objects.live().filter(principal=me)))
        | Q(Exists(ApiToken.objects.filter(principal=me, revoked_at__isnull=True)))
        | Q(Exists(Delegation.objects.filter(giver=me, valid_to__gt=now)))
        | Q(Exists(Delegation.objects.filter(receiver=me, valid_to__gt=now)))
        | Q(Exists(AccessRequest.objects.filter(requester=me, state__in=["draft", "pending"])))
    )
    closed = Q(user__is_active=False) | Q(disabled_at__isnull=False)
    return Principal.objects.filter(closed, left, kind=Principal.Kind.PERSON)


def leaving_of(person: Principal) -> Leaving:
    """What closing the account would end now; a fixed number of statements, beside those that read sessions."""
    now = timezone.now()
    live = Grant.objects.live().filter(principal=person)
    grants = live.select_related("principal__user", "dataset", "granted_by__user", "ended_by__user").order_by("-pk")
    delegations = Delegation.objects.filter(Q(giver=person) | Q(receiver=person), valid_to__gt=now)
    asked = AccessRequest.objects.filter(requester=person, state="pending").select_related(
        "requester__user", "dataset", "decided_by__user", "step__group"
    )
    others = owners_now().filter(dataset=OuterRef("dataset")).exclude(principal=person)
    alone = owners_now().filter(principal=person).exclude(Exists(others))
    datasets = Dataset.objects.standing().filter(pk__in=alone.values("dataset"))
    domains = Domain.objects.filter(pk__in=roles_now().filter(principal=person, role="owner").values("domain"))
    kept = roles_now().filter(role="owner", domain=OuterRef("pk")).exclude(principal=person)
    return Leaving(
        sessions=len(sessions_of(person)),
        tokens=list(ApiToken.objects.usable().filter(principal=person).order_by("-pk")[:SAMPLE]),
        grants=grant_rows(grants[:SAMPLE]),
        grant_count=live.count(),
        delegations=list(delegations.select_related("giver__user", "receiver__user").order_by("valid_to")[:SAMPLE]),
        requests=request_rows(asked.order_by("pk")[:SAMPLE]),
        orphaned=list(datasets.order_by("name", "pk")[:SAMPLE]),
        orphaned_count=datasets.count(),
        domains=list(domains.exclude(Exists(kept))),
    )
