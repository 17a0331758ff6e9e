"""Django's own form renderer, that writes the plainest widgets itself.

A template for the control and one for its attributes cost 0.6 ms a field, and a page of decisions has 40 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape


class FormRenderer(DjangoTemplates):
    """Named by the setting FORM_RENDERER. What it writes is what Django's templates would, to the letter."""

    def render(self, template_name: str, context: Mapping[str, Any], request: HttpRequest | None = None) -> str:
        write = _WRITERS.get(template_name)
        return write(context["widget"]) if write else super().render(template_name, dict(context), request)


def _input(widget: Mapping[str, Any]) -> str:
    value = "" if widget["value"] is None else f' value="{_text(widget["value"])}"'
    return f'<input type="{_text(widget["type"])}" name="{_text(widget["name"])}"{value}{_attributes(widget["attrs"])}>'


def _textarea(widget: Mapping[str, Any]) -> str:
    value = _text(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{_text(widget["name"])}"{_attributes(widget["attrs"])}>\n{value}</textarea>'


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {_text(name)}" if value is True else f' {_text(name)}="{_text(value)}"'
        for name, value in attributes.items()
        if value is not False
    )


def _text(value: object) -> str:
    return conditional_escape(value if isinstance(value, str) else str(value))


_WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "django/forms/widgets/textarea.html": _textarea,
    **{f"django/forms/widgets/{kind}.html": _input for kind in ("text", "number", "email", "url", "hidden", "date")},
}
