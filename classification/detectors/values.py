"""Sampled values made comparable: without blanks, nulls and placeholders, distinct, short and few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classification.detectors.dictionaries import read_lines

MOST_VALUES = 20
MOST_READ = 200
LONGEST_VALUE = 2000

_PLACEHOLDERS = frozenset(("", "#n/a", *read_lines("placeholders.txt")))
_FILLERS = frozenset("09xX-*#?. ")


@dataclass(frozen=True, slots=True)
class Sample:
    """What is left of a column's values: up to 20 distinct ones in the order in which they came, trimmed and capped;
    `compact` are the same without blanks, dots, dashes and slashes, in upper case.

    `read` values were looked at, of which `present` were neither null nor placeholders, and `different` of these differed.
    """

    values: tuple[str, ...]
    compact: tuple[str, ...]
    read: int
    present: int
    different: int


NOTHING = Sample((), (), 0, 0, 0)
_SEPARATORS = str.maketrans("", "", " -./\u00a0")


def is_placeholder(trimmed: str) -> bool:
    """Whether a trimmed value stands for no value: n/a, unknown, 0000, test@test.com."""
    if len(trimmed) > 20:
        return False
    return trimmed.lower() in _PLACEHOLDERS or (len(trimmed) >= 3 and trimmed[0] in _FILLERS and len(set(trimmed)) == 1)


def sample_of(values: Sequence[str | None] | None) -> Sample:
    """The sample of a column's values; what is no text is read as its text."""
    if not values:
        return NOTHING
    distinct: dict[str, None] = {}
    read = present = 0
    for value in values:
        read += 1
        if read > MOST_READ:
            break
        if value is None:
            continue
        if value.__class__ is not str:
            value = str(value)
        trimmed = value[:LONGEST_VALUE].strip()
        if trimmed in distinct:
            present += 1
            continue
        if is_placeholder(trimmed):
            continue
        present += 1
        distinct[trimmed] = None
    values_kept = tuple(distinct)[:MOST_VALUES]
    compact = tuple([value[:60].translate(_SEPARATORS).upper() for value in values_kept])
    return Sample(values_kept, compact, read, present, len(distinct))
