"""Pages of what policies and decisions speak of: attributes, purposes and engines' catalogs, all in one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from access.actions.vocabulary import (
    add_engine_catalog,
    add_purpose,
    edit_engine_catalog,
    edit_purpose,
    end_attribute,
    remove_engine_catalog,
    set_attribute,
)
from access.confirming import ask
from access.forms.vocabulary import AttributeForm, EngineCatalogForm, NewPurposeForm, PurposeForm
from access.models import EngineCatalog, PrincipalAttribute, Purpose
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from accounts.recent import check_signed_in_recently
from common.components import Column, Crumb, Tab
from common.errors import NotFound
from common.pagination import page_of


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that policies speak of: its rows, and what may be done with them.

    `add` and `edit` take the values of a form that is right. A kind without a `form` is ended and said anew. What
    `opens` data to others takes a recent sign-in.
    """

    title: str
    one: str
    subtitle: str
    nothing: str
    icon: str
    columns: Sequence[Column]
    order: Sequence[str]
    rows: Callable[[], QuerySet[Any]]
    new_form: type[ActionForm]
    add: Callable[[Mapping[str, Any], Principal], object]
    form: type[ActionForm] | None = None
    initial: Callable[[Any], dict[str, Any]] = lambda row: {}
    edit: Callable[[Any, Mapping[str, Any], Principal], object] = lambda row, values, by: None
    end: Callable[[Any, Principal], object] | None = None
    opens: bool = False
    end_label: str = ""
    ended: str = ""


def _of_catalog(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": values["name"], "source": values["source"], "prefix": values["before"]}


KINDS: Mapping[str, Kind] = {
    "attributes": Kind(
        title="Attributes",
        one="attribute",
        subtitle="What is so of people, services and pipelines, so that policies can speak of it.",
        nothing="Say of somebody what policies should ask for: department=finance.",
        icon="tag",
        columns=[Column("Who"), Column("Attribute"), Column("Since"), Column("End", hidden=True)],
        order=("name", "value", "id"),
        rows=lambda: PrincipalAttribute.objects.filter(valid_to__isnull=True).select_related(
            "principal__user", "set_by__user"
        ),
        new_form=AttributeForm,
        add=lambda values, by: set_attribute(
            principals=values["people"], name=values["name"], value=values["value"], by=by
        ),
        end=lambda row, by: end_attribute(attribute=row, by=by),
        opens=True,
        end_label="End it",
        ended="It is not so any more. Policies that ask for it stop concerning them at once; that it was so stays known.",
    ),
    "purposes": Kind(
        title="Purposes",
        one="purpose",
        subtitle="For what people ask for data. Requests name one, and policies may ask for it.",
        nothing="Without purposes, requests tell theirs in words alone and policies cannot ask for one.",
        icon="target",
        columns=[Column("Purpose"), Column("What belongs there"), Column("State")],
        order=("name", "id"),
        rows=Purpose.objects.all,
        new_form=NewPurposeForm,
        add=lambda values, by: add_purpose(**values, by=by),
        form=PurposeForm,
        initial=lambda row: {"name": row.name, "description": row.description, "enabled": row.enabled},
        edit=lambda row, values, by: edit_purpose(purpose=row, **values, by=by),
    ),
    "engine-catalogs": Kind(
        title="Engine catalogs",
        one="engine catalog",
        subtitle="What a query engine such as Trino calls a source. What is not here is not allowed there.",
        nothing="Say which source a catalog of your query engine is, and the engine can ask who may read its tables.",
        icon="server",
        columns=[Column("Catalog"), Column("Source"), Column("Before the schema"), Column("Remove", hidden=True)],
        order=("name", "id"),
        rows=lambda: EngineCatalog.objects.select_related("source"),
        new_form=EngineCatalogForm,
        add=lambda values, by: add_engine_catalog(**_of_catalog(values), by=by),
        form=EngineCatalogForm,
        initial=lambda row: {"name": row.name, "source": row.source_id, "before": row.prefix},
        edit=lambda row, values, by: edit_engine_catalog(catalog=row, **_of_catalog(values), by=by),
        end=lambda row, by: remove_engine_catalog(catalog=row, by=by),
        opens=True,
        end_label="Remove it",
        ended="The engine's catalog is no source's any more, so nothing of it is allowed there.",
    ),
}


def vocabulary_tabs(current: str) -> list[Tab]:
    """The policies and, beside them, what they speak of."""
    return [
        Tab("Policies", reverse("access:policies"), current == "policies", icon="scale"),
        *(
            Tab(one.title, reverse("access:vocabulary", args=[name]), name == current, icon=one.icon)
            for name, one in KINDS.items()
        ),
    ]


@require_safe
def vocabulary(request: HttpRequest, kind: str) -> HttpResponse:
    """What there is of a kind now."""
    _, shown = _kind(request, kind)
    return render(
        request,
        "access/vocabulary.html",
        {
            "kind": kind,
            "shown": shown,
            "page": page_of(shown.rows(), order=shown.order, cursor=request.GET.get("cursor")),
            "rows_template": f"access/vocabulary/_{kind}.html",
            "tabs": vocabulary_tabs(kind),
            "crumbs": [*_crumbs(), Crumb(shown.title)],
        },
    )


@require_http_methods(["GET", "POST"])
def vocabulary_add(request: HttpRequest, kind: str) -> HttpResponse:
    principal, shown = _kind(request, kind)
    form = shown.new_form(request.POST or None)
    if (sent := request.method == "POST" and form.is_valid()) and shown.opens:
        check_signed_in_recently(request)
    if sent and form.attempt(lambda: shown.add(form.cleaned_data, principal)) is not None:
        messages.success(request, "Saved. Policies go by it at once.")
        return redirect("access:vocabulary", kind)
    return _form_page(request, form, kind, f"New {shown.one}")


@require_http_methods(["GET", "POST"])
def vocabulary_edit(request: HttpRequest, kind: str, row_id: int) -> HttpResponse:
    principal, shown = _kind(request, kind)
    row = _row(shown, row_id)
    if shown.form is None:
        raise NotFound(f"{shown.title} are not edited: end one and add another.")
    form = shown.form(request.POST or None, initial=shown.initial(row))
    if (sent := request.method == "POST" and form.is_valid()) and shown.opens:
        check_signed_in_recently(request)
    if sent and form.attempt(lambda: shown.edit(row, form.cleaned_data, principal)) is not None:
        messages.success(request, "Saved. Policies go by it at once.")
        return redirect("access:vocabulary", kind)
    return _form_page(request, form, kind, f"Edit {row}")


@require_http_methods(["GET", "POST"])
def vocabulary_end(request: HttpRequest, kind: str, row_id: int) -> HttpResponse:
    principal, shown = _kind(request, kind)
    row, end = _row(shown, row_id), shown.end
    if end is None:
        raise NotFound(f"{shown.title} are retired where they are edited.")
    form = ActionForm(request.POST if request.method == "POST" else None)
    return ask(
        request,
        form,
        lambda: end(row, principal),
        told=shown.ended,
        back=reverse("access:vocabulary", args=[kind]),
        title=f"{shown.end_label}: {row}?",
        text="Decisions go by it at once.",
        confirm_label=shown.end_label,
        danger=True,
    )


def _kind(request: HttpRequest, kind: str) -> tuple[Principal, Kind]:
    """Who asks, an administrator, and the kind of the address."""
    principal = principal_of(request)
    check_is_administrator(principal)
    if kind not in KINDS:
        raise NotFound("There is no such page.")
    return principal, KINDS[kind]


def _row(shown: Kind, row_id: int) -> Model:
    row: Model | None = shown.rows().filter(pk=row_id).first()
    if row is None:
        raise NotFound(f"There is no such {shown.one}, or it has ended.")
    return row


def _crumbs() -> list[Crumb]:
    return [Crumb("Access", reverse("access:inbox")), Crumb("Policies", reverse("access:policies"))]


def _form_page(request: HttpRequest, form: ActionForm, kind: str, title: str) -> HttpResponse:
    back = reverse("access:vocabulary", args=[kind])
    values = {
        "form": form,
        "title": title,
        "text": KINDS[kind].subtitle,
        "icon": KINDS[kind].icon,
        "back": back,
        "crumbs": [*_crumbs(), Crumb(KINDS[kind].title, back), Crumb(title)],
    }
    return render(request, "access/vocabulary_form.html", values, status=422 if form.errors else 200)
