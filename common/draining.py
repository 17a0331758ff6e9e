"""Work that comes in heaps, of which a task does as much as fits between others' turns."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 20.0
"""A heap hands over to the next task after this long, so that other work gets its turn."""


def for_a_while(step: Callable[[], int]) -> int:
    """Repeat a step until it finds nothing to do or the time is over; returns the sum of what it did."""
    began, total = time.monotonic(), 0
    while done := step():
        total += done
        if time.monotonic() - began > SECONDS:
            break
    return total
