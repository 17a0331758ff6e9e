"""Forms: each field with its label, help and errors tied together; a summary of errors that links to them."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms import BaseForm, BoundField
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

register = template.Library()

GROUPS = (forms.RadioSelect, forms.CheckboxSelectMultiple)


def _control_class(widget: forms.Widget) -> str:
    if isinstance(widget, GROUPS):
        return ""
    if isinstance(widget, forms.CheckboxInput):
        return "form-check-input"
    if isinstance(widget, forms.Select):
        return "form-select"
    return "form-control"


def _describe(bound: BoundField) -> str:
    ids = []
    if bound.help_text:
        ids.append(f"{bound.auto_id}_help")
    if bound.errors:
        ids.append(f"{bound.auto_id}_problem")
    return " ".join(ids)


def control(bound: BoundField) -> SafeString:
    """The field's widget with our class, and ARIA that names its help and errors."""
    widget = bound.field.widget
    attrs: dict[str, Any] = {}
    own = widget.attrs.get("class", "")
    classes = f"{_control_class(widget)} {own}".strip()
    if classes:
        attrs["class"] = classes
    if not isinstance(widget, GROUPS):
        described = _describe(bound)
        if described:
            attrs["aria-describedby"] = described
        if bound.errors:
            attrs["aria-invalid"] = "true"
    return bound.as_widget(attrs=attrs)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: str = "", help: str = "", plain: bool = False) -> dict[str, Any]:
    """`{% field form.purpose %}`: label, control, help, errors. `label` and `help` replace its own; `plain` drops the help."""
    widget = bound.field.widget
    shape = "group" if isinstance(widget, GROUPS) else "check" if isinstance(widget, forms.CheckboxInput) else "line"
    if help or plain:
        bound.help_text = conditional_escape(help)
    values: dict[str, Any] = {
        "bound": bound,
        "label": label or bound.label,
        "shape": shape,
        "described_by": _describe(bound),
        "optional": not bound.field.required and shape == "line",
    }
    if shape != "group":
        values["control"] = control(bound)
    return values


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, Any]:
    """`{% error_summary form %}` above a form: what to correct, each a link to its field."""
    problems = [
        {"id": bound.id_for_label or bound.auto_id, "label": bound.label, "text": text}
        for bound in form
        for text in bound.errors
    ]
    return {"general": form.non_field_errors(), "problems": problems, "found": bool(form.errors)}


@register.inclusion_tag("components/form_fields.html")
def form_fields(form: BaseForm) -> dict[str, Any]:
    """`{% form_fields form %}`: error summary, hidden fields and every visible field in order."""
    return {"form": form}
