"""Have the real workers do their part, and do it here where there are none."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from celery import current_app
from django.db import transaction
from django.db.models import QuerySet

from access.enforcement.reconciling import reconcile
from access.models import Enforcement, Grant
from common.errors import CatalogError
from ingestion.crawling import run_crawl
from ingestion.models import OPEN_STATES, Run, RunState
from ingestion.tasks import crawl
from lineage.draining import drain
from lineage.models import PendingEvent
from lineage.tasks import fold

PATIENCE = 60.0
"""Seconds that workers get for all of the demo's crawls, or all of its events; both take about one."""

_BETWEEN_LOOKS = 0.1


class TooSlow(CatalogError):
    status = 503
    code = "too_slow"
    title = "The workers did not finish"


def served_queues() -> frozenset[str]:
    """The queues that a running worker serves; empty where none answers within a second."""
    answers = current_app.control.inspect(timeout=1.0).active_queues() or {}
    return frozenset(queue["name"] for queues in answers.values() for queue in queues)


def finish_runs(runs: Sequence[Run], served: Collection[str]) -> None:
    """Have queued runs carried out. Raises `CatalogError` with the run's own words where one does not succeed."""
    ids = [run.pk for run in runs]
    if "crawl" in served:
        for run_id in ids:
            transaction.on_commit(lambda run_id=run_id: crawl.delay(run_id))  # type: ignore[misc]
        open_runs = Run.objects.filter(pk__in=ids, state__in=OPEN_STATES)
        _wait(lambda: not open_runs.exists(), "The crawls of the demo did not end")
    else:
        for run_id in ids:
            run_crawl(run_id)
    for run in Run.objects.filter(pk__in=ids).exclude(state=RunState.SUCCEEDED).select_related("source"):
        raise CatalogError(f"The crawl of {run.source} did not succeed: {run.message}")


def fold_events(served: Collection[str]) -> None:
    """Have every event that waits taken up into jobs, runs and lineage."""
    if "fold" in served:
        fold.delay()
        _wait(lambda: not PendingEvent.objects.exists(), "The events of the demo were not taken up")
    else:
        drain()


def carry_out_grants(waiting: QuerySet[Grant], served: Collection[str]) -> None:
    """Have grants carried out in their sources; the workers do so of themselves, every two seconds."""
    sources = set(waiting.values_list("dataset__source_id", flat=True))
    if "expiry" in served:
        unread = Enforcement.objects.filter(source__in=sources, checked_at=None)
        _wait(lambda: not (waiting.exists() or unread.exists()), "The grants of the demo were not carried out")
    else:
        for source_id in sources:
            reconcile(source_id)


def _wait(done: Callable[[], bool], complaint: str) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until:
            raise TooSlow(
                f"{complaint} within {PATIENCE:.0f} s. Look into the workers' logs, then run load_demo again: "
                "it goes on where it stopped."
            )
        time.sleep(_BETWEEN_LOOKS)
