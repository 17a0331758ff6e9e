"""Adding and editing categories; they have effect once they are in the rule set that holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Principal
from audit.recording import record
from classification.detectors import checksums
from classification.events import CategoryAdded, CategoryEdited
from classification.models import Category, Level
from classification.permissions import check_can_edit_rules
from common.errors import Conflict, Invalid

_OF_ALL = ("name", "level", "jurisdiction", "personal", "special", "description", "enabled")
_OF_OWN = ("names", "abbreviations", "patterns", "checksum")
MOST_PATTERNS = 50
_LARGEST_PROGRAM = 1 << 20
"""Bytes that a compiled pattern may take: RE2 refuses what would need more, so no pattern can exhaust a worker."""


@transaction.atomic
def add_category(
    *,
    slug: str,
    name: str,
    level: Level,
    by: Principal,
    description: str = "",
    jurisdiction: str = "",
    personal: bool = False,
    special: bool = False,
    names: Sequence[str] = (),
    abbreviations: Mapping[str, str] | None = None,
    patterns: Sequence[str] = (),
    checksum: str = "",
) -> Category:
    """Add a category of the organisation. Raises `Invalid` for a pattern that RE2 cannot read or an unknown check."""
    check_can_edit_rules(by)
    category = Category(
        slug=slug,
        name=name,
        level=level,
        description=description,
        jurisdiction=jurisdiction,
        personal=personal,
        special=special,
        names=list(names),
        abbreviations=dict(abbreviations or {}),
        patterns=list(patterns),
        checksum=checksum,
    )
    _save(category)
    record(CategoryAdded(category_id=category.pk, category=category.name, level=level.name), by=by)
    return category


@transaction.atomic
def edit_category(*, category: Category, changes: Mapping[str, Any], by: Principal) -> Category:
    """Change what a category says and how it is found; of a shipped one, how it is found is the detectors'."""
    check_can_edit_rules(by)
    category = Category.objects.select_for_update(of=["self"]).select_related("level").get(pk=category.pk)
    allowed = _OF_ALL if category.shipped else _OF_ALL + _OF_OWN
    refused = sorted(set(changes) - set(allowed))
    if refused:
        raise Invalid("These cannot be changed here.", {name: ["cannot be changed"] for name in refused})
    before = {name: getattr(category, name) for name in changes if getattr(category, name) != changes[name]}
    if not before:
        return category
    for name in before:
        setattr(category, name, changes[name])
    category.edited = True
    _save(category)
    event = CategoryEdited(
        category_id=category.pk,
        category=category.name,
        before={name: _plain(value) for name, value in before.items()},
        after={name: _plain(changes[name]) for name in before},
    )
    record(event, by=by)
    return category


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, Level) else value


def _save(category: Category) -> None:
    """Save what can be used: errors name the field and what is wrong with it."""
    wrong: dict[str, list[str]] = {}
    try:
        category.clean_fields()
    except ValidationError as error:
        wrong = {name: list(texts) for name, texts in error.message_dict.items()}
    if faults := faults_of_patterns(category.patterns):
        wrong["patterns"] = faults
    if category.checksum and category.checksum not in checksums.names():
        wrong["checksum"] = [f"{category.checksum} is no check that the catalog knows"]
    if not all(isinstance(one, str) and isinstance(other, str) for one, other in category.abbreviations.items()):
        wrong["abbreviations"] = ["Give a phrase for each abbreviation."]
    if wrong:
        raise Invalid("Correct the fields named below.", wrong)
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError:
        raise Conflict(f"There is already a category called {category.name} or {category.slug}.") from None


def faults_of_patterns(patterns: Sequence[str]) -> list[str]:
    """A sentence for each pattern that RE2 does not take; RE2 never backtracks, so none can stall a crawl."""
    import re2  # 5 MB: only where patterns are edited or used

    if len(patterns) > MOST_PATTERNS:
        return [f"Give at most {MOST_PATTERNS} patterns."]
    options = re2.Options()
    options.max_mem = _LARGEST_PROGRAM
    options.log_errors = False
    faults = []
    for pattern in patterns:
        try:
            re2.compile(pattern, options)
        except re2.error as error:
            told = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else error
            faults.append(f"{pattern}: {told}")
    return faults
