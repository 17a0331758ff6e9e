"""What the lineage explorer asks for beside its tab: pictures, columns, panels (pages without JavaScript) and the file."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.authentication import principal_of
from catalog.filters import Narrowing
from catalog.models import Dataset, Tier
from catalog.queries.datasets import visible_dataset
from catalog.queries.search import search
from classification.queries import levels_by_rank
from common.components import Column, Crumb, Suggestion
from common.errors import Invalid
from common.spreadsheets import csv_response
from lineage.exploring import Asked, ColumnAsked, asked_of, explore
from lineage.exploring.columns import ColumnPage, columns_page
from lineage.exploring.connection import connection_between
from lineage.queries import Slice, datasets_among
from portal.explorer import CSV_HEAD, Explorer, column_text
from portal.results import place_of

_SUGGESTIONS = 8
_STEP_COLUMNS = [Column("From"), Column("To"), Column("How"), Column("Description")]


class _ColumnsForm(forms.Form):
    q = forms.CharField(max_length=200, required=False)
    columns = forms.IntegerField(min_value=1, max_value=100_000, required=False)


def _searched(query: QueryDict) -> tuple[str, int]:
    form = _ColumnsForm(query)
    if not form.is_valid():
        raise Invalid(
            "The columns cannot be shown so.", {name: [str(t) for t in ts] for name, ts in form.errors.items()}
        )
    return form.cleaned_data["q"], form.cleaned_data["columns"] or 1


def explorer_tab(request: HttpRequest, dataset: Dataset) -> dict[str, Any]:
    """The context of the dataset page's Lineage tab; raises `Invalid` for an address that cannot be read."""
    asked = asked_of(request.GET)
    explorer = Explorer(explore(principal_of(request), dataset, asked))
    return {"explorer": explorer, "candidates": _candidates(request, dataset, asked) if asked.find else []}


@require_safe
def picture(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """The picture for a state, as the tab's address has it, and what the page says of it."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    explorer = Explorer(explore(principal, dataset, asked_of(request.GET)))
    told = render_to_string("lineage/explorer/_told.html", {"explorer": explorer}, request)
    body = {**explorer.picture.as_json(), "told": told.strip()}
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


@require_safe
def columns(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """Ten columns of a dataset: `?q=mail&columns=2`, the second page of those whose path holds "mail"."""
    dataset = visible_dataset(principal_of(request), dataset_id, tier=Tier.METADATA)
    text, page = _searched(request.GET)
    found = columns_page(dataset, text=text, page=page)
    body = {"columns": found.columns, "page": found.page, "pages": found.pages, "total": found.total}
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


@require_safe
@vary_on_headers("HX-Request")
def node(request: HttpRequest, dataset_id: int, node_id: int) -> HttpResponse:
    """A dataset of the picture: who answers for it, its level, how fresh it is, its columns."""
    principal = principal_of(request)
    focus = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    shown = visible_dataset(principal, node_id)
    text, page = _searched(request.GET)
    asked, by_rank = _given(request.GET), levels_by_rank()
    found = columns_page(shown, text=text, page=page) if shown.tier >= Tier.METADATA else None
    context = {
        "focus": focus,
        "node": shown,
        "place": place_of(shown),
        "level": by_rank.get(shown.level or 0),
        "found": found,
        "columns": [
            (one, by_rank.get(one.level or 0), asked.query(column=ColumnAsked(shown.pk, one.name), view="picture"))
            for one in (found.columns if found else ())
        ],
        "q": text,
        "pages": _pages(found, asked, text) if found else [],
        "state": parse_qsl(asked.query()),
        "crumbs": _crumbs(focus, shown.name),
        "title": shown.name,
        "body": "lineage/explorer/_node.html",
    }
    return _panel(request, context)


@require_safe
@vary_on_headers("HX-Request")
def connection(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """What is behind a line of the picture: `?source=12&target=15`, the keys of its ends."""
    principal = principal_of(request)
    focus = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    asked = _given(request.GET)
    told = connection_between(
        principal, focus, request.GET.get("source", ""), request.GET.get("target", ""), slice_=Slice(as_of=asked.as_of)
    )
    title = " to ".join(end.name if end else "hidden dataset" for end in (told.source, told.target))
    context = {
        "focus": focus,
        "connection": told,
        "makers": [
            (maker, [(column_text(step.source), column_text(step.target), step) for step in maker.columns])
            for maker in told.makers
        ],
        "columns": _STEP_COLUMNS,
        "crumbs": _crumbs(focus, title),
        "title": title,
        "body": "lineage/explorer/_connection.html",
    }
    return _panel(request, context)


@require_safe
def targets(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """At most eight datasets that a path may lead to, as a fragment: `?find=orders`."""
    dataset = visible_dataset(principal_of(request), dataset_id, tier=Tier.METADATA)
    asked = asked_of(request.GET)
    found = _candidates(request, dataset, asked) if asked.find else []
    return render(request, "components/_suggestions.html", {"suggestions": found, "box": "lineage-path"})


@require_safe
def export(request: HttpRequest, dataset_id: int) -> StreamingHttpResponse:
    """What is shown, as CSV: a line for each job of a connection, and for each flow of the chosen column."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    explorer = Explorer(explore(principal, dataset, asked_of(request.GET)))
    known = datasets_among(int(one.key) for one in explorer.picture.nodes if not one.is_hidden).order_by()
    names = {
        str(pk): (namespace, name) for pk, namespace, name in known.values_list("pk", "namespace", "qualified_name")
    }
    return csv_response(f"lineage-{dataset.pk}-{timezone.now():%Y-%m-%d}.csv", CSV_HEAD, explorer.csv_rows(names))


def _pages(found: ColumnPage, asked: Asked, text: str) -> list[tuple[str, str]]:
    """The pages beside this one, by label and query."""
    beside = [("Back", found.page - 1), ("Next", found.page + 1)]
    return [
        (label, f"?{urlencode([*parse_qsl(asked.query()), ('q', text), ('columns', number)])}")
        for label, number in beside
        if 1 <= number <= found.pages
    ]


def _candidates(request: HttpRequest, dataset: Dataset, asked: Asked) -> list[Suggestion]:
    found = search(principal=principal_of(request), text=asked.find, narrowing=Narrowing({}), size=_SUGGESTIONS + 1)
    tab = reverse("portal:dataset_tab", args=[dataset.pk, "lineage"])
    return [
        Suggestion(row.name, f"{tab}?{asked.query(target=row.pk, find='')}", row.kind, place_of(row))
        for row in found.page.rows
        if row.pk != dataset.pk and row.tier >= Tier.METADATA
    ][:_SUGGESTIONS]


def _given(query: QueryDict) -> Asked:
    """The explorer's state that a panel is opened from, as far as the panel's address has it."""
    own = query.copy()
    for name in ("q", "columns", "source", "target"):
        own.pop(name, None)
    return asked_of(own)


def _crumbs(focus: Dataset, last: str) -> list[Crumb]:
    return [
        Crumb(focus.name, reverse("portal:dataset", args=[focus.pk])),
        Crumb("Lineage", reverse("portal:dataset_tab", args=[focus.pk, "lineage"])),
        Crumb(last),
    ]


def _panel(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The body alone for the explorer, a whole page for everybody else."""
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, context["body"] if fragment else "lineage/explorer/panel.html", context)
