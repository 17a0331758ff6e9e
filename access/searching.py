"""Searches of who may do what, page by page: `access.policies_in_sql` with the facts of now."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Q

from access.policies.facts import SubjectFacts
from access.policies.rules import KIND
from access.querysets import memberships_now
from accounts.models import Principal


def subject_everywhere(principal_id: int) -> SubjectFacts | None:
    """A principal with its roles on all domains; None where there is none. Four statements."""
    principal = Principal.objects.select_related("user").filter(pk=principal_id).first()
    if principal is None:
        return None
    groups = frozenset(principal.user.groups.values_list("pk", flat=True)) if principal.user else frozenset()
    roles: dict[int, set[str]] = defaultdict(set)
    held = memberships_now().filter(Q(principal=principal) | Q(group_id__in=groups))
    for domain, role in held.values_list("domain_id", "role"):
        roles[domain].add(role)
    attributes = principal.attributes.filter(valid_to__isnull=True).values_list("name", "value")
    return SubjectFacts(
        principal_id=principal.pk,
        is_active=principal.is_active,
        groups=groups,
        roles={domain: frozenset(names) for domain, names in roles.items()},
        attributes=frozenset([(KIND, principal.kind), *attributes]),
    )
