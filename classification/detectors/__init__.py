"""Detectors: what a column holds, judged from its name, type, comment, values and neighbours. Pure, and without a model.

`classify(table, rules)` gives one verdict a column; `sketches` holds what goes in and comes out, `rules` what an
administrator adds, `categories` what is shipped.
"""

from classification.detectors.categories import Category, shipped_categories
from classification.detectors.classifying import classify
from classification.detectors.rules import SHIPPED, CustomCategory, NegativeRule, Rules
from classification.detectors.sketches import (
    ColumnSketch,
    Contribution,
    EvidenceKind,
    Sensitivity,
    TableSketch,
    Verdict,
)

__all__ = [
    "SHIPPED",
    "Category",
    "ColumnSketch",
    "Contribution",
    "CustomCategory",
    "EvidenceKind",
    "NegativeRule",
    "Rules",
    "Sensitivity",
    "TableSketch",
    "Verdict",
    "classify",
    "shipped_categories",
]
