"""Every write of levels, labels and rules: authorise, write atomically, record."""

from classification.actions.categories import add_category, edit_category
from classification.actions.deciding import accept, reject, relabel, undo
from classification.actions.labelling import clear_level, hold_datasets, origin_of, recompute, set_level
from classification.actions.levels import add_level, delete_level, edit_level, reorder_levels
from classification.actions.rule_sets import apply_rule_set, discard_rule_set, draft_rule_set
from classification.actions.ruling_out import end_negative_rule
from classification.actions.suggesting import Suggestions, suggest, suggest_by_keys, suggest_by_names

__all__ = [
    "Suggestions",
    "accept",
    "add_category",
    "add_level",
    "apply_rule_set",
    "clear_level",
    "delete_level",
    "discard_rule_set",
    "draft_rule_set",
    "edit_category",
    "edit_level",
    "end_negative_rule",
    "hold_datasets",
    "origin_of",
    "recompute",
    "reject",
    "relabel",
    "reorder_levels",
    "set_level",
    "suggest",
    "suggest_by_keys",
    "suggest_by_names",
    "undo",
]
