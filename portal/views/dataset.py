"""The dataset page: a header that everybody sees who may know of the dataset, and a tab a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from access.effective import who_reads
from access.queries import dataset_access, standing_with
from accounts.authentication import principal_of
from alerts.queries import is_followed
from audit.events import Subject
from audit.feed import feed
from audit.queries import activity_of
from catalog.models import Dataset, Field, Ownership, Tier
from catalog.permissions import can_curate, can_make_exceptions
from catalog.queries.activity import hidden_activity
from catalog.queries.datasets import Said, names_of, owners_of, said_of, visible_dataset
from catalog.queries.exceptions import exceptions_of
from catalog.queries.proposals import about as proposals_about
from classification.propagation.paths import inherited_path
from classification.queries import history_of as label_history
from classification.queries import levels_by_rank
from common.components import Crumb, Tab
from common.errors import NotFound
from lineage.reading import quality_of
from portal.profile_tab import field_profile_context, profile_tab
from portal.quality_tab import told_of
from portal.results import place_of
from portal.schema_tab import schema_tab
from portal.views.explorer import explorer_tab

if TYPE_CHECKING:
    from accounts.models import Principal

TABS = (
    ("schema", "Schema", "columns-3", Tier.METADATA),
    ("lineage", "Lineage", "hierarchy-2", Tier.METADATA),
    ("profile", "Profile", "chart-dots-3", Tier.PROFILE),
    ("quality", "Quality", "heartbeat", Tier.METADATA),
    ("access", "Access", "lock-access", Tier.DISCOVER),
    ("activity", "Activity", "history", Tier.METADATA),
)


def _header(principal: Principal, dataset: Dataset, current: str) -> dict[str, Any]:
    """What stands above every tab."""
    tier = dataset.tier
    everyone = owners_of(dataset)
    owners = [one for one in everyone if one.kind == Ownership.Kind.OWNER]
    return {
        "dataset": dataset,
        "tier": tier,
        "readable": tier >= Tier.METADATA,
        "place": place_of(dataset),
        "names": names_of(dataset),
        "owners": owners,
        "stewards": [one for one in everyone if one.kind == Ownership.Kind.STEWARD],
        "level": levels_by_rank().get(dataset.level or 0),
        "mine": standing_with(principal, dataset, owners),
        "may_curate": can_curate(principal, dataset),
        "follows": is_followed(principal, dataset),
        "crumbs": _crumbs(dataset),
        "tabs": [
            Tab(label, _tab_href(dataset, name), name == current, icon=icon)
            for name, label, icon, needed in TABS
            if tier >= needed
        ],
    }


def _tab_href(dataset: Dataset, tab: str) -> str:
    if tab == "schema":
        return reverse("portal:dataset", args=[dataset.pk])
    return reverse("portal:dataset_tab", args=[dataset.pk, tab])


def _crumbs(dataset: Dataset) -> list[Crumb]:
    browse = reverse("portal:browse")
    crumbs = [Crumb("Browse", browse)]
    if dataset.source:
        crumbs.append(Crumb(dataset.source.name, f"{browse}?source={dataset.source.slug}"))
    if dataset.schema and dataset.schema.path:
        crumbs.append(Crumb(str(dataset.schema), f"{browse}?schema={dataset.schema_id}"))
    return [*crumbs, Crumb(dataset.name)]


@require_safe
def dataset_page(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """The schema tab; for whoever may only know that the dataset exists, the header and how to ask for access."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id)
    if dataset.merged_into_id is not None:
        return redirect("portal:dataset", dataset.merged_into_id)
    context = _header(principal, dataset, "schema")
    if not context["readable"]:
        return render(request, "portal/dataset_closed.html", context)
    context |= {
        "schema": schema_tab(request, principal, dataset),
        "said": said_of(dataset),
        "definition": dataset.definition if context["tier"] >= Tier.PROFILE else "",
        "has_definition": bool(dataset.definition),
        "proposals": proposals_about(principal, dataset, may_decide=True) if context["may_curate"] else [],
    }
    context["description"] = context["said"].descriptions.get(None)
    context["assigned"] = context["said"].tags.get(None, ())
    return render(request, "portal/dataset_schema.html", context)


@require_safe
def dataset_tab(request: HttpRequest, dataset_id: str, tab: str) -> HttpResponse:
    """One of the other tabs."""
    if tab == "schema":
        return dataset_page(request, int(dataset_id))
    principal = principal_of(request)
    needed = next(tier for name, _, _, tier in TABS if name == tab)
    dataset = visible_dataset(principal, int(dataset_id), tier=needed)
    context = _header(principal, dataset, tab) | _TAB_CONTEXTS[tab](request, principal, dataset)
    return render(request, f"portal/dataset_{tab}.html", context)


def _lineage(request: HttpRequest, principal: Principal, dataset: Dataset) -> dict[str, Any]:
    return explorer_tab(request, dataset)


def _access(request: HttpRequest, principal: Principal, dataset: Dataset) -> dict[str, Any]:
    may_know = can_curate(principal, dataset)
    return {
        "access": dataset_access(principal, dataset),
        "who": who_reads(dataset, None) if may_know else None,
        "exceptions": exceptions_of(dataset) if may_know else [],
        "may_make_exceptions": can_make_exceptions(principal, dataset),
    }


def _activity(request: HttpRequest, principal: Principal, dataset: Dataset) -> dict[str, Any]:
    hidden = hidden_activity(principal, dataset)
    told, page = activity_of(Subject("dataset", dataset.pk), hidden=hidden, cursor=request.GET.get("cursor"))
    return {"activities": feed(told), "page": page}


def _quality(request: HttpRequest, principal: Principal, dataset: Dataset) -> dict[str, Any]:
    return {"quality": quality_of(dataset), **told_of(principal, dataset, profiles=dataset.tier >= Tier.PROFILE)}


def _profile(request: HttpRequest, principal: Principal, dataset: Dataset) -> dict[str, Any]:
    return {"tab": profile_tab(request, principal, dataset)}


_TAB_CONTEXTS = {
    "lineage": _lineage,
    "profile": _profile,
    "quality": _quality,
    "access": _access,
    "activity": _activity,
}


@require_safe
def field_page(request: HttpRequest, dataset_id: int, field_id: int) -> HttpResponse:
    """One column: what it is, its keys, its level with why, and forms for those who curate."""
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    field = Field.objects.filter(pk=field_id, dataset=dataset).first()
    if field is None:
        raise NotFound("This dataset has no such column.")
    said: Said = said_of(dataset)
    by_rank = levels_by_rank()
    context = {
        "dataset": dataset,
        "field": field,
        "level": by_rank.get(field.level or 0),
        "inherited": inherited_path(principal, field),
        "labels": [label for label in label_history(dataset) if label.field_id == field.pk],
        "of": len(by_rank),
        "description": said.descriptions.get(field.pk),
        "assigned": said.tags.get(field.pk, ()),
        "may_curate": can_curate(principal, dataset),
        **(field_profile_context(dataset, field) if dataset.tier >= Tier.PROFILE else {}),
        "crumbs": [*_crumbs(dataset)[:-1], Crumb(dataset.name, _tab_href(dataset, "schema")), Crumb(str(field))],
    }
    return render(request, "portal/field.html", context)
