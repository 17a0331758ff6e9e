"""Search: the page, the suggestions under the box, and the export of what was found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.db.models import F
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from catalog.filters import Narrowing
from catalog.models import Dataset, Tier
from catalog.queries.facets import facets_of
from catalog.queries.search import listed, matching, search, understood
from classification.queries import levels_by_rank
from common.pagination import page_size
from common.spreadsheets import csv_response
from ingestion.queries import sources_called
from portal.results import facet_groups, results_of, suggestion_of

SUGGESTIONS = 8
SORTS = (("", "Best match"), ("name", "Name"), ("-changed", "Last changed"))
_BOX = re.compile(r"[a-z][a-z0-9-]{0,30}")


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """What matches, best first, with facets; every dataset by name without a query."""
    principal = principal_of(request)
    narrowing = Narrowing(request.GET)
    found = search(
        principal=principal,
        text=request.GET.get("q", ""),
        narrowing=narrowing,
        cursor=request.GET.get("cursor"),
        size=page_size(request, 25),
        sort=request.GET.get("sort", ""),
    )
    levels = levels_by_rank()
    counted = facets_of(principal=principal, wanted=found.wanted, narrowing=narrowing, matched=found.matched)
    return render(
        request,
        "portal/search.html",
        {
            "query": found.wanted.text if found.wanted else "",
            "wanted": found.wanted,
            "page": found.page,
            "sources": sources_called(principal, found.wanted.text) if found.wanted and not narrowing.chosen else [],
            "results": results_of(found.page.rows, levels=levels, wanted=found.wanted, columns=found.columns),
            "facets": facet_groups(counted, levels, narrowing),
            "counted": counted,
            "narrowed": bool(narrowing.chosen),
            "export_query": request.GET.urlencode(),
        },
    )


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """At most eight lines under a search box, as a fragment; nothing for an empty box."""
    principal = principal_of(request)
    text = request.GET.get("q", "")
    box = request.GET.get("box", "search")
    suggestions = []
    if text.strip():
        found = search(principal=principal, text=text[:200], narrowing=Narrowing({}), size=SUGGESTIONS)
        suggestions = [suggestion_of(row, found.columns.get(row.pk, ())) for row in found.page.rows]
    box = box if _BOX.fullmatch(box) else "search"
    return render(request, "components/_suggestions.html", {"suggestions": suggestions, "box": box})


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The visible results as CSV, streamed; cells that a spreadsheet would run as formulas begin with an apostrophe."""
    principal = principal_of(request)
    narrowing = Narrowing(request.GET)
    wanted = understood(request.GET.get("q", ""))
    if wanted is None:
        rows = listed(principal, narrowing).order_by(Lower("name"), "id")
    else:
        rows = matching(principal, narrowing, wanted).order_by(F("score").desc(), "id")
    levels = {rank: level.name for rank, level in levels_by_rank().items()}
    name = f"datasets-{timezone.now():%Y-%m-%d}.csv"
    return csv_response(name, _HEAD, _cells(rows.iterator(chunk_size=1000), levels))


_HEAD = (
    "id",
    "namespace",
    "name",
    "kind",
    "system",
    "source",
    "domain",
    "level",
    "owners",
    "tags",
    "description",
    "gone_since",
)


def _cells(rows: Iterator[Dataset], levels: dict[int, str]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        system = row.source.system if row.source else None
        readable = row.tier >= Tier.METADATA
        yield (
            row.pk,
            row.namespace,
            row.qualified_name,
            row.kind,
            system.name if system else "",
            row.source.name if row.source else "",
            row.domain.name if row.domain else "",
            levels.get(row.level or 0, ""),
            "; ".join(row.owner_names),
            "; ".join(row.tag_names),
            (row.description or row.comment) if readable else "",
            row.gone_since.isoformat() if row.gone_since else "",
        )
