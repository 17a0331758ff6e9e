"""Pages of levels, and the page where a dataset and its columns get theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import principal_of
from accounts.models import Principal
from catalog.models import Dataset
from classification.actions import add_level, clear_level, delete_level, edit_level, reorder_levels, set_level
from classification.forms.levels import LabelForm, LevelForm, NewLevelForm, label_form
from classification.models import Level
from classification.permissions import can_edit_levels, check_can_edit_levels
from classification.queries import USAGE_CAP, Usage, history_of, levels, standing_of, usage_of
from common import markdown
from common.components import Column, Crumb
from common.errors import CatalogError, Forbidden, NotFound


@require_safe
def level_list(request: HttpRequest) -> HttpResponse:
    """Every level, most sensitive first, and how to treat it."""
    principal = principal_of(request)
    shown = levels()
    columns = [
        Column("Level"),
        Column("What belongs here"),
        Column("Longest access"),
        Column("Change", hidden=True),
    ]
    return render(
        request,
        "classification/level_list.html",
        {
            "levels": [(level, markdown.render(level.handling)) for level in reversed(shown)],
            "of": len(shown),
            "columns": columns,
            "may_edit": can_edit_levels(principal),
        },
    )


@require_http_methods(["GET", "POST"])
def level_add(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    check_can_edit_levels(principal)
    form = NewLevelForm(request.POST or None, levels=levels())
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if name != "above"}
        made = form.attempt(lambda: add_level(**values, above=form.placed_above, by=principal))
        if made is not None:
            messages.success(request, f"The level {made} is there. Stewards may use it now.")
            return redirect("classification:level_list")
    return render(
        request,
        "classification/level_form.html",
        {"form": form, "title": "New level", "crumbs": _crumbs("New level")},
    )


@require_http_methods(["GET", "POST"])
def level_edit(request: HttpRequest, slug: str) -> HttpResponse:
    principal = principal_of(request)
    check_can_edit_levels(principal)
    level = _level(slug)
    initial = {name: getattr(level, name) for name in LevelForm.base_fields}
    form = LevelForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        done = form.attempt(lambda: edit_level(level=level, changes=form.cleaned_data, by=principal))
        if done is not None:
            messages.success(request, f"{done} is changed.")
            return redirect("classification:level_list")
    return render(
        request,
        "classification/level_form.html",
        {"form": form, "title": f"Edit {level}", "crumbs": _crumbs(level.name)},
    )


@require_http_methods(["GET", "POST"])
def level_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows what the level is on, and deletes it where that is nothing."""
    principal = principal_of(request)
    check_can_edit_levels(principal)
    level = _level(slug)
    if request.method == "POST":
        return _changed(request, lambda: delete_level(level=level, by=principal), f"{level} is deleted.")
    usage = usage_of(level)
    return render(
        request,
        "classification/level_delete.html",
        {"level": level, "usage": usage, "of": len(levels()), "crumbs": _crumbs(level.name)},
    )


@require_http_methods(["GET", "POST"])
def level_move(request: HttpRequest, slug: str, direction: str) -> HttpResponse:
    """Swaps a level with the one above or below it, after saying what that affects."""
    principal = principal_of(request)
    check_can_edit_levels(principal)
    order = levels()
    place = next((index for index, level in enumerate(order) if level.slug == slug), None)
    other = None if place is None else place + (1 if direction == "up" else -1)
    if place is None or other is None or not 0 <= other < len(order):
        raise NotFound("There is no such place. Go back to the levels.")
    level, neighbour = order[place], order[other]
    order[place], order[other] = neighbour, level
    if request.method == "POST":
        words = ", ".join(each.name for each in order)
        return _changed(request, lambda: reorder_levels(order=order, by=principal), f"The order now is {words}.")
    return render(
        request,
        "components/confirm_page.html",
        {
            "title": f"Swap {level} and {neighbour}?",
            "text": _affected([level, neighbour], [usage_of(level), usage_of(neighbour)]),
            "confirm_label": "Swap them",
            "cancel_url": reverse("classification:level_list"),
        },
    )


@require_http_methods(["GET", "POST"])
def set_dataset_level(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """The form that labels a dataset and its columns; `?field=17` begins with that column chosen."""
    principal = principal_of(request)
    dataset = _dataset(principal, dataset_id)
    form = label_form(
        principal,
        dataset,
        data=request.POST or None,
        preset=[pk for pk in request.GET.getlist("field") if pk],
    )
    if form is None:
        raise Forbidden("Only stewards and owners of the dataset set its level.")
    if request.method == "POST" and form.is_valid():
        told = form.attempt(lambda: _label(form, principal))
        if told is not None:
            messages.success(request, told)
            return redirect("classification:dataset_level", dataset_id)
    standing = standing_of(dataset)
    return render(
        request,
        "classification/dataset_level.html",
        {
            "dataset": dataset,
            "level_form": form,
            "standing": standing,
            "labels": history_of(dataset),
            "of": len(form.levels),
        },
    )


def _label(form: LabelForm, by: Principal) -> str:
    """Do what the form says; returns the sentence that tells it."""
    reason = form.cleaned_data["reason"]
    level = form.chosen_level
    if level is None:
        count = clear_level(datasets=form.datasets, fields=form.chosen, reason=reason, by=by)
        return f"Took the level off {count} {'thing' if count == 1 else 'things'}."
    made = set_level(datasets=form.datasets, fields=form.chosen, level=level, reason=reason, by=by)
    if not made:
        return f"All of these are {level} already; nothing changed."
    return f"Set {len(made)} {'thing' if len(made) == 1 else 'things'} to {level}."


def _changed(request: HttpRequest, action: Callable[[], None], told: str) -> HttpResponse:
    """Run a confirmed action and go back to the levels; what it refuses is told there."""
    try:
        action()
    except CatalogError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, told)
    return redirect("classification:level_list")


def _affected(swapped: Sequence[Level], usages: Sequence[Usage]) -> str:
    datasets = sum(usage.datasets for usage in usages)
    fields = sum(usage.fields for usage in usages)
    more = "at least " if max(datasets, fields) >= USAGE_CAP else ""
    names = " or ".join(level.name for level in swapped)
    return (
        f"Datasets labelled {names}: {more}{datasets}; columns: {more}{fields}. Their labels stay; "
        "which of them counts as more sensitive changes, and so may the level of datasets that have both."
    )


def _level(slug: str) -> Level:
    level = Level.objects.filter(slug=slug).first()
    if level is None:
        raise NotFound("There is no such level.")
    return level


def _dataset(principal: Principal, dataset_id: int) -> Dataset:
    seen = Dataset.objects.not_merged().visible_to(principal)
    dataset: Dataset | None = seen.filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it.")
    return dataset


def _crumbs(last: str) -> list[Crumb]:
    return [Crumb("Levels", reverse("classification:level_list")), Crumb(last)]
