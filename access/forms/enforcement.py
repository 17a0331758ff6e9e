"""Forms of how grants are carried out in a source."""

from __future__ import annotations

from typing import Any

from django import forms

from access.forms.parts import WORDS_LIMIT, PersonField
from access.models import PROFILES, Enforcement
from accounts.forms import ActionForm
from classification.limits import LONGEST_GRANT_DAYS


class EnforcementForm(ActionForm):
    """The setting of a source."""

    mode = forms.ChoiceField(choices=Enforcement.Mode.choices, widget=forms.RadioSelect, label="What is done")
    profile = forms.ChoiceField(
        choices=PROFILES,
        widget=forms.RadioSelect,
        label="What the catalog's account may do there",
    )
    revoke_limit = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        label="Limit of revocations",
        help_text="More in one run that no ended grant explains wait for a person.",
    )
    role_prefix = forms.CharField(max_length=20, label="Managed roles begin with")
    mask_schema = forms.CharField(max_length=40, label="Schema of masked views")
    ends_sessions = forms.BooleanField(
        required=False, label="End open sessions of whoever lost access, where the account may"
    )

    @classmethod
    def of(cls, enforcement: Enforcement | None, data: Any = None) -> EnforcementForm:
        """The form, with the present values or the usual ones."""
        usual = enforcement or Enforcement()
        # A form has a `prefix` of its own.
        names = {name: "prefix" if name == "role_prefix" else name for name in cls.base_fields}
        return cls(data, initial={name: getattr(usual, attribute) for name, attribute in names.items()})

    @property
    def values(self) -> dict[str, Any]:
        """What was entered, by the names of the setting."""
        return {"prefix" if name == "role_prefix" else name: value for name, value in self.cleaned_data.items()}


class LoginForm(ActionForm):
    """As whom somebody logs in; nothing takes what was known away."""

    person = PersonField(label="Who", help_text="A user name or e-mail address.")
    name = forms.CharField(
        max_length=128, required=False, label="Login in the source", help_text="Empty: no login is known any more."
    )


class AcceptForm(ActionForm):
    note = forms.CharField(max_length=WORDS_LIMIT, widget=forms.Textarea(attrs={"rows": 2}), label="Why it may stay")


class AdoptForm(ActionForm):
    days = forms.IntegerField(min_value=1, max_value=LONGEST_GRANT_DAYS, initial=30, label="For how many days")
    note = forms.CharField(max_length=WORDS_LIMIT, widget=forms.Textarea(attrs={"rows": 2}), label="Why they need it")
