"""Pages of jobs and runs."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from common.components import Column, Crumb, Tab
from common.pagination import page_of, page_over, page_size
from lineage import reading, rejections
from lineage.attention import jobs_by_attention, runs_in_order
from lineage.filters import JobFilter, RejectedEventFilter, RunFilter, narrowed
from lineage.models import Direction, Job, RejectedEvent, Run
from lineage.reading import Facet, Use, Uses
from lineage.timeline import bars_of, gantt_of

_JOB_COLUMNS = [
    Column("Job"), Column("Namespace"), Column("Latest run"), Column("Began"), Column("Last heard of"),
]  # fmt: skip
_RUN_COLUMNS = [Column("Run"), Column("State"), Column("Began"), Column("Took", align="end")]
_ALL_RUN_COLUMNS = [
    Column("Job"), Column("Namespace"), Column("State"), Column("Began"), Column("Took", align="end"),
]  # fmt: skip
_REJECTED_COLUMNS = [Column("Came"), Column("Token"), Column("Answer"), Column("Reason"), Column("What came")]
_TEST_COLUMNS = [Column("Test"), Column("Outcome"), Column("Kind"), Column("Expected"), Column("Found")]
_PLOTTED = 50


@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    filters = JobFilter(request.GET, queryset=Job.objects.visible_to(principal_of(request)).listed().with_overdue(now))
    stretches = jobs_by_attention(narrowed(filters), now)
    page = page_over(stretches, cursor=request.GET.get("cursor"), size=page_size(request))
    context = {
        "page": page,
        "filters": filters.form,
        "columns": _JOB_COLUMNS,
        "narrowed": filters.form.has_changed(),
        "tabs": _tabs("jobs"),
    }
    return render(request, "lineage/job_list.html", context)


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs of all jobs: what needs somebody first, or, where they are narrowed to a state or job, the latest first."""
    principal, now = principal_of(request), timezone.now()
    runs = Run.objects.visible_to(principal).with_overdue(now).select_related("job")
    filters = RunFilter(request.GET, queryset=runs)
    narrow = narrowed(filters)
    asked = filters.form.cleaned_data
    latest = request.GET.get("order") == "latest" or bool(asked["state"] or asked["job"] or asked["parent"])
    page = page_over(
        runs_in_order(narrow, "latest" if latest else "attention", now),
        cursor=request.GET.get("cursor"),
        size=page_size(request),
    )
    context = {
        "page": page,
        "filters": filters.form,
        "asked": asked,
        "latest": latest,
        "columns": _ALL_RUN_COLUMNS,
        "narrowed": filters.form.has_changed(),
        "tabs": _tabs("runs"),
    }
    return render(request, "lineage/run_list.html", context)


@require_safe
def job_page(request: HttpRequest, job_id: int) -> HttpResponse:
    principal, now = principal_of(request), timezone.now()
    job = reading.visible_job(principal, job_id)
    of_job = Run.objects.filter(job=job).with_overdue(now)
    filters = RunFilter({"state": request.GET.get("state", "")}, queryset=of_job)
    runs = narrowed(filters)
    page = page_of(runs, order=("-began_at", "-id"), cursor=request.GET.get("cursor"), size=page_size(request, 25))
    latest = list(of_job.order_by("-began_at", "-id")[:_PLOTTED])
    readable = reading.may_read_code(principal, job)
    facets = reading.job_facets(job) if readable else []
    context = {
        "job": job,
        "crumbs": [Crumb("Jobs", "/jobs/"), Crumb(job.name)],
        "page": page,
        "columns": _RUN_COLUMNS,
        "filters": filters.form,
        "narrowed": filters.form.has_changed(),
        "timeline": bars_of(latest[::-1], now),
        "may_read_code": readable,
        "sql": reading.facet_value(facets, "sql", "query"),
        "description": reading.facet_value(facets, "documentation", "description"),
        "facets": _shown(facets),
        "waiting": reading.waiting_of(principal, job),
        **_by_direction(reading.uses_of_job(principal, job)),
    }
    return render(request, "lineage/job.html", context)


@require_safe
def run_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    principal, now = principal_of(request), timezone.now()
    run = reading.visible_run(principal, run_id)
    readable = reading.may_read_run(principal, run)
    facets = reading.run_facets(run) if readable else []
    uses = reading.uses_of_run(principal, run)
    family = reading.family_of(principal, run, now)
    context = {
        "run": run,
        "crumbs": [Crumb("Jobs", "/jobs/"), Crumb(run.job.name, f"/jobs/{run.job_id}/"), Crumb(f"Run {run.pk}")],
        "parent": family.runs.get(run.parent) if run.parent else None,
        "family": family,
        "gantt": gantt_of(family.parents, family.root, family.runs, now, unheard=family.unheard),
        "may_read_code": readable,
        "error": reading.error_of(facets),
        "circumstances": reading.circumstances_of(facets),
        "tests": reading.tests_of(facets),
        "test_columns": _TEST_COLUMNS,
        "facets": _shown(facets),
        "use_facets": _shown_uses(run, uses) if readable else [],
        "events": [(event, _indented(told)) for event, told in reading.events_of_run(principal, run)]
        if readable
        else [],
        **_by_direction(uses),
    }
    return render(request, "lineage/run.html", context)


def _tabs(current: str) -> list[Tab]:
    return [
        Tab("Jobs", reverse("lineage:job_list"), current == "jobs", icon="route"),
        Tab("Runs", reverse("lineage:run_list"), current == "runs", icon="player-play"),
    ]


@require_safe
def rejected_events(request: HttpRequest) -> HttpResponse:
    """What the intake refused of one's own tokens, newest first; administrators see everybody's."""
    principal = principal_of(request)
    events = RejectedEvent.objects.visible_to(principal).select_related("token__principal__user")
    filters = RejectedEventFilter(request.GET, queryset=events)
    page = page_of(narrowed(filters), order=("-id",), cursor=request.GET.get("cursor"), size=page_size(request, 25))
    context = {
        "page": page,
        "crumbs": [Crumb("Jobs", "/jobs/"), Crumb("Rejected events")],
        "columns": _REJECTED_COLUMNS,
        "narrowed": filters.form.has_changed(),
        "days": rejections.KEPT_DAYS,
        "most": rejections.KEPT_OF_A_TOKEN,
    }
    return render(request, "lineage/rejected.html", context)


def _by_direction(uses: Uses) -> dict[str, Any]:
    return {
        "inputs": [use for use in uses.told if use.direction == Direction.INPUT],
        "outputs": [use for use in uses.told if use.direction == Direction.OUTPUT],
        "withholds": uses.withholds,
    }


def _shown(facets: list[Facet]) -> list[tuple[str, str]]:
    return [(facet.name, _indented(facet.value)) for facet in facets]


def _shown_uses(run: Run, uses: Uses) -> list[tuple[Use, list[tuple[str, str]]]]:
    """What the run says of each reading and writing of a dataset that the reader knows."""
    told = reading.use_facets(run)
    return [
        (use, _shown(told[use.direction, use.dataset.pk]))
        for use in uses.told
        if use.dataset is not None and (use.direction, use.dataset.pk) in told
    ]


def _indented(event: Any) -> str:
    return json.dumps(event, indent=2, ensure_ascii=False)
