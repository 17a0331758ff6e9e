"""Forms about levels, and the one that puts a level on a dataset and its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django import forms

from accounts.forms import ActionForm
from catalog.models import Dataset, Field
from classification.models import LONGEST_GRANT_DAYS, MOST_APPROVALS, Level
from classification.permissions import can_label
from classification.queries import levels
from common.components import COLOURS, Column

if TYPE_CHECKING:
    from accounts.models import Principal

CLEAR = "none"
"""The choice that takes a level off."""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """A column as the form offers it."""

    field: Field
    level: Level | None
    chosen: bool


class LabelForm(ActionForm):
    """A level, and why, for the dataset as a whole or for some of its columns.

    `levels` and `fields` are read by whoever builds the form, once for its page.
    """

    whole = forms.BooleanField(required=False, label="The dataset as a whole")
    fields_chosen = forms.MultipleChoiceField(required=False, label="Columns")
    level = forms.ChoiceField(widget=forms.RadioSelect)
    reason = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Why",
        help_text="Whoever meets the level later reads this.",
    )

    def __init__(
        self, *args: Any, dataset: Dataset, levels: Sequence[Level], fields: Iterable[Field], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.dataset = dataset
        self.known = {str(field.pk): field for field in fields}
        self.levels = {level.slug: level for level in levels}
        self.by_rank = {level.rank: level for level in levels}
        columns = cast(forms.MultipleChoiceField, self.fields["fields_chosen"])
        columns.choices = [(pk, str(field)) for pk, field in self.known.items()]
        chosen = cast(forms.ChoiceField, self.fields["level"])
        chosen.choices = [(slug, level.name) for slug, level in self.levels.items()] + [
            (CLEAR, "No level: take off what a person put there")
        ]

    @property
    def table_columns(self) -> list[Column]:
        return [Column("Column"), Column("Type"), Column("Level now")]

    def columns(self) -> list[ColumnChoice]:
        """Every column with its level, chosen or not."""
        chosen = set(map(str, self["fields_chosen"].value() or ()))
        return [
            ColumnChoice(field, self.by_rank.get(field.level or 0), pk in chosen) for pk, field in self.known.items()
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("whole") and not values.get("fields_chosen") and "fields_chosen" not in self.errors:
            self.add_error("fields_chosen", "Choose columns, or the dataset as a whole.")
        return values

    @property
    def datasets(self) -> list[Dataset]:
        return [self.dataset] if self.cleaned_data["whole"] else []

    @property
    def chosen(self) -> list[Field]:
        return [self.known[pk] for pk in self.cleaned_data["fields_chosen"]]

    @property
    def chosen_level(self) -> Level | None:
        """None: take the level off."""
        return self.levels.get(self.cleaned_data["level"])


def label_form(
    principal: Principal,
    dataset: Dataset,
    *,
    data: Any = None,
    preset: Sequence[str] = (),
    known_levels: Sequence[Level] | None = None,
    fields: Iterable[Field] | None = None,
) -> LabelForm | None:
    """The form for `templates/classification/_level_form.html`; None for whoever may not label the dataset.

    `preset` are ids of fields that begin chosen. A page that has read levels and fields anyway gives them.
    """
    if not can_label(principal, dataset):
        return None
    standing = Field.objects.filter(dataset=dataset, gone_since__isnull=True).order_by("position")
    return LabelForm(
        data,
        dataset=dataset,
        levels=levels() if known_levels is None else known_levels,
        fields=standing if fields is None else fields,
        initial={"fields_chosen": list(preset), "whole": False},
    )


class LevelForm(ActionForm):
    """A level's own properties."""

    name = forms.CharField(max_length=60)
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What belongs here, in a sentence or two.",
    )
    handling = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="How to treat it, as Markdown."
    )
    colour = forms.ChoiceField(choices=[(colour, colour.capitalize()) for colour in COLOURS])
    longest_grant_days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_GRANT_DAYS,
        initial=LONGEST_GRANT_DAYS,
        label="Longest access, in days",
        help_text=f"Access to it is granted for at most so long; {LONGEST_GRANT_DAYS} at most.",
    )
    approvals = forms.IntegerField(
        min_value=1,
        max_value=MOST_APPROVALS,
        initial=1,
        label="Approvals needed",
        help_text=f"So many people must approve a request for it; {MOST_APPROVALS} at most.",
    )


class NewLevelForm(LevelForm):
    """A new level has a short name for programs, and a place among the others, besides."""

    slug = forms.SlugField(
        max_length=60, label="Short name", help_text="For programs: lower-case letters, digits, - and _."
    )
    above = forms.ChoiceField(required=False, label="Right above")
    field_order = ["name", "slug", "above"]

    def __init__(self, *args: Any, levels: Sequence[Level], **options: Any) -> None:
        super().__init__(*args, **options)
        self.levels = {level.slug: level for level in levels}
        above = cast(forms.ChoiceField, self.fields["above"])
        above.choices = [("", "The most sensitive of all")] + [(level.slug, level.name) for level in reversed(levels)]

    @property
    def placed_above(self) -> Level | None:
        return self.levels.get(self.cleaned_data["above"])
