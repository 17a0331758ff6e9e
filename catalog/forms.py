"""The shapes of what people send to the catalog's actions; what is allowed is theirs to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.db.models import Q

from accounts.models import DomainRole, Principal
from catalog.models import DatasetException, Domain, Ownership, Tag, Tier, slug_validator

MAX_TEXT = 50_000


class MemberField(forms.CharField):
    """A person by name, user name or e-mail address, or a group by name. Cleans to a `Principal` or a `Group`."""

    widget = forms.TextInput(attrs={"autocomplete": "off"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "label": "Person or group",
                "help_text": "A user name, an e-mail address, a full name, or the name of a group.",
                "max_length": 254,
                **kwargs,
            }
        )

    def clean(self, value: Any) -> Principal | Group | None:
        text = super().clean(value)
        if not text:
            return None
        people = Principal.objects.filter(disabled_at__isnull=True).exclude(kind=Principal.Kind.SYSTEM)
        people = people.filter(Q(user__isnull=True) | Q(user__is_active=True)).select_related("user")
        exact = people.filter(Q(user__username__iexact=text) | Q(user__email__iexact=text))
        found: list[Principal | Group] = list(exact[:2]) or list(people.filter(name__iexact=text)[:2])
        found += Group.objects.filter(name__iexact=text)[:1]
        if not found:
            raise forms.ValidationError(
                f"Nobody here is called {text}. Give a user name, an e-mail address or a group."
            )
        if len(found) > 1:
            raise forms.ValidationError(f"More than one is called {text}. Give the user name or the e-mail address.")
        return found[0]


def member_values(member: Principal | Group) -> dict[str, Any]:
    """The member as the actions take it: `principal` or `group`."""
    return {"principal": member} if isinstance(member, Principal) else {"group": member}


class SlugField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "max_length": 60,
                "validators": [slug_validator],
                "help_text": "What stands in addresses and in the API: lower-case letters, digits, - and _.",
                **kwargs,
            }
        )


class DescriptionForm(forms.Form):
    text = forms.CharField(
        label="Description",
        required=False,
        max_length=MAX_TEXT,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Markdown: **bold**, lists, tables, links. Empty takes your organisation's word back.",
    )


class OwnerForm(forms.Form):
    member = MemberField()
    kind = forms.ChoiceField(label="Answers as", choices=Ownership.Kind.choices, initial=Ownership.Kind.OWNER)


class ExceptionForm(forms.Form):
    member = MemberField()
    tier = forms.TypedChoiceField(
        label="Sees",
        choices=DatasetException.TIERS,
        coerce=int,
        initial=Tier.METADATA,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), help_text="It stays with the exception."
    )


class DecisionForm(forms.Form):
    reason = forms.CharField(required=False, max_length=2000)


class TagForm(forms.Form):
    tag = forms.ModelChoiceField(Tag.objects.all(), to_field_name="slug", empty_label="Choose a tag")


class NewTagForm(forms.Form):
    name = forms.CharField(max_length=60, help_text="As people read it: “exam period”.")
    slug = SlugField(
        required=False,
        label="Short name",
        help_text="For addresses and the API: lower-case letters, digits, - and _. Empty: it is made from the name.",
    )


class RenameTagForm(forms.Form):
    name = forms.CharField(
        max_length=60, help_text="It changes on everything that has the tag. The short name for programs stays."
    )


class MoveForm(forms.Form):
    domain = forms.ModelChoiceField(Domain.objects.all(), required=False, to_field_name="slug", empty_label="No domain")


class SystemForm(forms.Form):
    name = forms.CharField(max_length=150)
    slug = SlugField()
    description = forms.CharField(required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3}))


class DomainForm(forms.Form):
    """A new domain, or changes to one (`existing=True`: its slug stays)."""

    name = forms.CharField(max_length=150)
    slug = SlugField()
    description = forms.CharField(
        required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 5}), help_text="Markdown."
    )
    open_tier = forms.TypedChoiceField(
        label="Everybody who is signed in sees",
        choices=Tier.choices,
        coerce=int,
        initial=Tier.DISCOVER,
        widget=forms.RadioSelect,
    )

    field_order = ["name", "slug", "description", "open_tier"]

    def __init__(self, *args: Any, existing: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if existing:
            del self.fields["slug"]


class RoleForm(forms.Form):
    member = MemberField()
    role = forms.ChoiceField(choices=DomainRole.choices)
