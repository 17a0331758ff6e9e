"""The forms of terms to accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from accounts.forms import ActionForm
from catalog.models import Domain
from classification.models import Level

TEXT_LIMIT = 20_000


class TermsForm(ActionForm):
    """A text, and the data that it is about."""

    name = forms.CharField(max_length=150, label="Name", help_text="What is agreed on, in a few words.")
    concerns = forms.ChoiceField(label="What data it is about")
    text = forms.CharField(
        max_length=TEXT_LIMIT, widget=forms.Textarea(attrs={"rows": 12}), label="Text", help_text="Markdown."
    )

    def __init__(self, *args: Any, levels: Sequence[Level], domains: Sequence[Domain], **options: Any) -> None:
        super().__init__(*args, **options)
        of_level = [(f"level:{level.pk}", f"Data that is {level.name} or above") for level in levels]
        of_domain = [(f"domain:{domain.pk}", f"The domain {domain.name}, and those below it") for domain in domains]
        cast(forms.ChoiceField, self.fields["concerns"]).choices = of_level + of_domain
        self._levels = {f"level:{level.pk}": level for level in levels}
        self._domains = {f"domain:{domain.pk}": domain for domain in domains}

    @property
    def level(self) -> Level | None:
        return self._levels.get(self.cleaned_data["concerns"])

    @property
    def domain(self) -> Domain | None:
        return self._domains.get(self.cleaned_data["concerns"])


class RevisionForm(ActionForm):
    text = forms.CharField(
        max_length=TEXT_LIMIT, widget=forms.Textarea(attrs={"rows": 16}), label="Text", help_text="Markdown."
    )
