from __future__ import annotations

from accounts.models import Principal
from catalog.models import Source
from catalog.permissions import can_crawl_source, check_can_crawl_source
from catalog.visibility import scope_of
from common.errors import Forbidden

__all__ = ["can_crawl_source", "can_see_runs_of", "check_can_crawl_source", "check_can_see_runs_of"]


def can_see_runs_of(by: Principal, source: Source) -> bool:
    """Runs name schemas and datasets whatever their tier: for those who have a role on the source's domain."""
    scope = scope_of(by)
    return scope.everything or source.domain_id in scope.roles_of_domain or source.created_by_id == by.pk


def check_can_see_runs_of(by: Principal, source: Source) -> None:
    if not can_see_runs_of(by, source):
        raise Forbidden(
            "What happened to a source is told to those who have a role on its domain, and to administrators."
        )
