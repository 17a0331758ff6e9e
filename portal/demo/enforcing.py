"""What is approved for OnTrack becomes a right in its database, with the login of whoever asked."""

from __future__ import annotations

from access.actions import name_login, set_enforcement
from access.enforcement.queries import service_grants_of
from access.models import Enforcement, Grant
from access.states import GrantState
from catalog.models import Source
from portal.demo import databases, workers
from portal.demo.databases import Places
from portal.demo.organisation import ADMINISTRATOR, ANALYST
from portal.demo.people import principal
from portal.demo.sources import ONTRACK


def enforce_ontrack(places: Places) -> int:
    """Have OnTrack's grants carried out, and name the analyst's login there; 1 where nobody had set it up."""
    source = Source.objects.select_related("connection").get(slug=ONTRACK)
    if places.superuser_url is None or Enforcement.objects.filter(source=source).exists():
        return 0
    by = principal(ADMINISTRATOR)
    databases.carry_out(places, service_grants_of(source, None))
    databases.let_in(places, places.analyst_role)
    name_login(source=source, principal=principal(ANALYST), name=places.analyst_role, by=by)
    set_enforcement(source=source, mode=Enforcement.Mode.AUTOMATIC, by=by)
    return 1


def carry_out_grants(served: frozenset[str]) -> int:
    """Have what was approved granted in OnTrack; how many grants began to hold there."""
    waiting = Grant.objects.filter(dataset__source__slug=ONTRACK, state=GrantState.PROVISIONING)
    ids = list(waiting.values_list("pk", flat=True))
    if ids:
        workers.carry_out_grants(waiting, served)
    return Grant.objects.filter(pk__in=ids, state=GrantState.ACTIVE).count()
