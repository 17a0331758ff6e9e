"""Between the rules as they are stored and the rules that the detectors take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from classification.detectors import CustomCategory, NegativeRule, Rules, Sensitivity, shipped_categories
from classification.models import Category, RuleSet

_SHIPPED_LEVELS = frozenset(Sensitivity)


def frozen_categories() -> dict[str, Any]:
    """What a rule set keeps of the categories as they are now; one statement."""
    return {
        "categories": [
            {
                "slug": category.slug,
                "level": category.level.slug,
                "personal": category.personal,
                "shipped": category.shipped,
                "enabled": category.enabled,
                "names": category.names,
                "abbreviations": category.abbreviations,
                "patterns": category.patterns,
                "checksum": category.checksum,
            }
            for category in Category.objects.select_related("level").order_by("slug")
        ]
    }


def applied_rule_set() -> RuleSet:
    """The rule set that holds. One does from the first migration on."""
    return RuleSet.objects.get(state=RuleSet.State.APPLIED)


def rules_of(rule_set: RuleSet, negatives: Iterable[NegativeRule] = ()) -> Rules:
    """The rules of a rule set as the detectors take them, with what is ruled out where they are used."""
    rows = rule_set.contents["categories"]
    return Rules(
        version=str(rule_set.version),
        categories=tuple(_custom(row) for row in rows if row["enabled"] and not row["shipped"]),
        negatives=tuple(negatives),
        disabled=frozenset(row["slug"] for row in rows if row["shipped"] and not row["enabled"]),
        levels={row["slug"]: _sensitivity(row["level"]) for row in rows if row["shipped"] and _is_moved(row)},
    )


def _custom(row: Mapping[str, Any]) -> CustomCategory:
    return CustomCategory(
        slug=row["slug"],
        name=row["slug"],
        level=_sensitivity(row["level"]),
        personal=row["personal"],
        names=tuple(row["names"]),
        abbreviations=row["abbreviations"],
        patterns=tuple(row["patterns"]),
        check=row["checksum"],
    )


def _is_moved(row: Mapping[str, Any]) -> bool:
    shipped = shipped_categories().get(row["slug"])
    return shipped is not None and shipped.level != row["level"]


def _sensitivity(slug: str) -> Sensitivity:
    """The detectors know the shipped levels only; of an organisation's own, suggestions take the category's level."""
    return Sensitivity(slug) if slug in _SHIPPED_LEVELS else Sensitivity.RESTRICTED
