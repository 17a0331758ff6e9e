"""Pages of categories, of rule sets, and of trying the rules."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import principal_of
from classification.actions import (
    add_category,
    apply_rule_set,
    discard_rule_set,
    draft_rule_set,
    edit_category,
    end_negative_rule,
)
from classification.forms.categories import CategoryForm, NewCategoryForm, TryForm
from classification.models import Category, Level, NegativeRule, Reclassification, RuleSet
from classification.permissions import can_edit_rules, check_can_edit_rules
from classification.rule_queries import categories_with_use, last_pass, rules_that_may_be_ended, standing_rule_sets
from classification.tasks import reclassify
from classification.trying import try_rules
from common.components import Column, Crumb
from common.errors import Conflict, Invalid, NotFound


@require_safe
def category_list(request: HttpRequest) -> HttpResponse:
    """Every category, the organisation's own first, with how many columns have it."""
    principal = principal_of(request)
    return render(
        request,
        "classification/category_list.html",
        {
            "rows": categories_with_use(principal),
            "columns": [
                Column("Category"),
                Column("Level"),
                Column("Marks"),
                Column("Columns", align="end"),
                Column("Waiting", align="end"),
                Column("Change", hidden=True),
            ],
            "may_edit": can_edit_rules(principal),
            "rule_sets": standing_rule_sets(),
            "of": Level.objects.count(),
        },
    )


@require_http_methods(["GET", "POST"])
def category_add(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    check_can_edit_rules(principal)
    form = NewCategoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: add_category(**form.values, by=principal))
        if made is not None:
            messages.success(request, f"{made} is there. It is looked for once you apply the changed rules.")
            return redirect("classification:category_list")
    return _form_page(request, form, "New category")


@require_http_methods(["GET", "POST"])
def category_edit(request: HttpRequest, slug: str) -> HttpResponse:
    principal = principal_of(request)
    check_can_edit_rules(principal)
    category = Category.objects.select_related("level").filter(slug=slug).first()
    if category is None:
        raise NotFound("There is no such category.")
    form = CategoryForm(request.POST or None, category=category)
    if request.method == "POST" and form.is_valid():
        done = form.attempt(lambda: edit_category(category=category, changes=form.values, by=principal))
        if done is not None:
            messages.success(request, f"{done} is changed. Suggestions follow once you apply the changed rules.")
            return redirect("classification:category_list")
    return _form_page(request, form, f"Edit {category}")


@require_http_methods(["GET", "POST"])
def rules_try(request: HttpRequest) -> HttpResponse:
    """Judges pasted names and values by the rules as they are edited, and forgets them."""
    check_can_edit_rules(principal_of(request))
    form = TryForm(request.POST or None)
    tried = []
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        verdicts = try_rules(names=values["names"], type=values["type"], values=values["values"])
        names = dict(Category.objects.values_list("slug", "name"))
        tried = [
            (
                name,
                names.get(verdict.category or "", "Nothing governed"),
                min(99, round(verdict.confidence * 100)),
                verdict.evidence,
            )
            for name, verdict in zip(values["names"], verdicts, strict=False)
        ]
    return render(
        request, "classification/rules_try.html", {"form": form, "tried": tried, "crumbs": _crumbs("Try the rules")}
    )


@require_safe
def rule_sets(request: HttpRequest) -> HttpResponse:
    """The rules that hold, the draft with what it would change, and what people ruled out."""
    principal = principal_of(request)
    return render(request, "classification/rule_sets.html", _rule_sets(request) | {"principal": principal})


@require_safe
def rule_sets_live(request: HttpRequest) -> HttpResponse:
    """The live part of the page of rule sets."""
    return render(request, "classification/_rule_sets.html", _rule_sets(request))


def _rule_sets(request: HttpRequest) -> dict[str, object]:
    principal = principal_of(request)
    standing = standing_rule_sets()
    may_edit = can_edit_rules(principal)
    # A preview names columns of any dataset, so it is for those who see everything.
    preview = last_pass(standing.draft, Reclassification.Purpose.PREVIEW) if may_edit else None
    return {
        "rule_sets": standing,
        "preview": preview,
        "applying": last_pass(standing.applied, Reclassification.Purpose.APPLY),
        "negative_rules": rules_that_may_be_ended(principal),
        "negative_columns": [Column("What"), Column("Where"), Column("Why"), Column("End", hidden=True)],
        "preview_columns": [
            Column("Category"),
            Column("Added", align="end"),
            Column("Changed", align="end"),
            Column("Removed", align="end"),
            Column("For example"),
        ],
        "may_edit": may_edit,
        "crumbs": _crumbs("Rules"),
    }


@require_POST
def rule_set_draft(request: HttpRequest) -> HttpResponse:
    """Freezes the categories into a draft and begins to see what it would change."""
    try:
        _send(draft_rule_set(by=principal_of(request)))
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
    return redirect("classification:rule_sets")


@require_POST
def rule_set_apply(request: HttpRequest, version: int) -> HttpResponse:
    try:
        _send(apply_rule_set(rule_set=_rule_set(version), by=principal_of(request)))
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Rule set {version} holds. Columns are being classified by it.")
    return redirect("classification:rule_sets")


@require_POST
def rule_set_discard(request: HttpRequest, version: int) -> HttpResponse:
    try:
        discard_rule_set(rule_set=_rule_set(version), by=principal_of(request))
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
    return redirect("classification:rule_sets")


@require_POST
def negative_rule_end(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = NegativeRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("There is no such rule.")
    try:
        end_negative_rule(rule=rule, by=principal_of(request))
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
    return redirect("classification:rule_sets")


def _send(found: Reclassification) -> None:
    transaction.on_commit(lambda: reclassify.delay(found.pk))


def _rule_set(version: int) -> RuleSet:
    found = RuleSet.objects.filter(version=version).first()
    if found is None:
        raise NotFound("There is no such rule set.")
    return found


def _form_page(request: HttpRequest, form: CategoryForm, title: str) -> HttpResponse:
    return render(request, "classification/level_form.html", {"form": form, "title": title, "crumbs": _crumbs(title)})


def _crumbs(last: str) -> list[Crumb]:
    return [Crumb("Categories", reverse("classification:category_list")), Crumb(last)]
