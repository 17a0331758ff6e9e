"""Numbers in a page's query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import Invalid

if TYPE_CHECKING:
    from django.http import HttpRequest


def number_in(request: HttpRequest, name: str) -> int | None:
    """The whole number that the query holds under `name`, None where there is none. Raises `Invalid` for anything else."""
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(f"{name} is a number.", {name: ["a number"]})
    return int(text)
