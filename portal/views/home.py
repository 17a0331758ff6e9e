"""Home: a search box, what waits for the reader, what changed lately, and how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from access.inbox import waiting_list
from accounts.authentication import principal_of
from catalog.models import Dataset, Source
from catalog.permissions import can_edit_source
from classification.queries import levels_by_rank
from common.templatetags.formats import number
from ingestion.models import Run, RunState
from portal.results import results_of

if TYPE_CHECKING:
    from accounts.models import Principal

CAP = 10_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the catalog and the list behind it. Numbers past `CAP` say so."""

    label: str
    value: str
    href: str


RECENT = 8
WAITING = 8


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    visible = Dataset.objects.not_merged().visible_to(principal)
    recent = visible.with_tier(principal).select_related("source__system", "domain").defer("search", "definition")
    rows = list(recent.order_by("-changed_at", "-id")[:RECENT])
    cards = _cards(principal) if rows else []
    return render(
        request,
        "portal/home.html",
        {
            "waiting": waiting_list(principal, most=WAITING),
            "runs": _runs_waiting(principal),
            "recent": results_of(rows, levels=levels_by_rank()),
            "cards": cards,
            "is_empty": not rows,
        },
    )


def _runs_waiting(principal: Principal) -> list[Run]:
    """Crawls whose plan waits for a person, of the sources that the reader may edit."""
    waiting = Run.objects.filter(state=RunState.WAITING).select_related("source").order_by("-id")[:50]
    return [run for run in waiting if can_edit_source(principal, run.source)][:WAITING]


def _cards(principal: Principal) -> list[Figure]:
    present = Dataset.objects.standing().visible_to(principal)
    search = reverse("portal:search")
    return [
        Figure("Datasets", _capped(present), search),
        Figure("Sources", _capped(Source.objects.visible_to(principal)), reverse("portal:browse")),
        Figure("Without an owner", _capped(present.without_owner()), f"{search}?owner=none"),
        Figure("Without a level", _capped(present.filter(level=None)), f"{search}?level=none"),
    ]


def _capped(rows: object) -> str:
    found = rows.order_by().values("pk")[: CAP + 1].count()  # type: ignore[attr-defined]
    return f"{number(CAP)}+" if found > CAP else number(found)
