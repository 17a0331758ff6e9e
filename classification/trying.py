"""Try the rules on names and values that somebody typed: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from classification.detectors import ColumnSketch, TableSketch, Verdict, classify
from classification.rules import frozen_categories, rules_from

MOST_NAMES = 50
MOST_VALUES = 100


def try_rules(*, names: Sequence[str], type: str = "", values: Sequence[str] = (), table: str = "") -> list[Verdict]:
    """What the detectors, with the categories as they are now (drafts included), say of columns of these names.

    Each name is judged with the same values, without neighbours; without values, by its name and type.
    """
    rules = rules_from(frozen_categories(), version="as edited")
    given = list(values[:MOST_VALUES]) or None
    sketches = [ColumnSketch(name=name, type=type, values=given) for name in names[:MOST_NAMES]]
    return [classify(TableSketch(name=table, columns=[sketch]), rules)[0] for sketch in sketches]
