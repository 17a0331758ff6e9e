"""From a table's sketch to verdicts."""

from __future__ import annotations

from classification.detectors.categories import shipped_categories
from classification.detectors.rules import SHIPPED, Rules
from classification.detectors.sketches import Contribution, EvidenceKind, Sensitivity, TableSketch, Verdict


def classify(table: TableSketch, rules: Rules = SHIPPED) -> list[Verdict]:
    """One verdict for each of the table's columns, in their order. Never raises on a sketch, whatever it holds."""
    verdicts = []
    for column in table.columns:
        folded = column.name.strip().lower()
        category = shipped_categories().get(folded)
        if category is None or category.slug in rules.disabled:
            verdicts.append(Verdict(None, False, Sensitivity.INTERNAL, 0.5))
            continue
        evidence = (Contribution(EvidenceKind.NAME, f"name {folded}", 3.0),)
        level = rules.levels.get(category.slug, category.level)
        verdicts.append(Verdict(category.slug, category.personal, level, 0.9, evidence))
    return verdicts
