"""Pages of what lineage knows of a dataset: its names and why it is one with others, and the changes of its life."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import principal_of
from catalog.models import Dataset, Tier
from catalog.permissions import can_curate
from catalog.queries.datasets import visible_dataset
from common.components import Column, Crumb
from common.errors import Conflict
from common.pagination import page_size
from lineage import reading
from lineage.merging import check_can_decide, check_can_separate, decide_same, separate, separation_of

form_page = require_http_methods(["GET", "HEAD", "POST"])

_NAME_COLUMNS = [Column("Name"), Column("Namespace"), Column("Known from"), Column("Since"), Column("Until")]
_TIE_COLUMNS = [Column("Dataset"), Column("Why"), Column("What to do", hidden=True)]
_LIFE_COLUMNS = [Column("What happened"), Column("When"), Column("Job"), Column("Run")]


def _crumbs(dataset: Dataset, *further: Crumb) -> list[Crumb]:
    return [Crumb("Browse", reverse("portal:browse")), Crumb(dataset.name, _page(dataset)), *further]


def _page(dataset: Dataset) -> str:
    return reverse("portal:dataset", args=[dataset.merged_into_id or dataset.pk])


def _names(dataset: Dataset) -> str:
    return reverse("lineage:names", args=[dataset.merged_into_id or dataset.pk])


@require_safe
def names_page(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """Every name of a dataset, what was merged into it and why, and what is kept apart."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    if dataset.merged_into_id is not None:
        return redirect("lineage:names", dataset.merged_into_id)
    context = {
        "dataset": dataset,
        "identity": reading.identity_of(principal, dataset),
        "may_curate": can_curate(principal, dataset),
        "name_columns": _NAME_COLUMNS,
        "tie_columns": _TIE_COLUMNS,
        "crumbs": _crumbs(dataset, Crumb("Names")),
    }
    return render(request, "lineage/names.html", context)


@form_page
def separate_page(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """What separating a dataset from those that it is one with does, and doing it."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    back = _names(dataset)
    try:
        separation = separation_of(dataset)
        check_can_separate(principal, dataset, separation)
        if request.method == "POST":
            separate(dataset=dataset, by=principal)
            messages.success(request, f"{dataset.qualified_name} stands for itself again.")
            return redirect("lineage:names", dataset.pk)
    except Conflict as error:
        messages.error(request, error.message)
        return redirect(back)
    context = {
        "dataset": dataset,
        "separation": separation,
        "back": back,
        "crumbs": _crumbs(dataset, Crumb("Names", back), Crumb("Separate")),
    }
    return render(request, "lineage/separate.html", context)


@form_page
def merge_page(request: HttpRequest, dataset_id: int, other_id: int) -> HttpResponse:
    """Say that two datasets are one, also after somebody separated them."""
    principal = principal_of(request)
    first = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    second = visible_dataset(principal, other_id, tier=Tier.METADATA)
    check_can_decide(principal, first, second)
    if request.method == "POST":
        decide_same(first=first, second=second, same=True, by=principal)
        messages.success(request, f"{first.qualified_name} and {second.qualified_name} are one dataset now.")
        first.refresh_from_db(fields=["merged_into"])
        return redirect(_names(first))
    context = {
        "title": f"Are {first.qualified_name} and {second.qualified_name} one dataset?",
        "text": "Their runs, lineage and schemas are shown as one from then on. Each keeps what it was told, and you can "
        "separate them again.",
        "confirm_label": "Merge them",
        "cancel_url": _names(first),
    }
    return render(request, "components/confirm_page.html", context)


@require_safe
def life_page(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """Every change of a dataset's life, the latest first."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    page = reading.life_of(dataset, cursor=request.GET.get("cursor"), size=page_size(request))
    context = {
        "dataset": dataset,
        "page": page,
        "life": reading.told_life(principal, dataset, page.rows),
        "life_columns": _LIFE_COLUMNS,
        "crumbs": _crumbs(dataset, Crumb("Its life")),
    }
    return render(request, "lineage/life.html", context)
