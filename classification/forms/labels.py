"""Labels from a CSV file."""

from __future__ import annotations

from django import forms

from accounts.forms import ActionForm

LARGEST_BY_FORM = 2_000_000


class ImportForm(ActionForm):
    """A file to look at, or the text of one that was looked at (`content`) to apply, and why."""

    file = forms.FileField(required=False, label="CSV file", help_text="In the form of the export, at most 2 MB.")
    content = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        required=False, max_length=2000, label="Why", help_text="Whoever meets a label reads this."
    )

    def text(self) -> bytes:
        """What was sent, as bytes; empty where nothing was."""
        file = self.cleaned_data["file"]
        return file.read(LARGEST_BY_FORM + 1) if file else self.cleaned_data["content"].encode()

    def clean(self) -> dict[str, object]:
        values = super().clean() or {}
        file = values.get("file")
        if file and file.size > LARGEST_BY_FORM:
            self.add_error("file", "The file is larger than 2 MB. Divide it, or import it through REST.")
        if not file and not values.get("content"):
            self.add_error("file", "Choose a file.")
        return values
