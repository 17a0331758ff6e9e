"""Filters of lists that every room has, described as exactly as they read."""

from __future__ import annotations

from typing import Any

import django_filters
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
