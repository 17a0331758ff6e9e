"""One line on standard error for each step of the set-up, with its duration."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

COLUMN = 44


def note(text: str) -> None:
    """Print one line to standard error, so that standard output stays free for a command's own answer."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step on a terminal while it runs, and print one line with its seconds when it is done."""
    terminal = sys.stderr.isatty()
    if terminal:
        print(f"  {text} …", end="", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        note(f"\r  {text:<{COLUMN}} failed" if terminal else f"  {text:<{COLUMN}} failed")
        raise
    seconds = time.monotonic() - started
    note(f"{chr(13) if terminal else ''}  {text:<{COLUMN}} {seconds:5.1f} s")
