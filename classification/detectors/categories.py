"""The categories that the product ships: what is governed, at which level, and why it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from classification.detectors.dictionaries import read_table
from classification.detectors.sketches import Sensitivity


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of governed data. `jurisdiction` is an ISO 3166 code, or "" where it holds everywhere; `special` says that it
    is among the special categories of GDPR (Art. 9, 10) or sensitive under the Australian Privacy Act."""

    slug: str
    name: str
    level: Sensitivity
    personal: bool
    special: bool
    jurisdiction: str
    description: str


@cache
def _by_slug() -> Mapping[str, Category]:
    return MappingProxyType(
        {
            slug: Category(
                slug=slug,
                name=row["name"],
                level=Sensitivity(row["level"]),
                personal=row["personal"],
                special=row.get("special", False),
                jurisdiction=row.get("jurisdiction", ""),
                description=row["description"],
            )
            for slug, row in read_table("categories.toml").items()
        }
    )


def shipped_categories() -> Mapping[str, Category]:
    """The shipped categories by slug, in the order in which lists show them."""
    return _by_slug()
