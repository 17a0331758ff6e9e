"""How far the organisation came."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from classification.coverage import TREND_DAYS, coverage_by, coverage_of_all, recent_shares, trend
from classification.models import CoverageDay
from common.components import Column, Tab
from common.errors import Invalid
from common.templatetags.live import percent

By = CoverageDay.By
_PARTS = (By.SOURCE, By.DOMAIN, By.OWNER)


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    """Coverage of what the reader sees and its trend, by source, domain or owner (`?by=`)."""
    principal = principal_of(request)
    by = request.GET.get("by", By.SOURCE.value)
    if by not in [part.value for part in _PARTS]:
        raise Invalid("by is source, domain or owner.", {"by": ["source, domain or owner"]})
    whole = coverage_of_all(principal)
    figures = [
        ("Columns", whole.columns),
        ("Decided", whole.decided),
        ("Suggested", whole.suggested),
        ("Nothing found", whole.clear),
        ("Not looked at", whole.undecided),
    ]
    shares = recent_shares(principal, By(by))
    return render(
        request,
        "classification/coverage.html",
        {
            "figures": figures,
            "parts": [(one, *_drawn(shares.get(one.subject[:200], []))) for one in coverage_by(principal, By(by))],
            "by": By(by).label,
            "tabs": [Tab(part.label, f"?by={part}", current=part == by) for part in _PARTS],
            "columns": [Column(By(by).label)]
            + [
                Column(label, align="end")
                for label in ("Columns", "Decided", "Suggested", "Nothing found", "Not looked at", "Done")
            ]
            + [Column("Trend")],
            "trend": trend(principal),
        },
    )


def _drawn(shares: list[float]) -> tuple[list[float], str]:
    """What a small plot draws, and says to who does not see it."""
    if len(shares) < 2:
        return [], "No trend yet"
    return shares, f"Done within {TREND_DAYS} days: from {percent(shares[0])} to {percent(shares[-1])}"
