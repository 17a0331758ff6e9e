"""How a column may be shown to whoever may not read it as it is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Mask(StrEnum):
    """What is shown in place of a value.

    `partial` keeps the last characters, `generalise` a coarser value (the year of a date, a number rounded down), `hash`
    only tells equal values apart from others, `null` shows nothing.
    """

    PARTIAL = "partial"
    GENERALISE = "generalise"
    HASH = "hash"
    NULL = "null"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Mask.PARTIAL: "only the last characters",
    Mask.GENERALISE: "a coarser value",
    Mask.HASH: "a hash",
    Mask.NULL: "nothing",
}
_STRENGTH = {mask: strength for strength, mask in enumerate(Mask, start=1)}


def strength(mask: Mask | None) -> int:
    """How much a mask hides, from 0 for none."""
    return _STRENGTH[mask] if mask is not None else 0


def strictest(masks: Iterable[Mask | None]) -> Mask | None:
    """The one that hides most; None where none hides anything."""
    return max(masks, key=strength, default=None)


def mildest(masks: Iterable[Mask | None]) -> Mask | None:
    """The one that hides least; None where one hides nothing, or there is none."""
    return min(masks, key=strength, default=None)
