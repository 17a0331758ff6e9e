"""Every write of levels, labels and rules: authorise, write atomically, record."""

from classification.actions.deciding import accept, reject, relabel, undo
from classification.actions.labelling import clear_level, hold_datasets, origin_of, recompute, set_level
from classification.actions.levels import add_level, delete_level, edit_level, reorder_levels
from classification.actions.ruling_out import end_negative_rule
from classification.actions.suggesting import Suggestions, suggest, suggest_by_names

__all__ = [
    "Suggestions",
    "accept",
    "add_level",
    "clear_level",
    "delete_level",
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
    "suggest_by_names",
    "undo",
]
