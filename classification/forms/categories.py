"""Categories, and trying the rules."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from accounts.forms import ActionForm
from classification.detectors import checksums
from classification.models import Category, Level
from classification.trying import MOST_NAMES, MOST_VALUES


class LinesField(forms.CharField):
    """Lines of text as a list, without empty ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3}), required=options.pop("required", False), **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class AbbreviationsField(LinesField):
    """Lines of `token = phrase` as a mapping."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{short} = {phrase}" for short, phrase in value.items()) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        pairs = [line.partition("=") for line in super().to_python(value)]
        if any(not (short.strip() and phrase.strip()) for short, _, phrase in pairs):
            raise forms.ValidationError("Write one abbreviation a line: pno = patient number.")
        return {short.strip().lower(): phrase.strip() for short, _, phrase in pairs}


class CategoryForm(ActionForm):
    """What a category says of itself; of the organisation's own also how it is found."""

    name = forms.CharField(max_length=80)
    level = forms.ChoiceField()
    description = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text="What belongs here, in a sentence or two."
    )
    jurisdiction = forms.RegexField(
        "^[A-Z]{2}$",
        required=False,
        help_text="ISO 3166 code of the country whose law it is: AU. Empty where it holds everywhere.",
        error_messages={"invalid": "Give two capital letters, as in AU, or nothing."},
    )
    personal = forms.BooleanField(required=False, label="About persons")
    special = forms.BooleanField(
        required=False, label="Special under GDPR, or sensitive under the Australian Privacy Act"
    )
    enabled = forms.BooleanField(required=False, initial=True, label="Look for it")
    names = LinesField(help_text="Phrases that columns are called, one a line: patient number.")
    abbreviations = AbbreviationsField(help_text="One a line: pno = patient number.")
    patterns = LinesField(
        help_text="Regular expressions (RE2) that a whole value must match, one a line. They need sampled values."
    )
    checksum = forms.ChoiceField(required=False, label="Check", help_text="A check digit that values must have.")

    def __init__(self, *args: Any, category: Category | None = None, **options: Any) -> None:
        if category is not None:
            initial = {name: getattr(category, name) for name in self.base_fields if name != "slug"}
            options.setdefault("initial", initial | {"level": category.level.slug})
        super().__init__(*args, **options)
        self.levels = {level.slug: level for level in Level.objects.order_by("-rank")}
        cast(forms.ChoiceField, self.fields["level"]).choices = [(slug, one.name) for slug, one in self.levels.items()]
        if category is not None and category.shipped:
            for name in ("names", "abbreviations", "patterns", "checksum"):
                del self.fields[name]
        else:
            check = cast(forms.ChoiceField, self.fields["checksum"])
            check.choices = [("", "None")] + [(name, name) for name in checksums.names()]

    @property
    def values(self) -> dict[str, Any]:
        return self.cleaned_data | {"level": self.levels[self.cleaned_data["level"]]}


class NewCategoryForm(CategoryForm):
    """A new category has a short name for programs besides."""

    slug = forms.SlugField(
        max_length=60, label="Short name", help_text="For programs: lower-case letters, digits, - and _."
    )
    field_order = ["name", "slug"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["enabled"]


class TryForm(ActionForm):
    """Names and values to try the rules on."""

    names = LinesField(required=True, label="Column names", help_text=f"One a line, at most {MOST_NAMES}.")
    type = forms.CharField(max_length=100, required=False, help_text="As the source calls it: varchar(20).")
    values = LinesField(
        help_text=f"One a line, at most {MOST_VALUES}. They are judged and forgotten: nothing is stored or logged."
    )
