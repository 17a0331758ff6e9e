"""Write what a reading of a source brought."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Principal
from audit.recording import record
from catalog.application import Applied, write_plan
from catalog.events import SnapshotApplied
from catalog.models import Source
from catalog.permissions import check_can_crawl_source
from catalog.reconciliation import forget_plan, plan_of
from catalog.staging import Staged, discard


@transaction.atomic
def apply_snapshots(*, source: Source, reading: int, staged: Staged, by: Principal) -> Applied:
    """Write the plan of a reading into the catalog and record it as one set. `reading` is the id of the run."""
    check_can_crawl_source(by, source)
    plan = plan_of(source, reading)
    applied = write_plan(source, reading, staged)
    if applied.ids or plan.unchanged:
        record(
            SnapshotApplied(
                source_id=source.pk,
                source=source.name,
                run_id=reading,
                added=len(applied.ids.get("added", ())) + len(applied.ids.get("adopted", ())),
                changed=plan.changed,
                returned=plan.returned,
                gone=plan.gone,
                unchanged=plan.unchanged,
            ),
            by=by,
            changes={"dataset": applied.ids} if applied.ids else None,
        )
    discard(reading)
    forget_plan(reading)
    return applied
