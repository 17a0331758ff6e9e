"""Which terms somebody must accept to ask for data, and who may write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from access.models import Terms
from access.querysets import REVIEWING_ROLES
from access.reviewing import strictest_level
from accounts.models import DomainRole, Principal
from catalog.models import Dataset, Domain, Field
from catalog.visibility import scope_of
from common.errors import Forbidden, Invalid


class TermsNotAccepted(Invalid):
    """What is asked for has terms that were not accepted: the `missing`."""

    def __init__(self, missing: Sequence[Terms]) -> None:
        accepts = [f"Accept “{one.name}” (version {one.number}, id {one.pk})." for one in missing]
        super().__init__("Read and accept the terms of this data first.", {"accepts": accepts})
        self.missing = missing


def terms_for(dataset: Dataset, fields: Iterable[Field]) -> Sequence[Terms]:
    """The versions in force for these columns (none: the whole dataset), those of levels first; three statements."""
    level = strictest_level(dataset, fields)
    concerned = Q(level__rank__lte=level.rank) if level is not None else Q(pk__in=())
    above = _with_ancestors(dataset.domain_id)
    if above:
        concerned |= Q(domain_id__in=above)
    return list(Terms.objects.in_force().filter(concerned).select_related("level", "domain").order_by("domain", "slug"))


def check_accepted(wanted: Sequence[Terms], accepted: Iterable[int]) -> None:
    """Raises `TermsNotAccepted` unless all wanted terms are among those accepted, by id."""
    given = set(accepted)
    missing = [one for one in wanted if one.pk not in given]
    if missing:
        raise TermsNotAccepted(missing)


def can_publish(by: Principal, domain: Domain | None) -> bool:
    """Administrators write terms for levels and any domain; owners of a domain for that domain."""
    if scope_of(by).everything:
        return True
    return domain is not None and DomainRole.OWNER in scope_of(by).roles_of_domain.get(domain.pk, frozenset())


def check_can_publish(by: Principal, domain: Domain | None) -> None:
    if not can_publish(by, domain):
        raise Forbidden("Owners of a domain write its terms, administrators those of levels. Ask one of them.")


def domains_one_may_bind(by: Principal) -> Sequence[Domain]:
    """The domains whose terms `by` may write; one statement."""
    if scope_of(by).everything:
        return list(Domain.objects.all())
    owned = scope_of(by).domains_of(DomainRole.OWNER)
    return list(Domain.objects.filter(pk__in=owned))


def may_see_who_accepted(by: Principal, terms: Terms) -> bool:
    if scope_of(by).everything:
        return True
    held = scope_of(by).roles_of_domain.get(terms.domain_id or 0, frozenset())
    return any(role in held for role in REVIEWING_ROLES)


def _with_ancestors(domain_id: int | None) -> set[int]:
    """A domain and those above it; one statement, none without a domain."""
    if domain_id is None:
        return set()
    parent_of = dict(Domain.objects.values_list("pk", "parent_id"))
    found: set[int] = set()
    at: int | None = domain_id
    while at is not None and at not in found:
        found.add(at)
        at = parent_of.get(at)
    return found
