"""What several forms of access have in common: days, people, reasons, terms to accept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils import timezone

from access.agreements import TermsNotAccepted
from access.models import Terms
from access.queries import ColumnRow
from accounts.forms import ActionForm
from accounts.models import Principal
from catalog.queries.members import members_called
from classification.limits import LONGEST_GRANT_DAYS
from common.errors import Invalid

WORDS_LIMIT = 2000


def start_of(day: dt.date) -> dt.datetime:
    """Midnight at which a day begins, where the catalog is."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def day_widget() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PersonField(forms.CharField):
    """A person by user name, e-mail address or full name; the value is their principal."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "A user name or e-mail address.")
        super().__init__(max_length=254, **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = members_called([text]).called(text)
        if not isinstance(found, Principal):
            raise forms.ValidationError("Nobody with an open account is called that. Use the user name.")
        return found


class ReasonForm(ActionForm):
    """Why; the person concerned reads it."""

    reason = forms.CharField(
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why",
        help_text="The person concerned reads this.",
    )


class AcceptingForm(ActionForm):
    """A form by which terms are accepted: one box for each of them, all to be ticked."""

    def __init__(self, *args: Any, terms: Sequence[Terms], **options: Any) -> None:
        super().__init__(*args, **options)
        self.terms = terms
        for one in terms:
            self.fields[f"terms_{one.pk}"] = forms.BooleanField(
                label=f"I have read “{one.name}” (version {one.number}) and accept it.", required=False
            )

    def show(self, error: Invalid) -> None:
        if not isinstance(error, TermsNotAccepted):
            super().show(error)
            return
        sent = {name for name in self.data if name.startswith("terms_")}
        for one in error.missing:
            text = f"Read and accept “{one.name}” to go on."
            if sent - self.fields.keys():
                text = f"The terms changed since you opened the page. Read and accept version {one.number} of “{one.name}”."
            self.add_error(name if (name := f"terms_{one.pk}") in self.fields else None, text)

    @property
    def accepts(self) -> list[int]:
        """The ids of the terms that were ticked."""
        return [one.pk for one in self.terms if self.cleaned_data.get(f"terms_{one.pk}")]

    @property
    def to_accept(self) -> list[tuple[Terms, forms.BoundField]]:
        """Each of the terms with its box."""
        return [(one, self[f"terms_{one.pk}"]) for one in self.terms]


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """A column as the form offers it, with for how many days its level lets access be granted."""

    column: ColumnRow
    chosen: bool

    @property
    def longest_days(self) -> int:
        return self.column.level.longest_grant_days if self.column.level else LONGEST_GRANT_DAYS
