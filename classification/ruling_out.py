"""What people ruled out, where it holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from catalog.models import Dataset
from classification import detectors
from classification.detectors.tokens import tokens_of
from classification.models import NegativeRule

LONGEST_PHRASE = 200


def phrase_of(name: str) -> str:
    """The normalised tokens of a column's name: equal for columns that look alike."""
    return " ".join(tokens_of(name))[:LONGEST_PHRASE]


@dataclass(frozen=True, slots=True)
class RuledOut:
    """The negative rules that hold in one dataset."""

    rules: tuple[NegativeRule, ...]

    def categories(self, phrase: str) -> set[int]:
        """The ids of the categories that a column of this phrase is not."""
        return {rule.category_id for rule in self.rules if _matches(rule, phrase)}

    def as_detectors_take_them(self) -> tuple[detectors.NegativeRule, ...]:
        return tuple(
            detectors.NegativeRule(category=rule.category.slug, name=rule.name, whole=rule.whole) for rule in self.rules
        )


def _matches(rule: NegativeRule, phrase: str) -> bool:
    return rule.name == phrase if rule.whole else f" {rule.name} " in f" {phrase} "


def ruled_out_in(datasets: Iterable[Dataset]) -> dict[int, RuledOut]:
    """What is ruled out in each of these datasets; one statement."""
    known = list(datasets)
    by_scope: dict[tuple[str, int | None], list[NegativeRule]] = defaultdict(list)
    for rule in _holding(known).select_related("category"):
        by_scope[rule.scope, rule.domain_id or rule.source_id or rule.dataset_id].append(rule)
    scope = NegativeRule.Scope
    return {
        dataset.pk: RuledOut(
            tuple(
                rule
                for key in (
                    (scope.ALL.value, None),
                    (scope.DOMAIN.value, dataset.domain_id),
                    (scope.SOURCE.value, dataset.source_id),
                    (scope.DATASET.value, dataset.pk),
                )
                for rule in by_scope.get(key, ())
            )
        )
        for dataset in known
    }


def _holding(datasets: Collection[Dataset]) -> QuerySet[NegativeRule]:
    where = (
        Q(scope=NegativeRule.Scope.ALL)
        | Q(domain__in={dataset.domain_id for dataset in datasets if dataset.domain_id})
        | Q(source__in={dataset.source_id for dataset in datasets if dataset.source_id})
        | Q(dataset__in=[dataset.pk for dataset in datasets])
    )
    return NegativeRule.objects.filter(where, valid_to__isnull=True)
