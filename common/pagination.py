"""Keyset pages: a page starts after the last row of the one before, so page 10,000 costs what page 1 costs.

A cursor is the tuple of order values of a row, as JSON in URL-safe base64. It is data, not a secret: whoever forges one
only chooses where a page of rows that they may see anyway begins.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, QueryDict

from common.errors import Invalid

M = TypeVar("M", bound=Model)

MAX_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows of one page, and cursors for the pages beside it (None where there is none)."""

    rows: Sequence[M]
    next_cursor: str | None
    previous_cursor: str | None

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Stretch(Generic[M]):
    """A part of a list: rows in an order whose columns are not null and end in a unique one."""

    queryset: QuerySet[M]
    order: Sequence[str]


def _encode(direction: str, values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, dt.datetime | dt.date) else value for value in values]
    raw = json.dumps([direction, *plain], ensure_ascii=False, separators=(",", ":"), default=str)
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _decode(cursor: str, least: int = 0) -> tuple[str, list[Any]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        direction, *values = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, binascii.Error, UnicodeError, TypeError, RecursionError):
        raise _unreadable() from None
    scalar = all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values)
    if direction not in ("n", "p") or not scalar or len(values) < least:
        raise _unreadable()
    if any(isinstance(value, str) and not _is_storable(value) for value in values):
        raise _unreadable()
    return direction, values


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: no NUL, and no half of a surrogate pair, which JSON may hold and UTF-8 may not."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)


def _unreadable() -> Invalid:
    return Invalid("The page cursor cannot be read. Start again from the first page.", {"cursor": ["unreadable"]})


def _after(order: Sequence[str], values: Sequence[Any], *, backwards: bool) -> Q:
    """Rows strictly beyond `values` in `order`: (a > x) or (a = x and b > y) or ..."""
    found = Q()
    equal = Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        descending = name.startswith("-") != backwards
        found |= equal & Q(**{f"{field}__{'lt' if descending else 'gt'}": value})
        equal &= Q(**{field: value})
    # The first column alone bounds the range, which lets PostgreSQL start the index scan at the cursor.
    first = order[0].lstrip("-")
    descending = order[0].startswith("-") != backwards
    return Q(**{f"{first}__{'lte' if descending else 'gte'}": values[0]}) & found


def _value(row: Any, name: str) -> Any:
    for part in name.lstrip("-").split("__"):
        row = getattr(row, part)
    return row


def page_of(queryset: QuerySet[M], *, order: Sequence[str], cursor: str | None = None, size: int = 50) -> Page[M]:
    """One page of `queryset` in `order`, whose columns are not null and end in a unique one.

    Raises `Invalid` where the cursor was not made for this order.
    """
    direction, values = _decode(cursor) if cursor else ("n", None)
    return _page([Stretch(queryset, order)], direction, 0, values, size, numbered=False)


def page_over(stretches: Sequence[Stretch[M]], *, cursor: str | None = None, size: int = 50) -> Page[M]:
    """One page of several querysets, one after the other, each in its own order.

    For orders that no index has as a whole, and that indexes have in parts. Statements: one for each queryset that the
    page touches. Raises `Invalid` where the cursor was not made for these.
    """
    direction, at, values = "n", 0, None
    if cursor:
        direction, [at, *values] = _decode(cursor, least=1)
    if not isinstance(at, int) or not 0 <= at < len(stretches):
        raise _unreadable()
    return _page(stretches, direction, at, values, size, numbered=True)


def _page(
    stretches: Sequence[Stretch[M]], direction: str, at: int, values: list[Any] | None, size: int, *, numbered: bool
) -> Page[M]:
    size = max(1, min(size, MAX_PAGE_SIZE))
    backwards = direction == "p"
    found: list[tuple[int, M]] = []
    for number in range(at, -1, -1) if backwards else range(at, len(stretches)):
        beyond = values if number == at else None
        rows = _rows(stretches[number], beyond, backwards=backwards, limit=size + 1 - len(found))
        found += [(number, row) for row in rows]
        if len(found) > size:
            break
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    rows = [row for _, row in found]
    if not rows:
        return Page(rows, None, None)

    def cursor(to: str, number: int, row: M) -> str:
        place = [_value(row, name) for name in stretches[number].order]
        return _encode(to, [number, *place] if numbered else place)

    has_next = more if not backwards else True
    has_previous = (values is not None) if not backwards else more
    return Page(
        rows,
        cursor("n", *found[-1]) if has_next else None,
        cursor("p", *found[0]) if has_previous else None,
    )


def _rows(stretch: Stretch[M], values: list[Any] | None, *, backwards: bool, limit: int) -> list[M]:
    queryset, order = stretch.queryset, stretch.order
    if values is not None:
        if len(values) != len(order):
            raise _unreadable()
        try:
            queryset = queryset.filter(_after(order, values, backwards=backwards))
        except (ValueError, TypeError, OverflowError, ValidationError):
            raise Invalid("The page cursor is of another list. Start again from the first page.") from None
    wanted = [_reversed(name) for name in order] if backwards else list(order)
    return list(queryset.order_by(*wanted)[:limit])


def _reversed(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def page_size(request: HttpRequest, default: int = 50) -> int:
    """The `limit` a request asks for, between 1 and 200; raises `Invalid` where it is no such number."""
    text = request.GET.get("limit")
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise Invalid(
            f"limit is a number from 1 to {MAX_PAGE_SIZE}.",
            {"limit": [f"a number from 1 to {MAX_PAGE_SIZE}"]},
        )
    return int(text)


def page_link(request: HttpRequest, cursor: str | None) -> str | None:
    """The request's own URL with another cursor, or None without one."""
    if cursor is None:
        return None
    query: QueryDict = request.GET.copy()
    query.pop("cursor", None)
    pairs = [(name, value) for name, values in query.lists() for value in values]
    return f"{request.path}?{urlencode([*pairs, ('cursor', cursor)])}"
