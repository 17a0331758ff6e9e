"""Negative rules: what columns of a name are not, where that holds, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.models import Dataset
from catalog.visibility import CURATORS, scope_of
from classification.events import NegativeRuleEnded, NegativeRulesMade
from classification.models import Decision, Label, NegativeRule
from classification.permissions import check_can_rule_out
from classification.querysets import LabelQuerySet
from classification.ruling_out import phrase_of
from common.errors import Conflict, Invalid

_MOST_WITHDRAWN = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule holds: at most one of the three."""

    domain: int | None = None
    source: int | None = None
    dataset: int | None = None


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a rule says: columns of this phrase in this place are not of this category."""

    place: Place
    category: int
    phrase: str


def rule_out(
    *, labels: Sequence[Label], scope: NegativeRule.Scope, reason: str, decision: Decision, by: Principal
) -> list[NegativeRule]:
    """Rule out what these suggestions say for every column that looks alike within the scope; part of a rejection.

    Returns the rules that are new. Raises `Invalid` where the scope names nothing, as for a dataset without a domain.
    """
    check_can_rule_out(by, scope, [label.dataset for label in labels])
    made = [
        NegativeRule(
            scope=scope,
            domain_id=one.place.domain,
            source_id=one.place.source,
            dataset_id=one.place.dataset,
            category_id=one.category,
            name=one.phrase,
            reason=reason,
            author=by,
            decision=decision,
            valid_from=decision.at,
        )
        for one in ruled(labels, scope)
    ]
    NegativeRule.objects.bulk_create(made, ignore_conflicts=True)
    rules = list(NegativeRule.objects.filter(decision=decision).select_related("category"))
    if rules:
        event = NegativeRulesMade(
            rule_ids=[rule.pk for rule in rules],
            what=", ".join(sorted({f"{rule.name} as {rule.category}" for rule in rules})[:5]),
            scope=NegativeRule.Scope(scope).label.lower(),
            reason=reason,
        )
        record(event, by=by)
    return rules


def ruled(labels: Sequence[Label], scope: NegativeRule.Scope) -> list[Ruled]:
    """What rejecting these suggestions in this scope rules out. Raises `Invalid` where the scope names nothing."""
    return list(
        dict.fromkeys(
            Ruled(_place(scope, label.dataset), label.category_id, phrase)
            for label in labels
            if label.category_id is not None and (phrase := label.phrase or phrase_of(str(label.field)))
        )
    )


def suggestions_ruled_out(rules: Iterable[Ruled]) -> LabelQuerySet:
    """The suggestions that wait for columns which these rules are about."""
    matching = Q()
    for rule in rules:
        here = Q(category=rule.category, phrase=rule.phrase)
        if rule.place.domain:
            here &= Q(dataset__domain=rule.place.domain)
        elif rule.place.source:
            here &= Q(dataset__source=rule.place.source)
        elif rule.place.dataset:
            here &= Q(dataset=rule.place.dataset)
        matching |= here
    found: LabelQuerySet = Label.objects.current().suggested().filter(matching)
    return found


def withdraw_ruled_out(*, rules: Sequence[NegativeRule], decision: Decision, by: Principal) -> int:
    """End the suggestions that look alike where the rules hold; they come back if the decision is undone. Two statements."""
    if not rules:
        return 0
    told = [Ruled(Place(one.domain_id, one.source_id, one.dataset_id), one.category_id, one.name) for one in rules]
    found = suggestions_ruled_out(told).values_list("pk", flat=True)[:_MOST_WITHDRAWN]
    return Label.objects.filter(pk__in=list(found)).end(by=by, at=decision.at, decision=decision)


@transaction.atomic
def end_negative_rule(*, rule: NegativeRule, by: Principal) -> None:
    """Let a negative rule hold no longer: what it kept out may be suggested again when columns are next classified."""
    rule = (
        NegativeRule.objects.select_for_update(of=["self"])
        .select_related("category", "domain", "source", "dataset")
        .get(pk=rule.pk)
    )
    check_can_end(by, rule)
    if rule.valid_to is not None:
        raise Conflict("This rule has ended already.")
    rule.valid_to, rule.ended_by = timezone.now(), by
    rule.save(update_fields=["valid_to", "ended_by"])
    record(NegativeRuleEnded(rule_id=rule.pk, what=f"{rule.name} as {rule.category}"), by=by)


def check_can_end(by: Principal, rule: NegativeRule) -> None:
    """Whoever may make a rule of this place may end it."""
    if not can_end(by, rule):
        check_can_rule_out(by, NegativeRule.Scope.ALL, [])


def can_end(by: Principal, rule: NegativeRule) -> bool:
    scope = scope_of(by)
    if scope.everything:
        return True
    if rule.dataset is not None:
        return Dataset.objects.filter(pk=rule.dataset.pk).filter(scope.curation()).exists()
    place = rule.domain_id or (rule.source.domain_id if rule.source else None)
    return place is not None and scope.has_role(place, *CURATORS)


def _place(scope: NegativeRule.Scope, dataset: Dataset) -> Place:
    kinds = NegativeRule.Scope
    if scope == kinds.DATASET:
        return Place(dataset=dataset.pk)
    if scope == kinds.ALL:
        return Place()
    place = dataset.domain_id if scope == kinds.DOMAIN else dataset.source_id
    if place is None:
        word = "domain" if scope == kinds.DOMAIN else "source"
        raise Invalid(
            f"{dataset.qualified_name} has no {word}. Choose another scope for the rule.",
            {"as_rule": [f"has no {word}"]},
        )
    return Place(domain=place) if scope == kinds.DOMAIN else Place(source=place)
