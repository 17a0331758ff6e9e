"""Levels, categories and labels; the rules by which columns are classified; what was looked at."""

from classification.models.categories import Category
from classification.models.counts import CoverageSum, DatasetCount, UncountedDataset, WaitingSum
from classification.models.coverage import CoverageDay, Examination
from classification.models.labels import Decision, Label
from classification.models.levels import LONGEST_GRANT_DAYS, MOST_APPROVALS, Level
from classification.models.propagation import CarriedLabel, HeldMasking, StaleDataset
from classification.models.rules import NegativeRule, Reclassification, RuleSet

__all__ = [
    "LONGEST_GRANT_DAYS",
    "MOST_APPROVALS",
    "CarriedLabel",
    "Category",
    "CoverageDay",
    "CoverageSum",
    "DatasetCount",
    "Decision",
    "Examination",
    "HeldMasking",
    "Label",
    "Level",
    "NegativeRule",
    "Reclassification",
    "RuleSet",
    "StaleDataset",
    "UncountedDataset",
    "WaitingSum",
]
