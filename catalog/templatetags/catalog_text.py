"""Text of the catalog in templates: Markdown made harmless, and values of mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString

from common.markdown import render

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Sanitised HTML of Markdown text."""
    return render(str(text))


@register.filter
def at(values: Mapping[Any, Any] | None, key: Any) -> Any:
    """`{{ references|at:key.pk }}`: the value of a key, or None."""
    return (values or {}).get(key)
