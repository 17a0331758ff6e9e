"""A crawl from beginning to end: read → stage → compare → guard → apply → record → sample, where the source is sampled."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction

from catalog.actions import apply_snapshots
from catalog.models import Dataset, SamplingAmount, Source
from catalog.reconciliation import Plan, compare, forget_plan
from catalog.snapshots import Path, Reading
from catalog.staging import SchemaProgress, Staged, discard, stage
from common.errors import CatalogError
from ingestion.connectors.registry import connector_for
from ingestion.leases import Heart, LeaseLost, claim, end, log, report
from ingestion.models import READING, SAMPLING, Run, RunLogLine, RunState
from ingestion.pushes import pushed_readings
from ingestion.sampling import sample_tables
from ingestion.sources import scope_of, target_of

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.5


def run_crawl(run_id: int) -> None:
    """Carry out a queued run. Where it is not queued (another worker has it, it was cancelled) nothing happens.

    Never raises for what the source or the run's supervision does; the run then says how it ended.
    """
    fence = claim(run_id)
    if fence is None:
        return
    run = Run.objects.select_related("source__connection", "source__domain", "requested_by", "confirmed_by").get(
        pk=run_id
    )
    try:
        with Heart(run_id, fence) as heart:
            try:
                _crawl(run, fence, heart)
            except OperationalError:
                # The heart cancels our statement when the run is taken away; any other cause is a fault.
                heart.check()
                raise
    except LeaseLost:
        discard(run_id)
        forget_plan(run_id)
    except CatalogError as error:
        _fail(run_id, fence, error.message)
    except Exception as error:
        logger.exception("Run %s failed", run_id)
        _fail(
            run_id,
            fence,
            f"The crawl failed by a fault of the catalog ({type(error).__name__}). See the worker's log.",
        )


def _fail(run_id: int, fence: int, message: str) -> None:
    connection.close_if_unusable_or_obsolete()
    try:
        end(run_id, RunState.FAILED, message, fence=fence)
    except LeaseLost:
        return
    log(run_id, message, RunLogLine.Severity.ERROR)


def _crawl(run: Run, fence: int, heart: Heart) -> None:
    source = run.source
    pushed = pushed_readings(run)
    staged = staged_of(run)
    if pushed is not None:
        staged = receive(run, fence, pushed, heart)
    elif staged is None:
        report(run.pk, fence, phase="connecting")
        log(run.pk, f"Connecting to {source}.")
        connector = connector_for(target_of(source))
        staged = receive(run, fence, connector.read(scope_of(source), known_fingerprints(source)), heart)
    for path, reason in sorted(staged.failed.items()):
        log(run.pk, f"{'.'.join(path)}: {reason}", RunLogLine.Severity.WARNING)
    report(run.pk, fence, phase="comparing")
    with transaction.atomic():
        plan = compare(source, run.pk, staged)
    report(run.pk, fence, plan={**dataclasses.asdict(plan), "staged": _totals(staged)}, schemas=_progress(staged))
    log(run.pk, f"Plan: {_summary(plan)}.")
    if run.dry_run:
        end(run.pk, RunState.SUCCEEDED, f"Dry run, nothing was changed: {_summary(plan)}.", fence=fence)
        return
    if plan.gone_share > settings.CRAWL_GONE_LIMIT and run.confirmed_by is None:
        message = (
            f"{plan.gone} of {plan.standing} datasets ({plan.gone_share:.0%}) would be marked gone, more than"
            f" {settings.CRAWL_GONE_LIMIT:.0%}. Look at the plan, then confirm or cancel it."
        )
        end(run.pk, RunState.WAITING, message, fence=fence)
        log(run.pk, message, RunLogLine.Severity.WARNING)
        return
    report(run.pk, fence, phase="applying")
    samples = source.sampling != SamplingAmount.OFF and pushed is None and source.connection is not None
    with transaction.atomic():
        applied = apply_snapshots(source=source, reading=run.pk, staged=staged, by=run.requested_by)
        heart.check()
        told = _result(plan, staged, applied.elsewhere)
        if samples:
            report(run.pk, fence, phase=SAMPLING)
        else:
            end(run.pk, _ending(staged), told, fence=fence)
    log(run.pk, told)
    if samples:
        sampled = sample_tables(run, fence, heart, connector_for(target_of(source)))
        end(run.pk, _ending(staged), f"{told} {sampled}".strip(), fence=fence)
        if str(sampled):
            log(run.pk, str(sampled))


def _ending(staged: Staged) -> str:
    """A run of which no schema at all could be read has failed; with some of them it has succeeded, and says which not."""
    return RunState.FAILED if staged.schemas and len(staged.failed) == len(staged.schemas) else RunState.SUCCEEDED


def receive(run: Run, fence: int, values: Iterable[Reading], heart: Heart) -> Staged:
    """Stage a stream of readings under a run, reporting as it goes."""
    discard(run.pk)
    report(run.pk, fence, datasets_read=0)
    staged = Staged()
    last = 0.0
    for staged in stage(run.pk, run.source.platform, _announced(run, fence, values)):
        heart.check()
        if time.monotonic() - last >= _REPORT_SECONDS:
            _report_progress(run, fence, staged)
            last = time.monotonic()
    _report_progress(run, fence, staged)
    return staged


def _announced(run: Run, fence: int, values: Iterable[Reading]) -> Iterator[Reading]:
    """The values; with the first of them the run is reading: a connector connects only when it is asked for one."""
    read = iter(values)
    for first in read:
        report(run.pk, fence, phase=READING)
        log(run.pk, f"Reading {run.source}.")
        yield first
        break
    yield from read


def _report_progress(run: Run, fence: int, staged: Staged) -> None:
    report(
        run.pk,
        fence,
        datasets_read=staged.datasets,
        datasets_expected=staged.expected,
        schemas=_progress(staged),
    )


def known_fingerprints(source: Source) -> Mapping[Path, str]:
    """What the last reading of each dataset of this source looked like."""
    rows = Dataset.objects.filter(source=source).exclude(fingerprint="").values_list("path", "fingerprint")
    return {tuple(path): fingerprint for path, fingerprint in rows.iterator(chunk_size=10_000)}


def _progress(staged: Staged) -> list[dict[str, Any]]:
    return [{"path": list(path), **dataclasses.asdict(schema)} for path, schema in sorted(staged.schemas.items())]


def _totals(staged: Staged) -> dict[str, Any]:
    return {"datasets": staged.datasets, "unchanged": staged.unchanged, "listed": staged.listed}


def staged_of(run: Run) -> Staged | None:
    """What this run has staged already: the reading of a plan that a person has let pass."""
    totals = run.plan.get("staged") if run.plan else None
    if totals is None:
        return None
    schemas = {
        tuple(entry["path"]): SchemaProgress(
            expected=entry["expected"],
            datasets=entry["datasets"],
            complete=entry["complete"],
            reason=entry["reason"],
        )
        for entry in run.schemas
    }
    return Staged(datasets=totals["datasets"], unchanged=totals["unchanged"], listed=totals["listed"], schemas=schemas)


def _summary(plan: Plan) -> str:
    parts = [
        f"{count} {word}"
        for count, word in (
            (plan.added, "added"),
            (plan.changed, "changed"),
            (plan.returned, "back again"),
            (plan.gone, "gone"),
            (plan.unchanged, "unchanged"),
        )
        if count
    ]
    return ", ".join(parts) or "no datasets"


def _result(plan: Plan, staged: Staged, elsewhere: int) -> str:
    told = f"{_summary(dataclasses.replace(plan, added=plan.added - elsewhere))}."
    if staged.failed:
        names = ", ".join(".".join(path) for path in sorted(staged.failed)[:5])
        more = f" and {len(staged.failed) - 5} more" if len(staged.failed) > 5 else ""
        told += f" Not read: {names}{more}; nothing there was changed."
    if elsewhere:
        told += f" {elsewhere} belong to another source already and stay there."
    return told[:1].upper() + told[1:]
