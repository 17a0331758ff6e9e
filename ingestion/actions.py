"""What people and schedules ask of crawls. Actions never enqueue: their callers send the run to the queue after commit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from accounts.models import Principal
from audit.recording import record
from catalog.models import Source
from catalog.permissions import check_can_edit_source
from common.errors import CatalogError, Conflict, Invalid
from ingestion.events import CancelRequested, CrawlRequested, PlanConfirmed, ScheduleSet
from ingestion.leases import Heart, LeaseLost, claim, end, log
from ingestion.models import CrawlSchedule, Run, RunState
from ingestion.permissions import check_can_crawl_source
from ingestion.pushes import keep

SCHEDULED_TASK = "ingestion.tasks.crawl_scheduled_source"


@transaction.atomic
def request_crawl(*, source: Source, by: Principal, trigger: str = Run.Trigger.PERSON, dry_run: bool = False) -> Run:
    """Queue a crawl of a source. Raises `Conflict` while another run of it is open."""
    check_can_crawl_source(by, source)
    try:
        with transaction.atomic():
            run = Run.objects.create(source=source, trigger=trigger, requested_by=by, dry_run=dry_run)
    except IntegrityError:
        raise Conflict(f"A run of {source} is open already. Wait for its end, or cancel it.") from None
    record(
        CrawlRequested(run_id=run.pk, source_id=source.pk, source=source.name, trigger=trigger, dry_run=dry_run),
        by=by,
    )
    return run


@transaction.atomic
def cancel_run(*, run: Run, by: Principal) -> Run:
    """Cancel an open run. One that works stops within seconds; what it read is dropped and nothing was changed."""
    check_can_crawl_source(by, run.source)
    run = Run.objects.select_for_update(of=("self",)).select_related("source").get(pk=run.pk)
    if not run.is_open:
        raise Conflict(f"This run has ended already: {run.get_state_display().lower()}.")
    if run.cancel_requested_at is None:
        run.cancel_requested_at = timezone.now()
        run.cancel_requested_by = by
        run.save(update_fields=["cancel_requested_at", "cancel_requested_by"])
        record(CancelRequested(run_id=run.pk, source_id=run.source_id, source=run.source.name), by=by)
    if run.state in (RunState.QUEUED, RunState.WAITING):
        return end(run.pk, RunState.CANCELLED, f"Cancelled by {by}; nothing was changed.")
    return run


@transaction.atomic
def confirm_plan(*, run: Run, by: Principal) -> Run:
    """Let the plan of a waiting run pass: it goes back to the queue and is applied."""
    check_can_crawl_source(by, run.source)
    run = Run.objects.select_for_update(of=("self",)).select_related("source").get(pk=run.pk)
    if run.state != RunState.WAITING:
        raise Conflict("This run does not wait for anybody.")
    Run.objects.filter(pk=run.pk).update(confirmed_by=by, queued_at=timezone.now())
    gone = int(run.plan.get("gone", 0))
    record(PlanConfirmed(run_id=run.pk, source_id=run.source_id, source=run.source.name, gone=gone), by=by)
    return end(run.pk, RunState.QUEUED, f"Confirmed by {by}.")


def push_snapshots(*, source: Source, lines: Iterable[bytes], by: Principal) -> Run:
    """Take a reading that was made elsewhere: one JSON `Reading` a line. Queues its comparison and application.

    The run that is returned has all of it in the database: whatever happens to workers, it is applied or says why not.
    Raises `Invalid` at the first line that is no reading; nothing of the stream is then kept.
    """
    run = request_crawl(source=source, by=by, trigger=Run.Trigger.PUSH)
    fence = claim(run.pk)
    if fence is None:
        raise Conflict("The run was cancelled before its snapshots came.")
    try:
        with Heart(run.pk, fence) as heart:
            keep(run, fence, lines, heart)
            return end(run.pk, RunState.QUEUED, "Received.", fence=fence)
    except LeaseLost:
        raise Conflict("The run was cancelled while its snapshots came.") from None
    except OSError:
        with suppress(LeaseLost):
            end(run.pk, RunState.FAILED, "The connection broke off; nothing was changed. Push it again.", fence=fence)
        raise
    except CatalogError as error:
        with suppress(LeaseLost):
            end(run.pk, RunState.FAILED, error.message, fence=fence)
            log(run.pk, error.message, "error")
        raise


@transaction.atomic
def set_schedule(*, source: Source, cron: str, by: Principal, enabled: bool = True) -> CrawlSchedule | None:
    """Crawl a source by itself, at the times of a five-field cron expression in UTC; empty: no longer."""
    check_can_edit_source(by, source)
    known = CrawlSchedule.objects.select_related("periodic_task__crontab").filter(source=source).first()
    before = {"cron": cron_of(known), "enabled": known.periodic_task.enabled if known else False}
    if not cron.strip():
        if known is not None:
            known.delete()
            known.periodic_task.delete()
            record(
                ScheduleSet(
                    source_id=source.pk,
                    source=source.name,
                    before=before,
                    after={"cron": None, "enabled": False},
                ),
                by=by,
            )
        return None
    crontab = _crontab(cron)
    after = {"cron": " ".join(cron.split()), "enabled": enabled}
    if known is None:
        task = PeriodicTask.objects.create(
            name=f"crawl source {source.pk}",
            task=SCHEDULED_TASK,
            crontab=crontab,
            kwargs=json.dumps({"source_id": source.pk}),
            queue="crawl",
            enabled=enabled,
            expire_seconds=3600,
        )
        known = CrawlSchedule.objects.create(source=source, periodic_task=task, set_by=by)
    elif before == after:
        return known
    else:
        known.periodic_task.crontab = crontab
        known.periodic_task.enabled = enabled
        known.periodic_task.save()
        known.set_by, known.set_at = by, timezone.now()
        known.save()
    record(ScheduleSet(source_id=source.pk, source=source.name, before=before, after=after), by=by)
    return known


def cron_of(schedule: CrawlSchedule | None) -> str | None:
    """The five fields: minute, hour, day of month, month, day of week."""
    if schedule is None:
        return None
    crontab = schedule.periodic_task.crontab
    return " ".join((crontab.minute, crontab.hour, crontab.day_of_month, crontab.month_of_year, crontab.day_of_week))


def _crontab(cron: str) -> CrontabSchedule:
    fields = cron.split()
    wrong = Invalid(
        "Write five fields: minute, hour, day of month, month, day of week, as in 0 3 * * * for 3 o'clock every night.",
        {"cron": ["cannot be read"]},
    )
    if len(fields) != 5:
        raise wrong
    minute, hour, day_of_month, month_of_year, day_of_week = fields
    times = {
        "minute": minute,
        "hour": hour,
        "day_of_month": day_of_month,
        "month_of_year": month_of_year,
        "day_of_week": day_of_week,
        "timezone": "UTC",
    }
    crontab = CrontabSchedule(**times)
    from django.core.exceptions import ValidationError

    try:
        crontab.full_clean()
        crontab.schedule  # noqa: B018 -- celery parses the fields here
    except (ValidationError, ValueError):
        raise wrong from None
    found = CrontabSchedule.objects.filter(**times).first()
    if found is None:
        crontab.save()
        found = crontab
    return found
