"""Pages that change what the catalog holds: what is said of a dataset, who answers for it, domains and systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import principal_of
from catalog import actions
from catalog.forms import (
    DescriptionForm,
    DomainForm,
    ExceptionForm,
    MoveForm,
    NewTagForm,
    OwnerForm,
    RenameTagForm,
    RoleForm,
    SystemForm,
    TagForm,
    member_values,
)
from catalog.models import Dataset, Description, DomainMembership, Field, Origin, Ownership, System, Tag
from catalog.permissions import (
    can_edit_domain,
    can_edit_tags,
    check_can_curate,
    check_can_edit_domain,
    check_can_edit_tags,
    check_can_make_exceptions,
    check_is_catalog_administrator,
)
from catalog.queries.datasets import owners_of, said_of, visible_dataset
from catalog.queries.domains import domain_called, domain_lines, members_of
from catalog.queries.exceptions import exception_of, exceptions_of
from catalog.queries.tags import tag_called, tag_lines
from catalog.visibility import scope_of
from common.components import Column, Crumb
from common.errors import Conflict, Invalid, NotFound

form_page = require_http_methods(["GET", "HEAD", "POST"])


def saved(form: forms.Form, action: Callable[..., Any], **values: Any) -> bool:
    """Run an action with a checked form's values. What the action refuses becomes an error of the form."""
    try:
        action(**values)
    except Invalid as error:
        for name, texts in (error.fields or {"": [error.message]}).items():
            for text in texts:
                form.add_error(name if name in form.fields else None, text)
    except Conflict as error:
        form.add_error(None, error.message)
    return not form.errors


def _curated(request: HttpRequest, dataset_id: int) -> Dataset:
    """The dataset of an edit page; raises where the reader may not see or not curate it."""
    by = principal_of(request)
    dataset = visible_dataset(by, dataset_id)
    check_can_curate(by, [dataset])
    return dataset


def _dataset_page(dataset: Dataset) -> HttpResponseRedirect:
    return redirect("portal:dataset", dataset.pk)


def _dataset_form(request: HttpRequest, dataset: Dataset, form: forms.Form, title: str, **context: Any) -> HttpResponse:
    crumbs = [Crumb(dataset.name, reverse("portal:dataset", args=[dataset.pk])), Crumb(title)]
    status = 422 if form.errors else 200
    values = {"dataset": dataset, "form": form, "title": title, "crumbs": crumbs, **context}
    return render(request, "catalog/dataset_form.html", values, status=status)


@form_page
def describe_dataset(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = _curated(request, dataset_id)
    mine = Description.objects.filter(dataset=dataset, field=None, origin=Origin.PERSON, valid_to=None).first()
    form = DescriptionForm(request.POST or None, initial={"text": mine.text if mine else dataset.description})
    if request.method == "POST" and form.is_valid():
        values = {"dataset": dataset, "text": form.cleaned_data["text"], "by": principal_of(request)}
        if saved(form, actions.describe, **values):
            messages.success(request, "The description is saved.")
            return _dataset_page(dataset)
    return _dataset_form(request, dataset, form, "Describe this dataset", source_says=dataset.comment)


@form_page
def describe_field(request: HttpRequest, dataset_id: int, field_id: int) -> HttpResponse:
    dataset = _curated(request, dataset_id)
    field = Field.objects.filter(pk=field_id, dataset=dataset).first()
    if field is None:
        raise NotFound("This dataset has no such column.")
    mine = Description.objects.filter(dataset=dataset, field=field, origin=Origin.PERSON, valid_to=None).first()
    form = DescriptionForm(request.POST or None, initial={"text": mine.text if mine else field.description})
    if request.method == "POST" and form.is_valid():
        values = {
            "dataset": dataset,
            "field": field,
            "text": form.cleaned_data["text"],
            "by": principal_of(request),
        }
        if saved(form, actions.describe, **values):
            messages.success(request, f"The description of {field} is saved.")
            return redirect("portal:field", dataset.pk, field.pk)
    return _dataset_form(request, dataset, form, f"Describe the column {field}", source_says=field.comment)


@form_page
def dataset_owners(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """Who answers for the dataset: a list with a button to end each, and a form to add one."""
    dataset = _curated(request, dataset_id)
    form = OwnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        member, kind = form.cleaned_data["member"], form.cleaned_data["kind"]
        values = {"datasets": [dataset], "kind": kind, "by": principal_of(request), **member_values(member)}
        if saved(form, actions.assign_owner, **values):
            messages.success(request, f"{member} is now {Ownership.Kind(kind).label.lower()} of {dataset.name}.")
            return redirect("catalog:dataset_owners", dataset.pk)
    return _dataset_form(request, dataset, form, "Owners and stewards", owners=owners_of(dataset), add_label="Add")


@require_POST
def end_ownership(request: HttpRequest, dataset_id: int, ownership_id: int) -> HttpResponse:
    dataset = visible_dataset(principal_of(request), dataset_id)
    ownership = (
        Ownership.objects.select_related("dataset", "principal", "group")
        .filter(pk=ownership_id, dataset=dataset)
        .first()
    )
    if ownership is None:
        raise NotFound("There is no such owner of this dataset. Reload the page.")
    actions.remove_owner(ownership=ownership, by=principal_of(request))
    messages.success(request, f"{ownership.principal or ownership.group} no longer answers for {dataset.name}.")
    return redirect("catalog:dataset_owners", dataset.pk)


@form_page
def dataset_exceptions(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """Who sees the dataset whatever their roles: a list with a button to end each, and a form to add one."""
    by = principal_of(request)
    dataset = visible_dataset(by, dataset_id)
    check_can_make_exceptions(by, dataset)
    form = ExceptionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        values = {"dataset": dataset, "tier": chosen["tier"], "reason": chosen["reason"], "by": by}
        if saved(form, actions.grant_exception, **values, **member_values(chosen["member"])):
            messages.success(request, f"{chosen['member']} now sees {dataset.name} by exception.")
            return redirect("catalog:dataset_exceptions", dataset.pk)
    exceptions = exceptions_of(dataset)
    return _dataset_form(
        request, dataset, form, "Who else sees it", exceptions=exceptions, may_make_exceptions=True, add_label="Add"
    )


@require_POST
def end_exception(request: HttpRequest, dataset_id: int, exception_id: int) -> HttpResponse:
    by = principal_of(request)
    exception = exception_of(visible_dataset(by, dataset_id), exception_id)
    actions.end_exception(exception=exception, by=by)
    member = exception.principal or exception.group
    messages.success(request, f"{member} no longer sees {exception.dataset.name} by exception.")
    return redirect("catalog:dataset_exceptions", dataset_id)


@form_page
def dataset_tags(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = _curated(request, dataset_id)
    form = TagForm(request.POST or None, initial={"tag": request.GET.get("tag", "")})
    if request.method == "POST" and form.is_valid():
        tag = form.cleaned_data["tag"]
        if saved(form, actions.add_tag, datasets=[dataset], tag=tag, by=principal_of(request)):
            messages.success(request, f"{dataset.name} is now tagged {tag}.")
            return redirect("catalog:dataset_tags", dataset.pk)
    tags = said_of(dataset).tags.get(None, ())
    may_create = can_edit_tags(principal_of(request))
    return _dataset_form(
        request, dataset, form, "Tags", assigned=tags, add_label="Add the tag", may_create_tags=may_create
    )


@require_POST
def remove_tag(request: HttpRequest, dataset_id: int, slug: str) -> HttpResponse:
    dataset = visible_dataset(principal_of(request), dataset_id)
    tag = tag_called(slug)
    actions.remove_tag(datasets=[dataset], tag=tag, by=principal_of(request))
    messages.success(request, f"The tag {tag} is off {dataset.name}.")
    return redirect("catalog:dataset_tags", dataset.pk)


@form_page
def move_dataset(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = _curated(request, dataset_id)
    form = MoveForm(request.POST or None, initial={"domain": dataset.domain.slug if dataset.domain else ""})
    if request.method == "POST" and form.is_valid():
        domain = form.cleaned_data["domain"]
        if saved(form, actions.move_datasets, datasets=[dataset], domain=domain, by=principal_of(request)):
            messages.success(request, f"{dataset.name} is now in {domain or 'no domain'}.")
            return redirect("portal:home") if not _still_visible(request, dataset) else _dataset_page(dataset)
    return _dataset_form(request, dataset, form, "Move to a domain")


def _still_visible(request: HttpRequest, dataset: Dataset) -> bool:
    return bool(Dataset.objects.filter(pk=dataset.pk).visible_to(principal_of(request)).exists())


@require_safe
def domain_list(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    lines = domain_lines(principal)
    return render(request, "catalog/domain_list.html", {"lines": lines, "may_add": scope_of(principal).everything})


@form_page
def domain_add(request: HttpRequest) -> HttpResponse:
    check_is_catalog_administrator(principal_of(request))
    form = DomainForm(request.POST or None)
    if (
        request.method == "POST"
        and form.is_valid()
        and saved(form, actions.add_domain, **form.cleaned_data, by=principal_of(request))
    ):
        messages.success(request, f"The domain {form.cleaned_data['name']} is there. Give it an owner next.")
        return redirect("catalog:domain", form.cleaned_data["slug"])
    return _form(request, form, "Add a domain", "Add the domain", Crumb("Domains", reverse("catalog:domain_list")))


@require_safe
def domain_page(request: HttpRequest, slug: str) -> HttpResponse:
    """A domain: what it is, who has which role, the datasets that the reader sees in it."""
    principal = principal_of(request)
    domain = domain_called(slug)
    return _domain_page(request, domain, RoleForm() if can_edit_domain(principal, domain) else None)


def _domain_page(request: HttpRequest, domain: Any, form: RoleForm | None) -> HttpResponse:
    principal = principal_of(request)
    rows = Dataset.objects.standing().visible_to(principal).filter(domain=domain)
    shown = list(rows.select_related("source").defer("search", "definition").order_by("-changed_at", "-id")[:26])
    context = {
        "domain": domain,
        "members": members_of(domain),
        "datasets": shown[:25],
        "more": len(shown) > 25,
        "form": form,
        "may_edit": can_edit_domain(principal, domain),
        "crumbs": [Crumb("Domains", reverse("catalog:domain_list")), Crumb(domain.name)],
    }
    return render(request, "catalog/domain.html", context, status=422 if form and form.errors else 200)


@form_page
def domain_edit(request: HttpRequest, slug: str) -> HttpResponse:
    domain = domain_called(slug)
    check_can_edit_domain(principal_of(request), domain)
    initial = {"name": domain.name, "description": domain.description, "open_tier": domain.open_tier}
    form = DomainForm(request.POST or None, initial=initial, existing=True)
    values = {"domain": domain, "by": principal_of(request)}
    if (
        request.method == "POST"
        and form.is_valid()
        and saved(form, actions.edit_domain, changes=form.cleaned_data, **values)
    ):
        messages.success(request, "The domain is saved.")
        return redirect("catalog:domain", slug)
    return _form(
        request, form, f"Edit {domain.name}", "Save", Crumb(domain.name, reverse("catalog:domain", args=[domain.slug]))
    )


@require_POST
def domain_grant(request: HttpRequest, slug: str) -> HttpResponse:
    domain = domain_called(slug)
    check_can_edit_domain(principal_of(request), domain)
    form = RoleForm(request.POST)
    if form.is_valid():
        member, role = form.cleaned_data["member"], form.cleaned_data["role"]
        values = {"domain": domain, "role": role, "by": principal_of(request), **member_values(member)}
        if saved(form, actions.grant_role, **values):
            messages.success(request, f"{member} is now {role} of {domain}.")
            return redirect("catalog:domain", slug)
    return _domain_page(request, domain, form)


@require_POST
def domain_end_role(request: HttpRequest, slug: str, membership_id: int) -> HttpResponse:
    domain = domain_called(slug)
    held = DomainMembership.objects.select_related("domain", "principal", "group")
    membership = held.filter(pk=membership_id, domain=domain).first()
    if membership is None:
        raise NotFound("There is no such role in this domain. Reload the page.")
    actions.end_role(membership=membership, by=principal_of(request))
    messages.success(request, f"{membership.principal or membership.group} is no longer {membership.role} of {domain}.")
    return redirect("catalog:domain", slug)


@require_safe
def tag_list(request: HttpRequest) -> HttpResponse:
    """Every tag, and on how many datasets that the reader sees it is."""
    principal = principal_of(request)
    may_edit = can_edit_tags(principal)
    columns = [Column("Tag"), Column("Short name"), Column("Datasets you see", align="end")]
    context = {
        "lines": tag_lines(principal),
        "may_edit": may_edit,
        "columns": [*columns, Column("Change", hidden=True)] if may_edit else columns,
        "crumbs": [Crumb("Domains", reverse("catalog:domain_list")), Crumb("Tags")],
    }
    return render(request, "catalog/tag_list.html", context)


@form_page
def tag_add(request: HttpRequest) -> HttpResponse:
    """A new tag; `?dataset=17` leads back to where that dataset gets its tags, with the new one chosen."""
    by = principal_of(request)
    check_can_edit_tags(by)
    form = NewTagForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and saved(form, actions.create_tag, **form.cleaned_data, by=by):
        name = form.cleaned_data["name"].strip()
        messages.success(request, f"The tag {name} is there.")
        return redirect(_after_tag(request, Tag.objects.get(name=name)))
    return _form(request, form, "Create a tag", "Create the tag", _tags_crumb())


def _after_tag(request: HttpRequest, tag: Tag) -> str:
    dataset = request.GET.get("dataset", "")
    if not (dataset.isascii() and dataset.isdigit() and len(dataset) < 19):
        return reverse("catalog:tag_list")
    return f"{reverse('catalog:dataset_tags', args=[int(dataset)])}?tag={tag.slug}"


@form_page
def tag_rename(request: HttpRequest, slug: str) -> HttpResponse:
    by = principal_of(request)
    check_can_edit_tags(by)
    tag = tag_called(slug)
    form = RenameTagForm(request.POST or None, initial={"name": tag.name})
    if (
        request.method == "POST"
        and form.is_valid()
        and saved(form, actions.rename_tag, tag=tag, name=form.cleaned_data["name"], by=by)
    ):
        messages.success(request, f"The tag {tag} is now called {form.cleaned_data['name']}.")
        return redirect("catalog:tag_list")
    return _form(request, form, f"Rename the tag {tag}", "Rename it", _tags_crumb())


def _tags_crumb() -> Crumb:
    return Crumb("Tags", reverse("catalog:tag_list"))


@require_safe
def system_list(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    systems = System.objects.prefetch_related("sources")
    seen = set(_visible_sources(principal))
    lines = [(system, [one for one in system.sources.all() if one.pk in seen]) for system in systems]
    return render(request, "catalog/system_list.html", {"lines": lines, "may_add": scope_of(principal).everything})


def _visible_sources(principal: Any) -> list[int]:
    from catalog.models import Source

    return list(Source.objects.visible_to(principal).values_list("pk", flat=True))


@form_page
def system_add(request: HttpRequest) -> HttpResponse:
    check_is_catalog_administrator(principal_of(request))
    form = SystemForm(request.POST or None)
    if (
        request.method == "POST"
        and form.is_valid()
        and saved(form, actions.add_system, **form.cleaned_data, by=principal_of(request))
    ):
        messages.success(request, f"The system {form.cleaned_data['name']} is there.")
        return redirect("catalog:system_list")
    return _form(request, form, "Add a system", "Add the system", Crumb("Systems", reverse("catalog:system_list")))


def _form(request: HttpRequest, form: forms.Form, title: str, submit: str, above: Crumb) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "back": above.href,
        "crumbs": [above, Crumb(title)],
    }
    return render(request, "catalog/form.html", context, status=422 if form.errors else 200)
