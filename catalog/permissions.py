"""Who may do what in the catalog. `check_can_…` raises, `can_…` answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import DomainRole
from catalog.models import Dataset, Domain, Source, Tier
from catalog.visibility import CURATORS, scope_of
from common.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from accounts.models import Principal

__all__ = [
    "Tier",
    "can_crawl_source",
    "can_curate",
    "can_edit_domain",
    "can_edit_source",
    "can_edit_tags",
    "can_make_exceptions",
    "check_can_crawl_source",
    "check_can_curate",
    "check_can_curate_domain",
    "check_can_edit_domain",
    "check_can_edit_source",
    "check_can_edit_tags",
    "check_can_make_exceptions",
    "check_is_catalog_administrator",
    "uncurated",
]


def uncurated(by: Principal, dataset_ids: Sequence[int]) -> set[int]:
    """Those of the datasets that `by` may not curate; one statement for any number."""
    scope = scope_of(by)
    if scope.everything:
        return set()
    mine = Dataset.objects.filter(pk__in=dataset_ids).filter(scope.curation())
    return set(dataset_ids) - set(mine.values_list("pk", flat=True))


def can_curate(by: Principal, dataset: Dataset) -> bool:
    """Describe, tag, label and assign owners: stewards and owners of the domain or the dataset, and administrators."""
    return not uncurated(by, [dataset.pk])


def check_can_curate(by: Principal, datasets: Sequence[Dataset]) -> None:
    """Raises `NotFound` for datasets that `by` may not see and `Forbidden` for those it may not curate."""
    ids = [dataset.pk for dataset in datasets]
    refused = uncurated(by, ids)
    if not refused:
        return
    seen = set(Dataset.objects.filter(pk__in=refused).visible_to(by).values_list("pk", flat=True))
    if refused - seen:
        raise NotFound("There is no such dataset, or you may not see it.")
    names = sorted(dataset.qualified_name for dataset in datasets if dataset.pk in refused)
    raise Forbidden(f"Only stewards and owners may change {names[0]}. Ask one of its owners.")


def can_edit_domain(by: Principal, domain: Domain) -> bool:
    return scope_of(by).has_role(domain.pk, DomainRole.OWNER)


def check_can_edit_domain(by: Principal, domain: Domain) -> None:
    if not can_edit_domain(by, domain):
        raise Forbidden(f"Only owners of {domain} and administrators may change it.")


def can_make_exceptions(by: Principal, dataset: Dataset) -> bool:
    """Those who give roles where the dataset is: owners of its domain, and administrators."""
    return scope_of(by).has_role(dataset.domain_id, DomainRole.OWNER)


def check_can_make_exceptions(by: Principal, dataset: Dataset) -> None:
    """Raises `NotFound` where `by` does not see the dataset and `Forbidden` where it does."""
    if not can_make_exceptions(by, dataset):
        if not Dataset.objects.filter(pk=dataset.pk).visible_to(by).exists():
            raise NotFound("There is no such dataset, or you may not see it.")
        raise Forbidden(f"Only owners of the domain of {dataset.name} and administrators say who else sees it.")


def check_can_curate_domain(by: Principal, domain: Domain) -> None:
    """Stewards and owners of the domain say what belongs to it."""
    if not scope_of(by).has_role(domain.pk, *CURATORS):
        raise Forbidden(f"Only stewards and owners of {domain} may put datasets into it.")


def can_edit_source(by: Principal, source: Source | None) -> bool:
    """Owners of the source's domain; administrators for every source and for new ones."""
    scope = scope_of(by)
    if source is None:
        return scope.everything
    return scope.has_role(source.domain_id, DomainRole.OWNER)


def check_can_edit_source(by: Principal, source: Source | None) -> None:
    if not can_edit_source(by, source):
        raise Forbidden("Only administrators and owners of the source's domain may do this.")


def can_crawl_source(by: Principal, source: Source) -> bool:
    """Stewards and owners of the source's domain, administrators, and pipelines and services with a token for its namespace.

    People make their own tokens, so a person's token never opens what the person may not do.
    """
    if scope_of(by).has_role(source.domain_id, *CURATORS):
        return True
    if by.kind == by.Kind.PERSON:
        return False
    pushes = by.tokens.usable().filter(scopes__contains=["snapshot:write"])
    return bool(pushes.filter(Q(namespaces=[]) | Q(namespaces__contains=[source.namespace])).exists())


def check_can_crawl_source(by: Principal, source: Source) -> None:
    if not can_crawl_source(by, source):
        raise Forbidden(f"Only stewards and owners of the domain of {source} and administrators may read it in.")


def can_edit_tags(by: Principal) -> bool:
    """The vocabulary is everybody's, so whoever is a steward or owner of any domain adds to it, and administrators."""
    scope = scope_of(by)
    return scope.everything or any(
        DomainRole.STEWARD in roles or DomainRole.OWNER in roles for roles in scope.roles_of_domain.values()
    )


def check_can_edit_tags(by: Principal) -> None:
    if not can_edit_tags(by):
        raise Forbidden("Only stewards and owners of a domain, and administrators, create and rename tags.")


def check_is_catalog_administrator(by: Principal) -> None:
    if not scope_of(by).everything:
        raise Forbidden("Only an administrator may do this. Ask one of them.")
