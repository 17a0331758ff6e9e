"""The form of a delegation."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from access.forms.parts import WORDS_LIMIT, PersonField, day_widget, start_of
from accounts.forms import ActionForm


class DelegationForm(ActionForm):
    """Who decides in whose place, from a day to the end of another; only administrators choose the giver."""

    fields_of: ClassVar = {"valid_from": "first_day", "valid_to": "last_day"}

    giver = PersonField(
        required=False, label="In whose place", help_text="A user name or e-mail address; empty for your own."
    )
    receiver = PersonField(label="Who decides")
    first_day = forms.DateField(widget=day_widget(), label="From", initial=timezone.localdate)
    last_day = forms.DateField(widget=day_widget(), label="Until the end of")
    reason = forms.CharField(
        required=False,
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Why",
        help_text="Both of you read this, and it stays on record.",
    )

    def __init__(self, *args: Any, administrator: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not administrator:
            del self.fields["giver"]

    @property
    def begins(self) -> dt.datetime:
        """Now, where the first day is today: nobody decides in the past."""
        return max(start_of(self.cleaned_data["first_day"]), timezone.now())

    @property
    def ends(self) -> dt.datetime:
        return start_of(self.cleaned_data["last_day"] + dt.timedelta(days=1))
