"""Every write of levels, labels and rules: authorise, write atomically, record."""

from classification.actions.labelling import clear_level, hold_datasets, origin_of, recompute, set_level
from classification.actions.levels import add_level, delete_level, edit_level, reorder_levels

__all__ = [
    "add_level",
    "clear_level",
    "delete_level",
    "edit_level",
    "hold_datasets",
    "origin_of",
    "recompute",
    "reorder_levels",
    "set_level",
]
