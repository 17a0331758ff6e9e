"""Reads of categories and rules for pages and REST."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q

from catalog.models import Dataset
from catalog.visibility import CURATORS, scope_of
from classification.models import Category, Label, NegativeRule, Reclassification, RuleSet
from classification.rules import changed_categories

if TYPE_CHECKING:
    from accounts.models import Principal

COUNT_CAP = 10_000
_MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class CategoryUse:
    """A category, and how many columns that the reader sees have it, or may have it."""

    category: Category
    columns: int
    waiting: int


def categories_with_use(principal: Principal) -> list[CategoryUse]:
    """Every category, the organisation's own first; two statements."""
    labels = Label.objects.current().filter(category__isnull=False, field__gone_since__isnull=True)
    if not scope_of(principal).everything:
        labels = labels.visible_to(principal)
    rows = (
        labels.order_by()
        .values("category_id")
        .annotate(
            columns=Count("field", distinct=True, filter=Q(state__in=("confirmed", "inherited"))),
            waiting=Count("field", distinct=True, filter=Q(state="suggested")),
        )
    )
    counts = {row["category_id"]: row for row in rows}
    nothing = {"columns": 0, "waiting": 0}
    return [
        CategoryUse(category, counts.get(category.pk, nothing)["columns"], counts.get(category.pk, nothing)["waiting"])
        for category in Category.objects.select_related("level").order_by("shipped", "-level__rank", "name")
    ]


@dataclass(frozen=True, slots=True)
class StandingRuleSets:
    """What holds, the draft if there is one, and the categories that were edited since either was made."""

    applied: RuleSet | None
    draft: RuleSet | None
    edited: Sequence[str]
    """Slugs that differ from the rule set that holds."""
    overtaken: bool
    """Whether categories were edited since the draft was made."""


def standing_rule_sets() -> StandingRuleSets:
    held = {
        one.state: one for one in RuleSet.objects.filter(state__in=("applied", "draft")).select_related("made_by__user")
    }
    applied, draft = held.get("applied"), held.get("draft")
    return StandingRuleSets(
        applied=applied,
        draft=draft,
        edited=changed_categories(applied.contents) if applied else (),
        overtaken=bool(draft and changed_categories(draft.contents)),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a pass adds, changes and removes of one category."""

    category: Category
    added: int
    changed: int
    removed: int
    examples: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass over the stored columns, how far it is, and what it found. `kept` counts suggestions that rest on values."""

    row: Reclassification
    found: Sequence[Found]
    kept: int


def last_pass(rule_set: RuleSet | None, purpose: Reclassification.Purpose) -> Pass | None:
    """The newest pass of a rule set for this purpose; three statements."""
    if rule_set is None:
        return None
    row = rule_set.passes.filter(purpose=purpose).order_by("-pk").first()
    if row is None:
        return None
    of_values = Q(evidence__contains=[{"kind": "values"}]) | Q(evidence__contains=[{"kind": "checksum"}])
    categories = {one.slug: one for one in Category.objects.filter(slug__in=list(row.found))}
    return Pass(
        row=row,
        found=[Found(categories[slug], **counts) for slug, counts in sorted(row.found.items()) if slug in categories],
        kept=Label.objects.current().suggested().filter(of_values)[:COUNT_CAP].count(),
    )


def rules_that_may_be_ended(principal: Principal) -> list[NegativeRule]:
    """The negative rules that hold and that the principal may end, newest first."""
    scope = scope_of(principal)
    rules = NegativeRule.objects.filter(valid_to__isnull=True)
    if not scope.everything:
        domains = [domain for domain in scope.roles_of_domain if scope.has_role(domain, *CURATORS)]
        rules = rules.filter(
            Q(domain__in=domains)
            | Q(source__domain__in=domains)
            | Q(dataset__in=Dataset.objects.filter(scope.curation()))
        )
    return list(
        rules.select_related("category", "domain", "source", "dataset", "author__user").order_by("-pk")[:_MOST_RULES]
    )
