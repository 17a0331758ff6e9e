"""The forms of attributes, purposes and query engines' catalogs."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from access.forms.naming import LinesField, look_up, people_called
from accounts.forms import ActionForm
from accounts.models import Principal
from catalog.models import Source


class AttributeForm(ActionForm):
    """What is so of somebody, or of several at once."""

    people = LinesField(
        label="Of whom", help_text="User names or e-mail addresses, services and pipelines by name: one a line."
    )
    name = forms.CharField(max_length=60, help_text="Such as department.")
    value = forms.CharField(max_length=200, help_text="Such as finance.")

    def clean_people(self) -> list[Principal]:
        ids, problems = look_up(self.cleaned_data["people"], people_called)
        if problems:
            raise forms.ValidationError(problems)
        return list(Principal.objects.filter(pk__in=ids).order_by("pk"))


class NewPurposeForm(ActionForm):
    name = forms.CharField(max_length=80, help_text="As people read it when they ask for access.")
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="What belongs here",
        help_text="In a sentence or two.",
    )


class PurposeForm(NewPurposeForm):
    enabled = forms.BooleanField(
        required=False,
        label="Requests may name it",
        help_text="Without this it is retired: requests and policies that name it keep it.",
    )


class EngineCatalogForm(ActionForm):
    name = forms.CharField(max_length=200, label="The engine's catalog", help_text="As the engine writes it.")
    source = forms.ModelChoiceField(queryset=Source.objects.none(), label="The source that it is")
    before = LinesField(
        label="Before the schema",
        help_text="What stands before the schema in the source's paths, one part a line: for PostgreSQL the database.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        cast(forms.ModelChoiceField, self.fields["source"]).queryset = Source.objects.order_by("name")
