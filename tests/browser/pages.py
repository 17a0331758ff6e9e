"""The pages that browsers look at: those of the URL table that answer with a page."""

from __future__ import annotations

from collections.abc import Iterator

from tests.contracts.url_table import ROWS
from tests.contracts.url_visit import Row


def pages() -> list[tuple[Row, str]]:
    """Each page with who looks at it: the anonymous where they may, else the steward, else the administrator."""
    return list(_pages())


def _pages() -> Iterator[tuple[Row, str]]:
    for row in ROWS:
        if not row.page:
            continue
        for persona in ("anonymous", "steward", "administrator", "analyst"):
            if row.statuses[persona] == 200:
                yield row, persona
                break


def file_name(row: Row) -> str:
    """A name for a picture: the route's, with what tells its rows apart."""
    words = [row.name, *row.objects.values(), row.query]
    text = "-".join(word for word in words if word)
    return "".join(letter if letter.isalnum() else "-" for letter in text).strip("-")
