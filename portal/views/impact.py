"""What depends on a dataset, and what a planned change of it or of a column would do: a page and a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from catalog.models import Dataset, Tier
from catalog.queries.datasets import fields_of, visible_dataset
from common.components import Column, Crumb
from common.errors import Invalid
from common.spreadsheets import csv_response
from lineage.impact import Change, Effect
from portal.impact import ImpactReport, ImpactRow, impact_report

SHOWN = 500
"""Datasets on a page; the file has them all."""

CHANGES = ((Change.DROP, "Drop"), (Change.RENAME, "Rename"), (Change.RETYPE, "Change the type"))
_COLUMNS = [
    Column("Dataset"), Column("Effect"), Column("Columns"), Column("Level"), Column("Owners"), Column("Through"),
    Column("Open grants", align="end"),
]  # fmt: skip
_HEAD = (
    "distance", "effect", "namespace", "dataset", "column", "column_effect", "masked", "level", "owners", "jobs",
    "open_grants",
)  # fmt: skip


class _ImpactForm(forms.Form):
    column = forms.CharField(max_length=1024, required=False, strip=False)
    change = forms.ChoiceField(choices=CHANGES, required=False)


def planned(query: QueryDict) -> dict[str, Any]:
    """`?column=email&change=drop` as keyword arguments of `impact_report`; raises `Invalid` for other values."""
    form = _ImpactForm(query)
    if not form.is_valid():
        errors = {name: [str(text) for text in texts] for name, texts in form.errors.items()}
        raise Invalid("Give a column by its path, and drop, rename or retype.", errors)
    change = form.cleaned_data["change"]
    return {"column": form.cleaned_data["column"], "change": Change(change) if change else None}


@require_safe
def impact_page(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """The verdict in a sentence, and what is reached, grouped by how far it is."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    asked = planned(request.GET)
    report = impact_report(principal, dataset, **asked)
    shown = ImpactReport(report.impact, report.rows[:SHOWN], report.grants)
    context = {
        "dataset": dataset,
        "crumbs": [
            Crumb(dataset.name, reverse("portal:dataset", args=[dataset.pk])),
            Crumb("Lineage", reverse("portal:dataset_tab", args=[dataset.pk, "lineage"])),
            Crumb("Impact"),
        ],
        "columns": _COLUMNS,
        "fields": _choices(dataset, asked["column"]),
        "changes": CHANGES,
        "asked": asked,
        "report": report,
        "groups": list(shown.by_distance()),
        "more": len(report.rows) - len(shown.rows),
        "breaks": Effect.BREAKS,
        "query": request.GET.urlencode(),
    }
    return render(request, "portal/impact.html", context)


@require_safe
def impact_file(request: HttpRequest, dataset_id: int) -> StreamingHttpResponse:
    """All of it as CSV, a line for each column that is reached; cells that would run as formulas begin with an apostrophe."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    report = impact_report(principal, dataset, **planned(request.GET))
    return csv_response(f"impact-{dataset.pk}-{timezone.now():%Y-%m-%d}.csv", _HEAD, _cells(report))


def _choices(dataset: Dataset, chosen: str) -> list[str]:
    names = [str(field) for field in fields_of(dataset)]
    return names if not chosen or chosen in names else [*names, chosen]


def _cells(report: ImpactReport) -> Iterator[tuple[object, ...]]:
    for row in report.rows:
        reached = row.reached
        named = reached.name if reached.dataset_id is not None else "a dataset you may not see"
        before = (reached.distance, reached.effect.value, reached.namespace, named)
        for column in reached.columns:
            yield *before, column.name, column.effect.value, "yes" if column.masked else "no", *_after(row)
        if not reached.columns:
            yield *before, "", "", "", *_after(row)


def _after(row: ImpactRow) -> tuple[object, ...]:
    level = row.level.name if row.level else ""
    return level, "; ".join(row.reached.owners), "; ".join(job.name for job in row.jobs), row.grants
