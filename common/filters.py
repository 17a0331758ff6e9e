"""Filters of lists that every room has, described as exactly as they read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
import msgspec
from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.utils import extend_schema_field

LARGEST_ID = 2**63 - 1
LONGEST_TEXT = 1024


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_ID})
class IdFilter(django_filters.NumberFilter):
    """What has the id of something."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=LARGEST_ID, decimal_places=0, **kwargs)


@extend_schema_field({"type": "string", "maxLength": LONGEST_TEXT, "pattern": "^[^\\u0000]*$"})
class TextFilter(django_filters.CharFilter):
    """What has a text, of those that PostgreSQL can hold."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, max_length=LONGEST_TEXT, validators=[ProhibitNullCharactersValidator()], **kwargs)


class TimeField(forms.DateTimeField):
    """A time as programs write it (RFC 3339, what `common.described_query` lets pass) or as a browser's field does."""

    def to_python(self, value: Any) -> dt.datetime | None:
        if isinstance(value, str):
            try:
                moment = msgspec.convert(value.strip(), dt.datetime)
            except (msgspec.ValidationError, ValueError, OverflowError):
                moment = None
            if moment is not None and moment.tzinfo is not None:
                return _in_utc(moment)
        found: dt.datetime | None = super().to_python(value)
        return found


def _in_utc(moment: dt.datetime) -> dt.datetime:
    """The same moment; one that falls out of the years 1 to 9999 by it is the first or the last of them."""
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        first, last = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)
        return first if moment.year == first.year else last


@extend_schema_field({"type": "string", "format": "date-time"})
class TimeFilter(django_filters.Filter):
    """What was at a time, before or after it."""

    field_class = TimeField
