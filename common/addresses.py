"""The addresses of many rows, for which the URL patterns are asked once."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse


def addresses_of(name: str) -> Callable[[int], str]:
    """What gives the address of each row by its id, for a pattern whose one argument that is.

    Made anew by each request, for it may be served below another path. `reverse` takes 25 µs for each row.
    """
    before, after = reverse(name, args=[0]).rsplit("0", 1)
    return lambda pk: f"{before}{pk}{after}"
