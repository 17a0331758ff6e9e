"""How much a run proves: `bin/test` leaves the long proofs out, `bin/test --all` and a run of single files do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Look = TypeVar("Look")

short = False
"""Whether long proofs are left out; the plugin says so before any test is collected."""

_FEWER = 4


def examples(number: int) -> int:
    """Of so many generated examples, those of this run."""
    return max(10, number // _FEWER) if short else number


def looks(of: str, every: Sequence[Look]) -> Sequence[Look]:
    """In how many themes and widths a page is looked at: in all of them, or by its name in one, so that each has its pages."""
    return [every[sum(of.encode()) % len(every)]] if short else every
