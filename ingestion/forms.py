"""The forms of sources, schedules and their crawls: shapes only, actions decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.http import QueryDict

from catalog.models import Domain, Source, System
from common.errors import Invalid
from connections.addresses import Address, parse_address, without_password
from connections.models import Connection
from ingestion.connectors.scope import parse_pattern


class PatternsField(forms.CharField):
    """Patterns, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        lines = [line.strip() for line in (value or "").splitlines() if line.strip()]
        for line in lines:
            try:
                parse_pattern(line)
            except Invalid as error:
                raise forms.ValidationError(error.message) from None
        return lines

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != [line.strip() for line in (data or "").splitlines() if line.strip()]


class SourceForm(forms.ModelForm):
    """What is said of a source, and which of its datasets a crawl reads."""

    include = PatternsField(
        required=False,
        help_text="Only these, one pattern a line: public.* or sales.report_? Empty: everything.",
    )
    exclude = PatternsField(required=False, help_text="Never these, one pattern a line: *.tmp_*")

    class Meta:
        model = Source
        fields = [
            "name", "system", "domain", "frequency", "structure", "location", "description", "include", "exclude",
            "sampling",
        ]  # fmt: skip
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, queryset in (("system", System.objects.all()), ("domain", Domain.objects.all())):
            field = self.fields[name]
            field.queryset = queryset  # type: ignore[attr-defined]
            field.empty_label = "None"  # type: ignore[attr-defined]

        self.fields["sampling"].required = False

    def clean_sampling(self) -> str:
        """What holds already, where nothing was chosen."""
        return self.cleaned_data["sampling"] or self.instance.sampling

    def values(self) -> dict[str, Any]:
        """The cleaned values as `catalog.actions.edit_source` takes them."""
        cleaned = dict(self.cleaned_data)
        for name in ("system", "domain"):
            chosen = cleaned.pop(name)
            cleaned[f"{name}_id"] = chosen.pk if chosen else None
        return cleaned


class AddressForm(forms.Form):
    """The address at which crawls reach a source, with its secrets apart."""

    url = forms.CharField(
        label="Address",
        max_length=2000,
        help_text="postgres://reader@db.example.org:5432/shop, mysql://reader@host:3306/shop, sqlite:////path or duckdb:////path",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Encrypted before it is stored, and never shown again.",
    )
    tls_ca = forms.CharField(
        label="CA certificate",
        required=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=(
            "PEM text of the authority that signed the server's certificate, where this machine does not know it. TLS is"
            " verified in full unless the address ends in ?sslmode=verify-ca, require or disable."
        ),
    )

    def full_clean(self) -> None:
        """Clean what was typed, and from then on show the address without its password: a page may be kept or sent on."""
        super().full_clean()
        typed = self.data.get(self.add_prefix("url"), "")
        shown = without_password(typed)
        if shown != typed:
            data = QueryDict(mutable=True)
            data.update(self.data)
            data[self.add_prefix("url")] = shown
            self.data = data
            self["password"].help_text = "The address is shown without its password. Enter the password here."

    def clean_url(self) -> Address:
        try:
            return parse_address(self.cleaned_data["url"])
        except Invalid as error:
            raise forms.ValidationError(error.message) from None

    def address(self) -> Address:
        """The address with the secret of the password field, or of the URL where that is empty."""
        address: Address = self.cleaned_data["url"]
        password = self.cleaned_data["password"]
        return replace(address, secret=password) if password else address


class NewSourceForm(AddressForm, SourceForm):
    """A source with the address at which crawls reach it."""

    public_address = forms.CharField(
        required=False,
        max_length=300,
        help_text="host:port by which pipelines speak of this server, where it is not the one above.",
    )
    field_order = ["name", "url", "password", "tls_ca", "public_address"]

    def values(self) -> dict[str, Any]:
        cleaned = dict(self.cleaned_data)
        for name in ("url", "password"):
            del cleaned[name]
        return cleaned


class ConnectionForm(AddressForm):
    """How a source is reached from now on. Opens with how it is reached now, if it is, without the password."""

    unchecked = forms.BooleanField(
        label="Save without a test",
        required=False,
        help_text="For a server that is not there yet. Otherwise nothing is saved that does not answer.",
    )

    def __init__(self, typed: QueryDict | None, *, connection: Connection | None, namespace: str) -> None:
        if connection is None:
            super().__init__(typed)
            self.fields[
                "url"
            ].help_text = (
                f"It must lead to {namespace}, for which the datasets were pushed. {self.fields['url'].help_text}"
            )
            return
        super().__init__(typed, initial={"url": connection.address().url, "tls_ca": connection.tls_ca})
        self.fields[
            "url"
        ].help_text = (
            f"Wherever it leads, the datasets stay under {namespace}: pipelines and labels know them by this name."
        )
        if connection.has_secret:
            self.fields[
                "password"
            ].help_text = (
                "Empty: the present one stays. Enter it again where server, account, TLS or the certificate change."
            )


class ScheduleForm(forms.Form):
    """When a source is crawled by itself."""

    cron = forms.CharField(
        label="Times",
        required=False,
        max_length=200,
        help_text="Minute, hour, day of month, month, day of week, in UTC: 0 3 * * * is every night at three. Empty: never.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    enabled = forms.BooleanField(label="Active", required=False, initial=True)
