"""Domains, the roles on them, and which datasets they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts.models import DomainRole, Principal
from audit.recording import record
from catalog.actions.writing import created, edited, named
from catalog.events import DatasetsMoved, DomainAdded, DomainEdited, RoleEnded, RoleGranted
from catalog.models import Dataset, Domain, DomainMembership
from catalog.permissions import (
    check_can_curate,
    check_can_curate_domain,
    check_can_edit_domain,
    check_is_catalog_administrator,
)
from common.errors import Invalid


@transaction.atomic
def add_domain(
    *,
    slug: str,
    name: str,
    description: str = "",
    open_tier: int | None = None,
    parent: Domain | None = None,
    by: Principal,
) -> Domain:
    """A new domain; only administrators make them."""
    check_is_catalog_administrator(by)
    domain = Domain(slug=slug, name=name, description=description, parent=parent)
    if open_tier is not None:
        domain.open_tier = open_tier
    created(domain, f"There is already a domain called {name}.")
    record(DomainAdded(domain_id=domain.pk, domain=name), by=by)
    return domain


@transaction.atomic
def edit_domain(*, domain: Domain, changes: Mapping[str, Any], by: Principal) -> Domain:
    """Change a domain's name, description or open tier."""
    domain = Domain.objects.select_for_update().get(pk=domain.pk)
    check_can_edit_domain(by, domain)
    before, after = edited(domain, changes, ("name", "description", "open_tier"))
    if after:
        record(DomainEdited(domain_id=domain.pk, domain=domain.name, before=before, after=after), by=by)
    return domain


@transaction.atomic
def grant_role(
    *,
    domain: Domain,
    role: str,
    principal: Principal | None = None,
    group: Group | None = None,
    by: Principal,
) -> DomainMembership:
    """Give a person or a group a role on a domain; having it already changes nothing."""
    check_can_edit_domain(by, domain)
    if (principal is None) == (group is None):
        raise Invalid("Choose a person or a group, not both.")
    membership, created = DomainMembership.objects.get_or_create(
        domain=domain,
        role=DomainRole(role),
        principal=principal,
        group=group,
        valid_to=None,
        defaults={"granted_by": by},
    )
    if created:
        record(RoleGranted(**_membership_values(membership)), by=by)
    return membership


@transaction.atomic
def end_role(*, membership: DomainMembership, by: Principal) -> None:
    """End a role now. The row stays: who could read what in March must be answerable."""
    check_can_edit_domain(by, membership.domain)
    if DomainMembership.objects.filter(pk=membership.pk, valid_to=None).update(valid_to=timezone.now()):
        record(RoleEnded(**_membership_values(membership)), by=by)


def _membership_values(membership: DomainMembership) -> dict[str, Any]:
    return {
        "domain_id": membership.domain_id,
        "domain": membership.domain.name,
        "role": membership.role,
        "member": str(membership.principal or membership.group),
        "principal_id": membership.principal_id,
        "group_id": membership.group_id,
    }


@transaction.atomic
def move_datasets(*, datasets: Sequence[Dataset], domain: Domain | None, by: Principal) -> None:
    """Put datasets into a domain (None: into none). The mover curates them and, unless it takes them out, the domain."""
    check_can_curate(by, datasets)
    if domain is not None:
        check_can_curate_domain(by, domain)
    ids = [dataset.pk for dataset in datasets]
    names = Domain.objects.filter(datasets__in=ids).distinct().values_list("name", flat=True)
    before = {"domain": ", ".join(names) or None}
    moved = (
        Dataset.objects.filter(pk__in=ids).exclude(domain=domain)
        if domain
        else Dataset.objects.filter(pk__in=ids, domain__isnull=False)
    )
    moved_ids = list(moved.values_list("pk", flat=True))
    if not moved_ids:
        return
    Dataset.objects.filter(pk__in=moved_ids).update(domain=domain)
    after = {"domain": domain.name if domain else None}
    record(
        DatasetsMoved(
            dataset_ids=moved_ids,
            what=named([one for one in datasets if one.pk in set(moved_ids)]),
            domain=domain.name if domain else None,
            before=before,
            after=after,
        ),
        by=by,
    )
