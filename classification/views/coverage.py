"""How far the organisation came."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from classification.coverage import coverage_by, coverage_of_all, trend
from classification.models import CoverageDay
from classification.permissions import can_edit_rules
from common.components import Column, Tab
from common.errors import Invalid

By = CoverageDay.By
_PARTS = (By.SOURCE, By.DOMAIN, By.OWNER)


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    """Coverage of what the reader sees, by source, domain or owner (`?by=`); its trend is shown to administrators, for it
    counts everything."""
    principal = principal_of(request)
    by = request.GET.get("by", By.SOURCE.value)
    if by not in [part.value for part in _PARTS]:
        raise Invalid("by is source, domain or owner.", {"by": ["source, domain or owner"]})
    whole = coverage_of_all(principal)
    shares = [
        ("Decided", whole.decided),
        ("Suggested", whole.suggested),
        ("Nothing found", whole.clear),
        ("Not looked at", whole.undecided),
    ]
    return render(
        request,
        "classification/coverage.html",
        {
            "whole": whole,
            "shares": shares,
            "parts": coverage_by(principal, By(by)),
            "by": By(by).label,
            "tabs": [Tab(part.label, f"?by={part}", current=part == by) for part in _PARTS],
            "columns": [Column(By(by).label)]
            + [
                Column(label, align="end")
                for label in ("Columns", "Decided", "Suggested", "Nothing found", "Not looked at", "Done")
            ],
            "trend": trend() if can_edit_rules(principal) else [],
        },
    )
