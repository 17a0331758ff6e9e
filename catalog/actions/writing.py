"""Save a validated row, and say in sentences what stood in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from catalog.models import Dataset
from common.errors import Conflict, Invalid

RESERVED_SLUGS = {"add"}
"""What stands in an address where a slug could: /domains/add/."""


def created(instance: Any, taken: str) -> Any:
    """Save a new row after its own validation; unique values that are taken are a `Conflict`."""
    if getattr(instance, "slug", "") in RESERVED_SLUGS:
        raise Invalid("Choose another name.", {"slug": [f"“{instance.slug}” is the address of a page."]})
    _save(instance, taken, force_insert=True)
    return instance


def edited(instance: Any, changes: Mapping[str, Any], allowed: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Apply `changes` to a locked row and save; returns what they replaced and what they wrote."""
    unknown = set(changes) - set(allowed)
    if unknown:
        raise Invalid("These cannot be changed here.", {name: ["cannot be changed"] for name in sorted(unknown)})
    before = {
        name: getattr(instance, name)
        for name in allowed
        if name in changes and getattr(instance, name) != changes[name]
    }
    after = {name: changes[name] for name in before}
    for name, value in after.items():
        setattr(instance, name, value)
    if after:
        _save(instance, "Another one has this name already. Choose another.")
    return before, after


def _save(instance: Any, taken: str, *, force_insert: bool = False) -> None:
    try:
        instance.clean_fields()
    except ValidationError as error:
        raise Invalid("Correct the fields named below.", error.message_dict) from None
    try:
        with transaction.atomic():
            instance.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(taken) from None


def named(datasets: Sequence[Dataset]) -> str:
    """How a sentence speaks of datasets: one by its name, several by their number."""
    return datasets[0].name if len(datasets) == 1 else f"{len(datasets)} datasets"
