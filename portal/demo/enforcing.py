"""What is approved for OnTrack becomes a right in its database, with the login of whoever asked."""

from __future__ import annotations

from access.actions import accept_finding, name_login, set_enforcement
from access.enforcement.queries import service_grants_of
from access.models import Enforcement, Finding, Grant
from access.states import GrantState
from catalog.models import Source
from portal.demo import databases, workers
from portal.demo.databases import Places
from portal.demo.organisation import ADMINISTRATOR, ANALYST, STEWARD
from portal.demo.people import principal
from portal.demo.sources import ONTRACK
from portal.demo.steps import STEPS


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


def explain_findings(places: Places) -> int:
    """Say why the pipeline reads the tables that it loads; how many findings were accepted.

    Which it reads without need stay in the steward's inbox, and so does everything once anybody has judged.
    """
    found = Finding.objects.filter(source__slug=ONTRACK)
    if found.exclude(resolution="").exists():
        return 0
    loaded = {name.partition(":")[2] for step in STEPS for name in step.reads if name.startswith(f"{ONTRACK}:")}
    needed = list(found.filter(grantee=places.pipeline_role, dataset__name__in=loaded))
    needed += found.filter(kind=Finding.Kind.SUPERUSER)
    for finding in needed:
        owned = finding.kind != Finding.Kind.SUPERUSER
        note = "The nightly pipeline loads this table." if owned else "The server's own account; nobody works with it."
        accept_finding(finding=finding, note=note, by=principal(STEWARD))
    return len(needed)
