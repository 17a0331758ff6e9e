"""The forms of a recertification."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django import forms
from django.db.models import QuerySet

from access.forms.parts import WORDS_LIMIT, ReasonForm, day_widget, start_of
from access.recertifying import Chosen
from accounts.forms import ActionForm
from catalog.models import Domain, Source
from classification.models import Level


class CampaignForm(ActionForm):
    """Which grants to look at again, and until when."""

    fields_of: ClassVar = {"due_at": "last_day"}

    name = forms.CharField(max_length=150, label="Name", help_text="“Spring 2026”, “After the reorganisation”.")
    domain = forms.ModelChoiceField(Domain.objects.none(), required=False, label="In the domain", empty_label="Any")
    source = forms.ModelChoiceField(Source.objects.none(), required=False, label="In the source", empty_label="Any")
    from_level = forms.ModelChoiceField(
        Level.objects.none(), required=False, label="Of data at this level or above", empty_label="Any"
    )
    revokes_from = forms.ModelChoiceField(
        Level.objects.none(),
        required=False,
        label="Silence revokes from",
        empty_label="The highest level",
        help_text="Grants of data at this level or above end where nobody confirms them; others stay and are flagged.",
    )
    last_day = forms.DateField(widget=day_widget(), label="Until the end of")

    def __init__(
        self, *args: Any, domains: Sequence[Domain], sources: QuerySet[Source], anywhere: bool, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        domain = cast(forms.ModelChoiceField, self.fields["domain"])
        domain.queryset = Domain.objects.filter(pk__in=[one.pk for one in domains])
        domain.required = not anywhere
        if domain.required:
            domain.empty_label = "Choose a domain"
        cast(forms.ModelChoiceField, self.fields["source"]).queryset = sources.order_by("name")
        for name in ("from_level", "revokes_from"):
            cast(forms.ModelChoiceField, self.fields[name]).queryset = Level.objects.order_by("-rank")

    @property
    def chosen(self) -> Chosen:
        values = self.cleaned_data
        return Chosen(values["domain"], values["source"], values["from_level"], values["revokes_from"])

    @property
    def choice(self) -> str:
        """What was chosen as a word: the form sends it along to tell what its reader had looked at."""
        parts = (self.chosen.domain, self.chosen.source, self.chosen.from_level, self.chosen.revokes_from)
        return ".".join(str(part.pk) if part else "" for part in parts)

    @property
    def due_at(self) -> dt.datetime:
        return start_of(self.cleaned_data["last_day"] + dt.timedelta(days=1))


class IdsField(forms.TypedMultipleChoiceField):
    """Ids of rows; whether there are such rows is for whoever reads them to say."""

    def valid_value(self, value: Any) -> bool:
        return str(value).isdecimal() and len(str(value)) <= 18


class ItemsForm(ActionForm):
    """Which grants of a recertification, and what about them. They may be on another page of its list than the one shown."""

    item = IdsField(coerce=int, label="Grants", error_messages={"required": "Choose at least one."})
    action = forms.ChoiceField(choices=[("keep", "Keep"), ("mask", "Mask"), ("remove", "Remove")])
    reason = forms.CharField(
        required=False,
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Why",
        help_text="Needed to remove; the holder reads it.",
    )

    @property
    def ticked(self) -> set[str]:
        """What was chosen, as it was sent: it stays chosen where something else has to be corrected."""
        return set(self["item"].value() or ())


class StoppingForm(ReasonForm):
    """Why a recertification is stopped."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].help_text = "It stays on record, and on the page of the recertification."
