"""The forms of a recertification."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django import forms

from access.forms.parts import WORDS_LIMIT, day_widget, start_of
from access.recertifying import Chosen
from accounts.forms import ActionForm
from catalog.models import Domain, Source
from classification.models import Level


class CampaignForm(ActionForm):
    """Which grants to look at again, and until when."""

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

    def __init__(self, *args: Any, domains: Sequence[Domain], anywhere: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        domain = cast(forms.ModelChoiceField, self.fields["domain"])
        domain.queryset = Domain.objects.filter(pk__in=[one.pk for one in domains])
        domain.required = not anywhere
        cast(forms.ModelChoiceField, self.fields["source"]).queryset = Source.objects.order_by("name")
        for name in ("from_level", "revokes_from"):
            cast(forms.ModelChoiceField, self.fields[name]).queryset = Level.objects.order_by("-rank")

    @property
    def chosen(self) -> Chosen:
        values = self.cleaned_data
        return Chosen(values["domain"], values["source"], values["from_level"], values["revokes_from"])

    @property
    def due_at(self) -> dt.datetime:
        return start_of(self.cleaned_data["last_day"] + dt.timedelta(days=1))


class ItemsForm(ActionForm):
    """Which grants of a recertification, and what about them."""

    item = forms.TypedMultipleChoiceField(coerce=int, label="Grants")
    action = forms.ChoiceField(choices=[("keep", "Keep"), ("mask", "Mask"), ("remove", "Remove")])
    reason = forms.CharField(
        required=False,
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Why",
        help_text="Needed to remove; the holder reads it.",
    )

    def __init__(self, *args: Any, items: Iterable[int], **options: Any) -> None:
        super().__init__(*args, **options)
        cast(forms.TypedMultipleChoiceField, self.fields["item"]).choices = [(pk, str(pk)) for pk in items]
