"""Pages of sources and their runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.permissions import can_see_enforcement
from accounts.authentication import principal_of
from accounts.models import Principal
from audit.events import Subject
from audit.feed import feed
from audit.queries import activity_of
from catalog.actions import edit_source
from catalog.models import Source
from catalog.permissions import can_edit_source, check_can_edit_source
from catalog.queries.tree import dataset_counts
from catalog.visibility import told_of_no_domain
from common.components import Column, Crumb, LogLine, Tab, TreeNode
from common.errors import CatalogError, Conflict, Invalid
from common.pagination import page_of, page_size
from connections.permissions import can_manage_connections, check_can_manage_connections
from connections.platforms import Platform
from ingestion.actions import cancel_run, confirm_plan, cron_of, request_crawl, set_schedule
from ingestion.forms import ConnectionForm, NewSourceForm, ScheduleForm, SourceForm
from ingestion.models import SAMPLING, Run, RunState
from ingestion.permissions import can_crawl_source, can_see_runs_of, check_can_see_runs_of
from ingestion.queries import (
    durations_of,
    in_words,
    next_times,
    run_for,
    runs_for,
    schedule_of,
    schemas_for,
    source_for,
    sources_for,
)
from ingestion.sources import (
    add_crawled_source,
    change_source_connection,
    check_source,
    grants_of,
)
from ingestion.tasks import crawl

_SOURCE_COLUMNS = [
    Column("Source"),
    Column("Platform"),
    Column("System"),
    Column("Domain"),
    Column("Frequency"),
    Column("Datasets", align="end"),
    Column("Last crawl"),
]
_OF_RIGHTS = Q(record__event__startswith="access.") | Q(record__event__startswith="connections.")
"""Records about rights and logins in a source, and about the account that reads it."""
_RUN_COLUMNS = [
    Column("Run"),
    Column("Source"),
    Column("State"),
    Column("Asked for"),
    Column("Started"),
    Column("Took", align="end"),
    Column("Datasets", align="end"),
]


@require_GET
def source_list(request: HttpRequest) -> HttpResponse:
    by = principal_of(request)
    page = page_of(sources_for(by), order=("name",), cursor=request.GET.get("cursor"), size=page_size(request))
    counts = dataset_counts(by, page.rows)
    rows = [(source, counts.get(source.pk, 0)) for source in page.rows]
    context = {"page": page, "rows": rows, "columns": _SOURCE_COLUMNS, "can_add": can_edit_source(by, None)}
    return render(request, "ingestion/source_list.html", context)


@require_http_methods(["GET", "POST"])
def source_add(request: HttpRequest) -> HttpResponse:
    by = principal_of(request)
    check_can_edit_source(by, None)
    form = NewSourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            source = add_crawled_source(address=form.address(), by=by, **form.values())
        except CatalogError as error:
            _show(form, error)
        else:
            messages.success(request, f"{source} was added. Test the connection, then crawl it.")
            if source.domain is None:
                messages.warning(request, f"{told_of_no_domain()} Edit the source to choose one.")
            return redirect("ingestion:source", slug=source.slug)
    context = {"form": form, "crumbs": [Crumb("Sources", reverse("ingestion:source_list")), Crumb("Add")]}
    return render(request, "ingestion/source_add.html", context, status=422 if form.errors else 200)


def _show(form: Any, error: CatalogError) -> None:
    """Put an action's sentences where the form's fields are."""
    fields = error.fields if isinstance(error, Invalid) else {}
    for name, texts in fields.items():
        form.add_error(
            {"host": "url", "path": "url", "slug": "name"}.get(name, name if name in form.fields else None),
            texts,
        )
    if not fields:
        form.add_error(None, error.message)


@require_GET
def source_detail(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    source = source_for(by, slug)
    schedule = schedule_of(source)
    sees_runs = can_see_runs_of(by, source)
    schemas = [
        TreeNode(
            label=".".join(schema.path) or "(no schema)",
            kind="schema",
            count=count,
            note="gone" if schema.gone_since else "",
            href=f"{reverse('portal:search')}?source={source.slug}&schema={schema.pk}",
        )
        for schema, count in schemas_for(by, source)[:500]
    ]
    context = {
        "source": source,
        "tabs": _tabs(by, source, "overview"),
        "crumbs": _crumbs(source),
        "schemas": schemas,
        "dataset_count": dataset_counts(by, [source]).get(source.pk, 0),
        "sees_runs": sees_runs,
        "schedule": schedule,
        "schedule_words": in_words(cron_of(schedule) or "") if schedule else "",
        "next_times": next_times(schedule) if schedule and schedule.periodic_task.enabled else [],
        "runs": runs_for(by).filter(source=source).order_by("-id")[:10] if sees_runs else [],
        "run_columns": _RUN_COLUMNS,
        "durations": durations_of(source) if sees_runs else [],
        "can_crawl": can_crawl_source(by, source),
        "can_edit": can_edit_source(by, source),
        "can_see_enforcement": can_see_enforcement(by, source),
    }
    return render(request, "ingestion/source.html", context)


def _crumbs(source: Any, *rest: Crumb) -> list[Crumb]:
    own = reverse("ingestion:source", args=[source.slug])
    return [
        Crumb("Sources", reverse("ingestion:source_list")),
        Crumb(source.name, own if rest else ""),
        *rest,
    ]


def _tabs(by: Principal, source: Source, current: str) -> list[Tab]:
    return [
        Tab(label, reverse(f"ingestion:{view}", args=[source.slug]), current=name == current, icon=icon)
        for name, label, view, icon in (
            ("overview", "Overview", "source", "server"),
            ("connection", "Connection", "source_connection", "plug-connected"),
            ("activity", "Activity", "source_activity", "history"),
        )
        if name != "activity" or can_see_runs_of(by, source)
    ]


@require_GET
def source_activity(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    source = source_for(by, slug)
    check_can_see_runs_of(by, source)
    hidden = Q() if can_see_enforcement(by, source) else _OF_RIGHTS
    told, page = activity_of(Subject("source", source.pk), hidden=hidden, cursor=request.GET.get("cursor"))
    context = {
        "source": source,
        "tabs": _tabs(by, source, "activity"),
        "crumbs": _crumbs(source),
        "items": feed(told),
        "page": page,
    }
    return render(request, "ingestion/source_activity.html", context)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


@require_http_methods(["GET", "POST"])
def source_connection(request: HttpRequest, slug: str) -> HttpResponse:
    """How the source is reached, and whether it answers: POST tests it, within five seconds."""
    by = principal_of(request)
    source = source_for(by, slug)
    check_can_edit_source(by, source)
    check = None
    grants: tuple[str, ...] = ()
    problem = ""
    if source.connection is not None:
        try:
            check = check_source(source) if request.method == "POST" else None
            grants = grants_of(source)
        except CatalogError as error:
            problem = error.message
    context = {
        "source": source,
        "tabs": _tabs(by, source, "connection"),
        "crumbs": _crumbs(source),
        "check": check,
        "grants": "\n".join(grants),
        "problem": problem,
        "can_change": can_manage_connections(by) and source.platform in set(Platform),
    }
    return render(request, "ingestion/source_connection.html", context)


@require_http_methods(["GET", "POST"])
def connection_edit(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    source = source_for(by, slug)
    check_can_manage_connections(by)
    form = ConnectionForm(request.POST or None, connection=source.connection, namespace=source.namespace)
    if request.method == "POST" and form.is_valid():
        values = {"tls_ca": form.cleaned_data["tls_ca"], "unchecked": form.cleaned_data["unchecked"]}
        try:
            changed = change_source_connection(source=source, address=form.address(), by=by, **values)
        except CatalogError as error:
            _show(form, error)
        else:
            found = changed.check.reason if changed.check else "It was not tested."
            messages.success(request, f"The connection was saved. {found}")
            for text in changed.told:
                messages.warning(request, text)
            return redirect("ingestion:source_connection", slug=slug)
    above = Crumb("Connection", reverse("ingestion:source_connection", args=[slug]))
    verb = "Change" if source.connection else "Set up"
    context = {"form": form, "source": source, "verb": verb, "crumbs": _crumbs(source, above, Crumb(verb))}
    return render(request, "ingestion/connection_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    source = source_for(by, slug)
    check_can_edit_source(by, source)
    form = SourceForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        try:
            edit_source(source=source, changes=form.values(), by=by)
        except CatalogError as error:
            _show(form, error)
        else:
            messages.success(request, "Saved. The next crawl reads with these patterns.")
            return redirect("ingestion:source", slug=slug)
    context = {"form": form, "source": source, "crumbs": _crumbs(source, Crumb("Edit"))}
    return render(request, "ingestion/source_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def source_schedule(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    source = source_for(by, slug)
    check_can_edit_source(by, source)
    schedule = schedule_of(source)
    initial = {
        "cron": cron_of(schedule) or "0 3 * * *",
        "enabled": schedule.periodic_task.enabled if schedule else True,
    }
    form = ScheduleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            set_schedule(source=source, by=by, **form.cleaned_data)
        except CatalogError as error:
            _show(form, error)
        else:
            messages.success(
                request,
                "The schedule was saved." if form.cleaned_data["cron"] else "The schedule was removed.",
            )
            return redirect("ingestion:source", slug=slug)
    context = {"form": form, "source": source, "crumbs": _crumbs(source, Crumb("Schedule"))}
    return render(request, "ingestion/source_schedule.html", context, status=422 if form.errors else 200)


@require_POST
def source_crawl(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    source = source_for(by, slug)
    run = request_crawl(source=source, by=by, dry_run=request.POST.get("dry_run") == "1")
    transaction.on_commit(lambda: send(run))
    return redirect("ingestion:run", run_id=run.pk)


def send(run: Run) -> None:
    """Hand a queued run to the workers; where the broker is away, the sweep does it as soon as it is back."""
    try:
        crawl.delay(run.pk)
    except Exception:
        return


@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    by = principal_of(request)
    runs = runs_for(by)
    state = request.GET.get("state", "")
    if state in RunState.values:
        runs = runs.filter(state=state)
    page = page_of(runs, order=("-id",), cursor=request.GET.get("cursor"), size=page_size(request))
    context = {"page": page, "columns": _RUN_COLUMNS, "state": state, "states": RunState.choices}
    return render(request, "ingestion/run_list.html", context)


@require_GET
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    """A run, alive: the same block is polled every second while it is open."""
    by = principal_of(request)
    run = run_for(by, run_id)
    template = "ingestion/_run.html" if request.headers.get("HX-Request") else "ingestion/run.html"
    return render(request, template, _run_context(run, can_crawl_source(by, run.source)))


def _run_context(run: Run, can_act: bool) -> dict[str, Any]:
    lines = [LogLine(line.at, line.text, line.severity) for line in reversed(run.log.order_by("-id")[:300])]  # type: ignore[arg-type]
    # Nothing left to read is no promise that the rest takes no time.
    left = run.seconds_left or None
    return {
        "run": run,
        "can_act": can_act,
        "lines": lines,
        "schemas": [_schema_node(entry) for entry in run.schemas[:500]],
        "left": dt.timedelta(seconds=left) if left is not None else None,
        "plan": _plan(run),
        "crumbs": [Crumb("Crawls", reverse("ingestion:run_list")), Crumb(f"Run {run.pk}")],
    }


def _schema_node(entry: dict[str, Any]) -> TreeNode:
    expected = entry["expected"]
    note = entry["reason"] or ("read" if entry["complete"] else f"of {expected}" if expected is not None else "")
    return TreeNode(label=".".join(entry["path"]) or "(no schema)", kind="schema", count=entry["datasets"], note=note)


def _plan(run: Run) -> list[dict[str, Any]]:
    """The plan as groups with their counts and the names of the first of each."""
    samples = run.plan.get("samples", {})
    words = {"added": "Added", "changed": "Changed", "returned": "Back again", "gone": "Gone"}
    return [
        {"name": name, "label": label, "count": run.plan[name], "names": samples.get(name, [])}
        for name, label in words.items()
        if run.plan.get(name)
    ]


@require_http_methods(["GET", "POST"])
def run_cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    by = principal_of(request)
    run = run_for(by, run_id)
    if request.method == "POST":
        try:
            cancel_run(run=run, by=by)
        except Conflict as ended:
            messages.info(request, f"There was nothing to cancel. {ended.message}")
        return redirect("ingestion:run", run_id=run.pk)
    applied = run.phase == SAMPLING
    dropped = "What it has read is dropped. The catalog stays as it is."
    context = {
        "title": f"Cancel run {run.pk} of {run.source}?",
        "text": "What was applied and sampled so far stays." if applied else dropped,
        "confirm_label": "Cancel the run",
        "danger": True,
        "cancel_url": reverse("ingestion:run", args=[run.pk]),
    }
    return render(request, "components/confirm_page.html", context)


@require_http_methods(["GET", "POST"])
def run_confirm(request: HttpRequest, run_id: int) -> HttpResponse:
    by = principal_of(request)
    run = run_for(by, run_id)
    if request.method == "POST":
        try:
            run = confirm_plan(run=run, by=by)
            transaction.on_commit(lambda: send(run))
        except Conflict as decided:
            messages.info(request, f"There was nothing to confirm. {decided.message}")
        return redirect("ingestion:run", run_id=run.pk)
    context = {
        "title": f"Apply the plan of run {run.pk}?",
        "text": run.message,
        "confirm_label": "Apply the plan",
        "danger": True,
        "cancel_url": reverse("ingestion:run", args=[run.pk]),
    }
    return render(request, "components/confirm_page.html", context)
