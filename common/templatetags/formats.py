"""Numbers, sizes and times as people read them; each filter answers "" (or a dash) for None."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

NONE = "–"
THIN_SPACE = "\u202f"


@register.filter
def number(value: float | None) -> str:
    """`12345 -> 12 345`, with a thin space; up to one decimal for a fraction."""
    if value is None:
        return NONE
    text = f"{value:,.1f}" if isinstance(value, float) and value != int(value) else f"{int(value):,}"
    return text.replace(",", THIN_SPACE)


BREAKS = re.compile(r"(?<=[._/\\-])(?=\w)")


@register.filter
def breakable(name: object) -> SafeString:
    """A technical name that may wrap after a dot, underscore, slash or hyphen, and is still copied whole."""
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in BREAKS.split(str(name))))


@register.filter
def compact(value: float | None) -> str:
    """An estimate in three digits: `1234567 -> 1.23 M`."""
    if value is None:
        return NONE
    size = float(value)
    for unit in ("", "k", "M", "G"):
        if abs(size) < 999.5 or unit == "G":
            break
        size /= 1000
    text = f"{size:.3g}" if abs(size) < 999.5 else f"{size:.0f}"
    return f"{text}{THIN_SPACE}{unit}" if unit else text


@register.filter
def filesize(value: float | None) -> str:
    """Bytes in decimal units: `1536000 -> 1.54 MB`."""
    if value is None:
        return NONE
    size = float(value)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(size) < 999.5 or unit == "PB":
            break
        size /= 1000
    return f"{size:.3g}{THIN_SPACE}{unit}"


@register.filter
def duration(value: dt.timedelta | float | None) -> str:
    """A length of time in its two largest units: `3671 -> 1 h 1 min`; below ten seconds with a decimal."""
    if value is None:
        return NONE
    seconds = value.total_seconds() if isinstance(value, dt.timedelta) else float(value)
    if seconds < 0:
        return NONE
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts = [
        (whole // 86_400, "d"),
        (whole % 86_400 // 3_600, "h"),
        (whole % 3_600 // 60, "min"),
        (whole % 60, "s"),
    ]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


@register.filter
def moment(value: dt.datetime | dt.date | None) -> str:
    """A time in full: `23 Nov 2026, 14:05`."""
    if value is None:
        return NONE
    if isinstance(value, dt.datetime):
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        return f"{local.day} {local:%b %Y, %H:%M}"
    return f"{value.day} {value:%b %Y}"


def relative(value: dt.datetime, now: dt.datetime) -> str:
    """`3 minutes ago`, `in 2 days`, `just now`; whole units, the past in full ones, the future rounded."""
    seconds = (value - now).total_seconds()
    for unit, size in (
        ("year", 31_557_600),
        ("month", 2_629_800),
        ("day", 86_400),
        ("hour", 3_600),
        ("minute", 60),
    ):
        if abs(seconds) >= size:
            # A term of 30 days that began an hour ago has 30 days left to any reader.
            count = round(seconds / size) if seconds > 0 else int(-seconds // size)
            noun = unit if count == 1 else f"{unit}s"
            return f"{count} {noun} ago" if seconds < 0 else f"in {count} {noun}"
    return "just now" if seconds <= 0 else "in a moment"


@register.simple_tag
def ago(value: dt.datetime | Literal[""] | None, empty: str = "never") -> SafeString | str:
    """`{% ago dataset.last_seen_at %}`: relative words with the full time as title, kept true by the page.

    Of what is not there, as the attribute of a row that does not exist, a template gives the empty text.
    """
    if not value:
        return empty
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}" data-behaviour="relative-time">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{moment(value)} {local:%Z}",
        relative(value, timezone.now()),
    )
