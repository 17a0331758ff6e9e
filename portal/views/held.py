"""Where do we hold such data, who owns it, and who has a grant to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from classification.queries import levels
from common.components import Column, Tab
from portal.held import GROUPS, exported, group_of, held_of


@require_safe
def held(request: HttpRequest, group: str = "special") -> HttpResponse:
    """Datasets that hold data of a group of categories, or of one category, as far as the reader sees them."""
    principal = principal_of(request)
    shown, categories = group_of(group)
    rows, page = held_of(principal, categories, cursor=request.GET.get("cursor"))
    return render(
        request,
        "portal/held.html",
        {
            "group": shown,
            "categories": categories,
            "rows": rows,
            "page": page,
            "tabs": [
                Tab(one.name, reverse("portal:held", args=[one.slug]), current=one.slug == group)
                for one in GROUPS.values()
            ],
            "table": [Column("Dataset"), Column("Columns"), Column("Owners"), Column("Grants in the catalog")],
            "of": len(levels()),
        },
    )


@require_safe
def held_file(request: HttpRequest, group: str) -> HttpResponseBase:
    """The same as a CSV file, a column a line."""
    shown, categories = group_of(group)
    lines = exported(principal_of(request), categories)
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="held-{shown.slug}.csv"'
    return answer
