"""Who works at a run: a claim with a fencing number, a heartbeat beside the work, and what happens when it falls silent.

A worker that was thought dead may still be alive. So every write of a worker names its fence, and a run that was taken
from it has another state or fence: the write finds no row, and the worker stops.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone

from audit.recording import record
from catalog.reconciliation import forget_plan
from catalog.staging import discard
from ingestion.events import PlanWaits, RunEnded
from ingestion.models import SAMPLING, TRANSITIONS, PushedBatch, Run, RunLogLine, RunState

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
"""How often a worker says that it lives, and asks whether it should stop."""

SILENT_SECONDS = 25.0
"""After so much silence a run is lost. With a sweep every ten seconds it is known within 40."""

REQUEUE_SECONDS = 20.0
"""A run that waits in the queue this long is sent again: its message may have been lost with the broker."""


_TRIES = 2
_TRIES_OF_PUSHED = 4
"""A source is read again by its next crawl; what was pushed comes only once, and is tried oftener."""


_UNCHANGED = "Cancelled; nothing was changed."
_CANCELLED = {SAMPLING: "Cancelled while it sampled; the plan was applied, and what was sampled before stays."}


class LeaseLost(Exception):
    """The run is no longer this worker's: cancelled, or given up as lost."""


def claim(run_id: int) -> int | None:
    """Take a queued run; returns the fence, or None where somebody else has it or it is not queued."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE ingestion_run
            SET state = 'running', fence = fence + 1, heartbeat_at = %(now)s, started_at = coalesce(started_at, %(now)s),
                rested = rested + coalesce(%(now)s - heartbeat_at, '0')
            WHERE id = %(id)s AND state = 'queued' RETURNING fence
            """,
            {"now": now, "id": run_id},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def report(run_id: int, fence: int, **values: Any) -> None:
    """Write progress. Raises `LeaseLost` where the run is no longer held under this fence."""
    changed = Run.objects.filter(pk=run_id, fence=fence, state=RunState.RUNNING).update(
        heartbeat_at=timezone.now(), **values
    )
    if not changed:
        raise LeaseLost


def log(run_id: int, text: str, severity: str = RunLogLine.Severity.INFO) -> None:
    RunLogLine.objects.create(run_id=run_id, text=text[:10_000], severity=severity)


@transaction.atomic
def end(run_id: int, state: str, message: str, *, fence: int | None = None, keeps_pushed: bool = False) -> Run:
    """Move a run to `state`, as the table of transitions allows, and record it.

    With a fence, only its holder may; raises `LeaseLost` otherwise. Ended runs give up what they had staged, and what
    was pushed for them unless it goes to a run that follows.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("source", "requested_by").get(pk=run_id)
    if fence is not None and (run.fence != fence or run.state != RunState.RUNNING):
        raise LeaseLost
    if state not in TRANSITIONS[run.state]:
        raise LeaseLost
    now = timezone.now()
    was, run.state = run.state, state
    run.message = message
    about: dict[str, Any] = {"run_id": run.pk, "source_id": run.source_id, "source": run.source.name}
    if state in (RunState.WAITING, RunState.QUEUED):
        if was == RunState.RUNNING:
            run.heartbeat_at = now
        run.save(update_fields=["state", "message", "heartbeat_at"])
        if state == RunState.WAITING:
            record(PlanWaits(**about, message=message), by=run.requested_by)
        return run
    run.finished_at = now
    if was != RunState.RUNNING and run.heartbeat_at is not None:
        run.rested += now - run.heartbeat_at
    run.save(update_fields=["state", "message", "finished_at", "rested"])
    if not keeps_pushed:
        PushedBatch.objects.filter(run=run).delete()
    if state != RunState.SUCCEEDED or run.dry_run:
        discard(run.pk)
        forget_plan(run.pk)
    record(RunEnded(**about, state=state, message=message), by=run.requested_by)
    return run


class Heart:
    """Beats beside the work, in a thread with a connection of its own; notices cancellation and acts on it.

    A cancelled run is ended here and now, however long the source takes to answer: the worker's next write finds the
    run no longer its own. A statement that the catalog's database is running for the worker is cancelled there.
    """

    def __init__(self, run_id: int, fence: int) -> None:
        self.run_id = run_id
        self.fence = fence
        self.lost = threading.Event()
        self._stop = threading.Event()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (self._backend,) = cursor.fetchone()
        self._thread = threading.Thread(target=self._live, name=f"heart-of-run-{run_id}", daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def check(self) -> None:
        """Raise `LeaseLost` where a beat has found the run taken away."""
        if self.lost.is_set():
            raise LeaseLost

    def _live(self) -> None:
        try:
            while not self._stop.wait(BEAT_SECONDS):
                try:
                    self._beat()
                except Exception:
                    # The database may be restarting: silence is the sweep's business, not a reason to stop working.
                    logger.warning("Run %s could not write its heartbeat.", self.run_id, exc_info=True)
                    connection.close()
                if self.lost.is_set():
                    return
        finally:
            connections.close_all()

    def _beat(self) -> None:
        mine = Run.objects.filter(pk=self.run_id, fence=self.fence, state=RunState.RUNNING)
        if not mine.update(heartbeat_at=timezone.now()):
            self._lose()
            return
        phase = mine.filter(cancel_requested_at__isnull=False).values_list("phase", flat=True).first()
        if phase is not None:
            try:
                end(self.run_id, RunState.CANCELLED, _CANCELLED.get(phase, _UNCHANGED), fence=self.fence)
            except LeaseLost:
                pass
            else:
                log(self.run_id, "Cancelled.")
            self._lose()

    def _lose(self) -> None:
        if self._stop.is_set():
            return
        self.lost.set()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_cancel_backend(%s)", [self._backend])


def give_up_silent() -> list[Run]:
    """End the runs that fell silent as lost (or cancelled, where that was asked), and queue each lost one once more.

    What was pushed and accepted goes over to the run that follows, and is tried again a few times.
    Returns the new runs, which the caller sends to the queue.
    """
    limit = timezone.now() - dt.timedelta(seconds=SILENT_SECONDS)
    again = []
    for run in Run.objects.silent_since(limit).select_related("source"):
        with transaction.atomic():
            held = Run.objects.select_for_update(skip_locked=True).filter(
                pk=run.pk, heartbeat_at__lt=limit, state=RunState.RUNNING
            )
            if not held.exists():
                continue
            if run.cancel_requested_at is not None:
                end(
                    run.pk,
                    RunState.CANCELLED,
                    _CANCELLED.get(run.phase, "Cancelled after its worker had fallen silent; nothing was changed."),
                )
                continue
            retried = _is_tried_again(run)
            told = "It is tried once more." if retried else f"{_AGAIN[run.is_pushed]} it again when the cause is known."
            end(run.pk, RunState.LOST, f"The worker of this run fell silent. {told}", keeps_pushed=retried)
            log(
                run.pk,
                f"The worker fell silent at {run.heartbeat_at:%H:%M:%S} UTC. {told}",
                RunLogLine.Severity.ERROR,
            )
            if retried:
                next_run = Run.objects.create(
                    source=run.source,
                    trigger=Run.Trigger.RETRY,
                    requested_by=run.requested_by,
                    dry_run=run.dry_run,
                    retry_of=run,
                )
                PushedBatch.objects.filter(run=run).update(run=next_run)
                again.append(next_run)
    return again


_AGAIN = {False: "Start", True: "Push"}


def _is_tried_again(run: Run) -> bool:
    # The first claim of a push is the request's own: until it has queued the run, nothing was accepted.
    if run.trigger == Run.Trigger.PUSH and run.fence <= 1:
        return False
    return run.tries < (_TRIES_OF_PUSHED if run.is_pushed else _TRIES)


def forgotten_in_queue() -> list[int]:
    """Queued runs that no worker took in time, oldest first."""
    limit = timezone.now() - dt.timedelta(seconds=REQUEUE_SECONDS)
    queued = Run.objects.filter(state=RunState.QUEUED, queued_at__lt=limit)
    ids = list(queued.order_by("id").values_list("pk", flat=True)[:100])
    Run.objects.filter(pk__in=ids, state=RunState.QUEUED).update(
        queued_at=F("queued_at") + dt.timedelta(seconds=REQUEUE_SECONDS)
    )
    return ids
