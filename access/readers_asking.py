"""What a page asks of readers by its address: `?column=17&at=2026-03-03T12:00`."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.utils import timezone

from catalog.models import Dataset, Field
from common.errors import Invalid, NotFound


class AtForm(forms.Form):
    """A past time; empty for now. A day alone means its end."""

    at = forms.CharField(max_length=40, required=False)

    def clean_at(self) -> dt.datetime | None:
        given = self.cleaned_data["at"].strip()
        if not given:
            return None
        try:
            moment = dt.datetime.fromisoformat(given)
            if len(given) <= len("2026-03-03"):
                moment += dt.timedelta(days=1) - dt.timedelta(seconds=1)
            return moment if moment.tzinfo else timezone.make_aware(moment)
        except (ValueError, OverflowError):
            raise forms.ValidationError("Write a time like 2026-03-03T12:00, or a day.") from None


def moment_of(given: str) -> dt.datetime | None:
    """The time that an address names, None for now. Raises `Invalid` for what is no time or yet to come."""
    form = AtForm({"at": given})
    if not form.is_valid():
        said = [str(error) for error in form.errors["at"]]
        raise Invalid(said[0], {"at": said})
    return checked_moment(form.cleaned_data["at"])


def checked_moment(moment: dt.datetime | None) -> dt.datetime | None:
    """A time that is over, None for now and for a day that is not over yet."""
    now = timezone.now()
    if moment is None or now <= moment < now + dt.timedelta(days=1):
        return None
    if moment > now:
        raise Invalid("What will be readable nobody knows: choose a time that is over.", {"at": ["Is yet to come."]})
    return moment


def column_of(dataset: Dataset, given: str) -> Field | None:
    """The column of a dataset that an address names by its id; None for the whole dataset."""
    if not given:
        return None
    field = Field.objects.filter(pk=int(given), dataset=dataset).first() if _is_id(given) else None
    if field is None:
        raise NotFound("This dataset has no such column.")
    return field


def _is_id(given: str) -> bool:
    return given.isascii() and given.isdigit() and len(given) <= 18
