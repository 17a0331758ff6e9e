"""The shipped categories, and the first rule set, in the database: after each migration, so that new ones arrive by update."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import Principal
from classification.detectors import shipped_categories
from classification.models import Category, Level, RuleSet
from classification.rules import frozen_categories

_TEXTS = ("name", "level", "jurisdiction", "personal", "special", "description")


def synchronise_categories() -> None:
    """Write what is shipped as it is shipped, and leave alone what somebody edited; a handful of statements.

    Where the level of a category is no more, the most sensitive one takes its place. Without levels nothing is done.
    """
    levels = {level.slug: level for level in Level.objects.order_by("rank")}
    if not levels:
        return
    highest = list(levels.values())[-1]
    wanted = [
        Category(
            slug=slug,
            name=shipped.name,
            level=levels.get(shipped.level, highest),
            jurisdiction=shipped.jurisdiction,
            personal=shipped.personal,
            special=shipped.special,
            description=shipped.description,
            shipped=True,
        )
        for slug, shipped in shipped_categories().items()
    ]
    known = {category.slug: category for category in Category.objects.select_related("level")}
    missing = [category for category in wanted if category.slug not in known]
    differing = [
        category
        for category in wanted
        if category.slug in known and not known[category.slug].edited and _differs(category, known[category.slug])
    ]
    for category in differing:
        category.pk = known[category.slug].pk
    Category.objects.bulk_create(missing)
    Category.objects.bulk_update(differing, _TEXTS)
    _first_rule_set()


def _differs(one: Category, other: Category) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in _TEXTS)


def _first_rule_set() -> None:
    if RuleSet.objects.exists():
        return
    system = Principal.objects.system()
    RuleSet.objects.create(
        version=1,
        weights_version="shipped",
        contents=frozen_categories(),
        state=RuleSet.State.APPLIED,
        made_by=system,
        applied_at=timezone.now(),
        applied_by=system,
    )
