"""Between the rules as they are stored and the rules that the detectors take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classification.detectors import CustomCategory, Rules, Sensitivity, shipped_categories
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


def rules_of(rule_set: RuleSet) -> Rules:
    """The rules of a rule set as the detectors take them. What is ruled out where they are used is the caller's to add."""
    return rules_from(rule_set.contents, version=str(rule_set.version))


def rules_from(contents: Mapping[str, Any], *, version: str) -> Rules:
    """What `frozen_categories` keeps, as the detectors take it."""
    rows = contents["categories"]
    return Rules(
        version=version,
        categories=tuple(_custom(row) for row in rows if row["enabled"] and not row["shipped"]),
        disabled=frozenset(row["slug"] for row in rows if row["shipped"] and not row["enabled"]),
        levels={row["slug"]: _sensitivity(row["level"]) for row in rows if row["shipped"] and _is_moved(row)},
    )


def changed_categories(contents: Mapping[str, Any]) -> list[str]:
    """The slugs of the categories that differ now from what a rule set froze of them."""
    before = {row["slug"]: row for row in contents["categories"]}
    return [row["slug"] for row in frozen_categories()["categories"] if before.get(row["slug"]) != row]


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
