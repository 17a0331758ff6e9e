"""Numbers that whoever starts the catalog chooses by environment variables; a wrong one is refused with a sentence."""

import os
from collections.abc import Mapping

from stack.errors import StackError


def number(name: str, default: int, *, most: int, environment: Mapping[str, str] = os.environ) -> int:
    """What the variable holds, from 1 to `most`."""
    text = environment.get(name) or str(default)
    if not _is_number(text, most):
        raise StackError(
            f"{name}={text} is not allowed. Choose a number from 1 to {most}, for example {name}={default}."
        )
    return int(text)


def port(name: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """The port that the variable chooses; None without it."""
    text = environment.get(name)
    if text and not _is_number(text, 65_535):
        raise StackError(f"{name}={text} is no port. Choose a number from 1 to 65535, for example {name}=8080.")
    return int(text) if text else None


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= most
