"""What an administrator's categories come to: phrases and tests beside the shipped ones, and what each category means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from classification.detectors.categories import shipped_categories
from classification.detectors.lexicon import Meaning
from classification.detectors.patterns import Test
from classification.detectors.rules import CustomCategory
from classification.detectors.sketches import Sensitivity


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """All that a rule set adds to the shipped detectors; one object for the same additions, so that what is found by them
    can be remembered. `levels` replaces levels of categories."""

    phrases: Mapping[str, tuple[Meaning, ...]]
    tests: tuple[Test, ...]
    categories: Mapping[str, CustomCategory]
    levels: Mapping[str, Sensitivity]

    def standing(self, kind: str) -> tuple[bool, Sensitivity]:
        """Whether a category is personal, and its level."""
        category = self.categories.get(kind) or shipped_categories()[kind]
        return category.personal, self.levels.get(kind, category.level)

    def name_of(self, kind: str) -> str:
        """What people call a category."""
        category = shipped_categories().get(kind) or self.categories.get(kind)
        return category.name if category else kind


NOTHING_OWN = Own({}, (), {}, {})
