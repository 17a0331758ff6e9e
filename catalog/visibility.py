"""The one door: how much of which datasets a principal sees.

A scope is read once per request with a fixed number of statements and then compiles to a condition on datasets, so lists,
pages, search, export and lineage all ask the same question.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import BooleanField, Exists, Expression, F, Func, OuterRef, Q, QuerySet, Value
from django.utils import timezone
from psycopg.types.numeric import Int8

from accounts.models import DomainRole
from accounts.permissions import is_trusted
from common import prepared

if TYPE_CHECKING:
    from accounts.models import Principal

TIER_OF_ROLE = {DomainRole.VIEWER: 2, DomainRole.ANALYST: 2, DomainRole.STEWARD: 3, DomainRole.OWNER: 3}
CURATORS = (DomainRole.STEWARD, DomainRole.OWNER)
"""Whoever has one of these roles on a domain may curate its datasets."""
_TIER_NAMES = {"none": 0, "discover": 1, "metadata": 2, "profile": 3}
PERMISSION_OF_TIER = {1: "discover_dataset", 2: "read_dataset_metadata", 3: "read_dataset_profile"}
_PERMISSIONS = {
    wanted: tuple(name for tier, name in PERMISSION_OF_TIER.items() if tier >= wanted) for wanted in PERMISSION_OF_TIER
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What one principal sees: everything (administrators), or a tier per domain plus its exceptions."""

    everything: bool = False
    tier_of_domain: Mapping[int, int] = field(default_factory=dict)
    roles_of_domain: Mapping[int, frozenset[str]] = field(default_factory=dict)
    unassigned_tier: int = 0
    principal_id: int = 0
    user_id: int | None = None
    group_ids: tuple[int, ...] = ()
    has_datasets: bool = True
    """Whether the principal, or a group of theirs, may be an owner of some dataset."""
    has_permissions: bool = True
    """Whether they may have permissions of their own on some dataset."""

    def has_role(self, domain_id: int | None, *roles: str) -> bool:
        """Whether one of `roles` is held on the domain; always for those who see everything."""
        return self.everything or bool(self.roles_of_domain.get(domain_id or 0, frozenset()) & set(roles))

    def condition(self, tier: int) -> Q:
        """The condition on a dataset that it is visible at `tier` or above."""
        return Q() if self.everything else self.by_place(tier) | self.by_exception(tier)

    def by_place(self, tier: int) -> Q:
        """The condition that a dataset is visible for the domain that it is in, or for being in none."""
        allowed = Q(_InDomain(self.domains(tier)))
        return allowed | Q(domain_id__isnull=True) if self.sees_unassigned(tier) else allowed

    def domains(self, tier: int) -> list[int]:
        """The domains whose datasets are visible at `tier` or above."""
        return [domain for domain, has in self.tier_of_domain.items() if has >= tier]

    def sees_unassigned(self, tier: int) -> bool:
        """Whether datasets without a domain are visible at `tier` or above."""
        return self.unassigned_tier >= tier

    def by_exception(self, tier: int) -> Q:
        """The condition that a dataset is visible wherever it is: for who answers for it, or by a permission of its own."""
        own = self._permissions(tier)
        allowed = self.answers_for()
        for rows in own:
            allowed |= Q(Exists(rows.filter(content_object=OuterRef("pk"))))
        return allowed

    def exceptions(self, tier: int) -> QuerySet[Any, Any]:
        """The ids of the datasets that are visible wherever they are: few, and read without looking at the others."""
        own = [rows.values("content_object_id") for rows in self._permissions(tier)]
        return self.answered_for().union(*own)

    def _permissions(self, tier: int) -> list[QuerySet[Any, Any]]:
        from catalog.models import DatasetGroupPermission, DatasetUserPermission

        if self.user_id is None or not self.has_permissions:
            return []
        named = {"permission__codename__in": _PERMISSIONS[max(tier, 1)]}
        own: list[QuerySet[Any, Any]] = [DatasetUserPermission.objects.filter(user_id=self.user_id, **named)]
        if self.group_ids:
            own.append(DatasetGroupPermission.objects.filter(group_id__in=self.group_ids, **named))
        return own

    def curation(self) -> Q:
        """The condition on a dataset that its stewards and owners are concerned: they describe, tag and decide."""
        return Q() if self.everything else Q(domain_id__in=self.curated_domains()) | self.answers_for()

    def curated_domains(self) -> list[int]:
        """The domains of which the principal is a steward or an owner."""
        return [domain for domain in self.roles_of_domain if self.has_role(domain, *CURATORS)]

    def domains_of(self, role: DomainRole) -> list[int]:
        """The domains on which the principal has this role."""
        return [domain for domain, roles in self.roles_of_domain.items() if role in roles]

    def answers_for(self) -> Q:
        """The condition that the principal, or a group of theirs, is an owner of the dataset."""
        if not self.has_datasets:
            return Q(pk__in=())
        return Q(_AnsweredFor(self.principal_id, self.group_ids))

    def answered_for(self) -> QuerySet[Any, Any]:
        """The ids of the datasets of which the principal, or a group of theirs, is an owner."""
        return self._held().values("dataset_id")

    def _held(self) -> QuerySet[Any, Any]:
        from catalog.models import Ownership

        held = Ownership.objects.filter(valid_to__isnull=True)
        return held.filter(Q(principal_id=self.principal_id) | Q(group_id__in=self.group_ids))


class _InDomain(Func):
    """The condition that a dataset is in one of these domains: one parameter, which is composed faster than one for each."""

    template = "%(expressions)s::bigint[])"
    arg_joiner = " = ANY ("
    output_field = BooleanField()
    conditional = True

    def __init__(self, domains: list[int]) -> None:
        super().__init__(F("domain_id"), Value(domains))


class _AnsweredFor(Func):
    """The condition on a dataset that the principal, or one of the groups, is an owner of it.

    What `Exists` of `Scope._held` says: every list asks it several times, and Django takes a millisecond to compose that.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, principal_id: Any, group_ids: Any) -> None:
        self.is_list = isinstance(group_ids, Sequence)
        principal = principal_id if isinstance(principal_id, Expression) else Value(principal_id)
        super().__init__(F("pk"), principal, Value(list(group_ids)) if self.is_list else group_ids)

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        (pk, of_pk), (principal, of_principal), (groups, of_groups) = map(compiler.compile, self.source_expressions)
        among = f"= ANY ({groups}::bigint[])" if self.is_list else f"IN {groups}"
        sql = (
            "EXISTS (SELECT FROM catalog_ownership AS held WHERE held.valid_to IS NULL"
            f" AND (held.principal_id = {principal} OR held.group_id {among}) AND held.dataset_id = {pk})"
        )
        return sql, (*of_principal, *of_groups, *of_pk)


def scope_of(principal: Principal) -> Scope:
    """The scope of a principal: one statement, none for those who see everything.

    Kept on the principal, which lives as long as its request.
    """
    kept: Scope | None = getattr(principal, "_catalog_scope", None)
    if kept is None:
        kept = _read_scope(principal)
        principal._catalog_scope = kept  # type: ignore[attr-defined]
    return kept


_SEEN_WITHOUT_DOMAIN = {
    "none": "nobody but administrators will see it or its datasets",
    "discover": "others will see only that its datasets exist, and only administrators read their columns or crawl it",
    "metadata": "everybody who is signed in will read its datasets' columns, and only administrators crawl it",
    "profile": "everybody who is signed in will read all of its datasets, and only administrators crawl it",
}


def told_of_no_domain() -> str:
    """What it means that a source has no domain, under this installation's UNASSIGNED_TIER: a sentence."""
    return f"Without a domain, {_SEEN_WITHOUT_DOMAIN[settings.UNASSIGNED_TIER]}."


_HELD = """
    SELECT mine.groups,
           EXISTS (SELECT FROM catalog_ownership WHERE valid_to IS NULL AND principal_id = %(principal)s)
           OR EXISTS (SELECT FROM catalog_ownership WHERE valid_to IS NULL AND group_id = ANY(mine.groups)),
           EXISTS (SELECT FROM catalog_datasetuserpermission WHERE user_id = %(user)s)
           OR EXISTS (SELECT FROM catalog_datasetgrouppermission WHERE group_id = ANY(mine.groups)),
           (SELECT json_agg(json_build_array(id, open_tier))::text FROM catalog_domain),
           (SELECT json_agg(json_build_array(domain_id, role))::text FROM catalog_domainmembership
            WHERE (principal_id = %(principal)s OR group_id = ANY(mine.groups))
              AND valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s))
    FROM (
        SELECT ARRAY(SELECT group_id::bigint FROM accounts_user_groups WHERE user_id = %(user)s ORDER BY 1) AS groups
    ) AS mine
"""


def _read_scope(principal: Principal) -> Scope:
    """By one statement. Most people own no dataset and have no permission on any: then no condition needs to ask for it."""
    if is_trusted(principal):
        return Scope(everything=True, principal_id=principal.pk, user_id=principal.user_id)
    # Nobody is the user 0; a parameter has one type, whoever it is, so that one statement is prepared for all.
    asked = {"principal": Int8(principal.pk), "user": Int8(principal.user_id or 0), "now": timezone.now()}
    [(groups, has_datasets, has_permissions, domains, held)] = prepared.rows(_HELD, asked)
    tiers: dict[int, int] = dict(json.loads(domains or "[]"))
    roles: dict[int, set[str]] = defaultdict(set)
    for domain, role in json.loads(held or "[]"):
        roles[domain].add(role)
        tiers[domain] = max(tiers.get(domain, 0), TIER_OF_ROLE[DomainRole(role)])
    return Scope(
        tier_of_domain=tiers,
        roles_of_domain={domain: frozenset(names) for domain, names in roles.items()},
        unassigned_tier=_TIER_NAMES[settings.UNASSIGNED_TIER],
        principal_id=principal.pk,
        user_id=principal.user_id,
        group_ids=tuple(groups),
        has_datasets=has_datasets,
        has_permissions=has_permissions,
    )
