"""What the form renderer writes itself is what Django's templates write."""

from __future__ import annotations

import datetime as dt

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from common.form_rendering import FormRenderer

HOSTILE = "\"><script>alert(1)</script>&'"
ATTRIBUTES = {
    "class": "form-control",
    "maxlength": "20",
    "title": HOSTILE,
    "required": True,
    "disabled": False,
    "rows": 4,
}
WIDGETS = (
    forms.TextInput,
    forms.NumberInput,
    forms.EmailInput,
    forms.URLInput,
    forms.HiddenInput,
    forms.DateInput,
    forms.Textarea,
    forms.CheckboxInput,
)


@pytest.mark.parametrize("widget", WIDGETS)
@pytest.mark.parametrize("value", [None, "", "plain", HOSTILE, 0, 1200, dt.date(2026, 11, 5), mark_safe("a &amp; b")])
def test_widgets_are_written_as_django_writes_them(widget: type[forms.Widget], value: object) -> None:
    def written(renderer: DjangoTemplates) -> str:
        return widget(attrs=ATTRIBUTES).render("of<this>", value, attrs={"id": "field_1"}, renderer=renderer)

    assert written(FormRenderer()) == written(DjangoTemplates())
