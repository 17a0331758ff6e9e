"""How much a run proves: `bin/test` leaves the long proofs out, `bin/test --all` and a run of single files do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Look = tuple[Literal["light", "dark"], int]

LOOKS: Sequence[Look] = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))
"""Theme and width of a page."""

short = False
"""Whether long proofs are left out; the plugin says so before any test is collected."""

_FEWER = 4


def examples(number: int) -> int:
    """Of so many generated examples, those of this run."""
    return max(10, number // _FEWER) if short else number


def looks(of: str) -> Sequence[Look]:
    """In which of `LOOKS` a page is looked at: in all of them, or by its name in one, so that each has its pages."""
    return [LOOKS[sum(of.encode()) % len(LOOKS)]] if short else LOOKS
