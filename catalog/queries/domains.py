"""Domains as pages and REST show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.utils import timezone

from catalog.models import Dataset, Domain, DomainMembership
from common.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import Principal

_ROLES = ("owner", "steward", "analyst", "viewer")


@dataclass(frozen=True, slots=True)
class DomainLine:
    """A domain with how many of its present datasets the reader sees, and the names of its owners."""

    domain: Domain
    count: int
    owners: Sequence[str]


def current_memberships() -> Q:
    """The condition on memberships that they hold now."""
    now = timezone.now()
    return Q(valid_from__lte=now) & (Q(valid_to__isnull=True) | Q(valid_to__gt=now))


def domain_lines(principal: Principal) -> list[DomainLine]:
    """Every domain by name: that a domain exists is known to all, what is in it is counted as far as it is visible."""
    counts = dict(
        Dataset.objects.standing()
        .visible_to(principal)
        .filter(domain__isnull=False)
        .order_by()
        .values_list("domain_id")
        .annotate(Count("pk"))
    )
    owners: dict[int, list[str]] = {}
    held = DomainMembership.objects.filter(current_memberships(), role="owner").select_related("principal", "group")
    for membership in held.order_by("id"):
        owners.setdefault(membership.domain_id, []).append(str(membership.principal or membership.group))
    return [
        DomainLine(domain, counts.get(domain.pk, 0), owners.get(domain.pk, ()))
        for domain in Domain.objects.select_related("parent").order_by("name")
    ]


def domain_called(slug: str) -> Domain:
    """A domain by its slug; raises `NotFound`."""
    found = Domain.objects.select_related("parent").filter(slug=slug.replace("\x00", "")).first()
    if found is None:
        raise NotFound("There is no such domain.")
    return found


def members_of(domain: Domain) -> list[DomainMembership]:
    """The roles that are held on a domain now, owners first; one statement."""
    held = domain.memberships.filter(current_memberships()).select_related("principal__user", "group", "domain")
    return sorted(held, key=lambda one: (_ROLES.index(one.role), str(one.principal or one.group).lower()))
