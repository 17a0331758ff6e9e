"""The forms of what is opened in an emergency, and of its review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from access.forms.parts import WORDS_LIMIT, AcceptingForm, ColumnChoice
from access.models import EmergencyReview
from access.models.requests import MOST_EMERGENCY_HOURS
from access.queries import ColumnRow
from accounts.forms import ActionForm
from common.components import Column


class EmergencyForm(AcceptingForm):
    """What happened, which columns, for how many hours."""

    extent = forms.ChoiceField(
        choices=[("all", "The whole dataset"), ("some", "Some columns: those ticked below")],
        widget=forms.RadioSelect,
        label="What you must see",
        initial="some",
    )
    chosen = forms.MultipleChoiceField(required=False, label="Columns")
    reason = forms.CharField(
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="What happened",
        help_text="Whoever reviews this reads it: what is broken, and what you must see to mend it.",
    )
    hours = forms.IntegerField(
        min_value=1, max_value=MOST_EMERGENCY_HOURS, initial=1, label="For how many hours", help_text="From now on."
    )

    def __init__(self, *args: Any, columns: Sequence[ColumnRow], **options: Any) -> None:
        super().__init__(*args, **options)
        self.columns = columns
        chosen = cast(forms.MultipleChoiceField, self.fields["chosen"])
        chosen.choices = [(str(column.field_id), column.name) for column in columns]

    def column_choices(self) -> list[ColumnChoice]:
        ticked = set(map(str, self["chosen"].value() or ()))
        return [ColumnChoice(column, str(column.field_id) in ticked) for column in self.columns]

    @property
    def table_columns(self) -> list[Column]:
        return [Column("Column"), Column("Type"), Column("Level")]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("extent") == "some" and not values.get("chosen") and "chosen" not in self.errors:
            self.add_error("chosen", "Tick the columns you must see, or open the whole dataset.")
        return values

    @property
    def field_ids(self) -> list[int]:
        return [int(pk) for pk in self.cleaned_data["chosen"]] if self.cleaned_data["extent"] == "some" else []


class VerdictForm(ActionForm):
    """What somebody found of an emergency."""

    verdict = forms.ChoiceField(
        choices=EmergencyReview.Verdict.choices, widget=forms.RadioSelect, label="What you found"
    )
    reason = forms.CharField(
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why",
        help_text="The person concerned reads this, and it stays on record.",
    )
