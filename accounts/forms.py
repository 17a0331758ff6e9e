"""Forms about tokens, and the base of forms whose values an action judges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from django import forms
from django.utils import timezone

from accounts.tokens import OF_PROGRAMS, Scope
from common.errors import Conflict, Invalid

T = TypeVar("T")

SCOPE_WORDS = {
    Scope.CATALOG_READ: "Read what you may read in the catalog",
    Scope.CATALOG_WRITE: "Change what you may change in the catalog",
    Scope.SNAPSHOT_WRITE: "Push snapshots of a source's schema",
    Scope.LINEAGE_READ: "Read lineage",
    Scope.LINEAGE_WRITE: "Send lineage events",
    Scope.ACCESS_DECIDE: "Ask what anybody may read; for a pipeline only",
    Scope.ACCESS_APPROVE: "Approve requests and open data in an emergency, without your signing in again",
    Scope.METRICS_READ: "Read the figures for Prometheus; for a pipeline only",
}
_SCOPE_CHOICES = [(scope.value, f"{words} ({scope})") for scope, words in SCOPE_WORDS.items()]


class ActionForm(forms.Form):
    """A form gives the shape; an action judges the values, and its errors come back here.

    `fields_of` names the fields of which the action's parameters are made, where they are called otherwise.
    """

    fields_of: ClassVar[Mapping[str, str]] = {}

    def attempt(self, action: Callable[[], T]) -> T | None:
        """The action's result, or None after its `Invalid` or `Conflict` became errors of this form."""
        try:
            return action()
        except Invalid as error:
            self.show(error)
        except Conflict as error:
            self.add_error(None, error.message)
        return None

    def show(self, error: Invalid) -> None:
        """Put what cannot be accepted at the fields that it is about."""
        for name, texts in error.fields.items():
            field = self.fields_of.get(name, name)
            self.add_error(field if field in self.fields else None, texts)
        if not error.fields:
            self.add_error(None, error.message)


class TokenForm(ActionForm):
    """What a new token is called, what it allows, and for how long."""

    LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked")]

    name = forms.CharField(max_length=150, help_text="What will use it: “notebook on my laptop”.")
    scopes = forms.MultipleChoiceField(
        choices=_SCOPE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        label="What it allows",
    )
    days = forms.TypedChoiceField(
        choices=LIFETIMES,
        coerce=int,
        empty_value=None,
        required=False,
        initial="90",
        label="How long it works",
    )
    pipeline = forms.CharField(
        max_length=150,
        required=False,
        label="For the pipeline",
        help_text="The name of a pipeline that acts for itself. Empty: the token acts for you.",
    )
    namespaces = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One on each line. Lineage events may mention only these; empty for all.",
    )

    def __init__(self, *args: Any, administrator: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not administrator:
            del self.fields["pipeline"]
            scopes = cast(forms.MultipleChoiceField, self.fields["scopes"])
            scopes.choices = [choice for choice in _SCOPE_CHOICES if choice[0] not in OF_PROGRAMS]

    def clean_namespaces(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["namespaces"].splitlines()]
        named = [line for line in lines if line]
        if any(len(line) > 500 for line in named):
            raise forms.ValidationError("A namespace has at most 500 characters.")
        return named

    @property
    def expires_at(self) -> dt.datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + dt.timedelta(days=days) if days else None
