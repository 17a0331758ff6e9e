"""Forms of requests, decisions and revocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.db.models import QuerySet

from access.forms.parts import WORDS_LIMIT, AcceptingForm, ColumnChoice, ReasonForm
from access.models import AccessRequest, Grant, Purpose
from access.queries import ColumnRow
from accounts.forms import ActionForm
from classification.limits import LONGEST_GRANT_DAYS
from common.components import Column

USUAL_DAYS = 30


class RequestForm(AcceptingForm):
    """Which columns, what for, how long.

    `columns` is None for whoever may only ask for the whole dataset, which is granted for `whole_days` at most.
    """

    extent = forms.ChoiceField(
        choices=[("all", "The whole dataset"), ("some", "Some columns: those ticked below")],
        widget=forms.RadioSelect,
        label="What you need",
        initial="all",
    )
    chosen = forms.MultipleChoiceField(required=False, label="Columns")
    purpose = forms.CharField(
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="What you need it for",
        help_text="Whoever decides reads this: which work, which question, who sees the result.",
    )
    purpose_kind = forms.ModelChoiceField(
        Purpose.objects.none(), required=False, label="What kind of work", empty_label="None of these"
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_GRANT_DAYS,
        label="For how many days",
        help_text="Counted from the approval.",
    )

    def __init__(
        self,
        *args: Any,
        columns: Sequence[ColumnRow] | None,
        whole_days: int = LONGEST_GRANT_DAYS,
        purposes: QuerySet[Purpose] | None = None,
        is_draft: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.columns = columns
        self.is_draft = is_draft
        self.fields["purpose"].required = not is_draft
        if purposes is None or not purposes.exists():
            del self.fields["purpose_kind"]
        else:
            cast(forms.ModelChoiceField, self.fields["purpose_kind"]).queryset = purposes
        self._limit_days(columns or (), whole_days)
        if columns is None:
            del self.fields["extent"], self.fields["chosen"]
            return
        chosen = cast(forms.MultipleChoiceField, self.fields["chosen"])
        chosen.choices = [(str(column.field_id), column.name) for column in columns]

    def _limit_days(self, columns: Sequence[ColumnRow], whole_days: int) -> None:
        """Offer no more days than anything here may be granted for; the action judges by what is chosen."""
        ticked = set(map(str, self.initial.get("chosen") or ()))
        choices = [ColumnChoice(column, str(column.field_id) in ticked) for column in columns]
        longest = max([whole_days, *(choice.longest_days for choice in choices)])
        days = cast(forms.IntegerField, self.fields["days"])
        days.widget.attrs["max"] = longest
        wanted = [choice.longest_days for choice in choices if choice.chosen] or [whole_days]
        days.initial = min(self.initial.pop("days", USUAL_DAYS), *wanted)
        days.help_text = f"Counted from the approval. The whole dataset is granted for at most {whole_days} days."
        if longest != whole_days:
            days.help_text += " The list says for how many days each column is."

    @property
    def table_columns(self) -> list[Column]:
        return [Column("Column"), Column("Type"), Column("Level"), Column("Longest access")]

    def column_choices(self) -> list[ColumnChoice]:
        """Every column, chosen or not."""
        chosen = set(map(str, self["chosen"].value() or ()))
        return [ColumnChoice(column, str(column.field_id) in chosen) for column in self.columns or ()]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("extent") == "some" and not values.get("chosen") and "chosen" not in self.errors:
            self.add_error("chosen", "Tick the columns you need, or ask for the whole dataset.")
        if values.get("extent") == "all" and values.get("chosen"):
            self.add_error("extent", "You ticked columns: choose “Some columns”, or untick them to ask for everything.")
        return values

    @property
    def ticked_ids(self) -> list[int]:
        """The columns that are ticked as the form stands, valid or not; none for the whole dataset."""
        if self.columns is None or self["extent"].value() != "some":
            return []
        ticked = set(map(str, self["chosen"].value() or ()))
        return [column.field_id for column in self.columns if str(column.field_id) in ticked]

    @property
    def purpose_chosen(self) -> Purpose | None:
        """The kind of purpose as the form stands, valid or not."""
        if "purpose_kind" not in self.fields:
            return None
        value = self["purpose_kind"].value()
        text = str(value or "")
        if not (text.isascii() and text.isdigit()):
            return None
        return Purpose.objects.filter(enabled=True, pk=int(text)).first()

    @property
    def field_ids(self) -> list[int]:
        """The chosen columns; none stands for the whole dataset."""
        if self.cleaned_data.get("extent", "all") == "all":
            return []
        return [int(pk) for pk in self.cleaned_data["chosen"]]


def first_values(draft: AccessRequest | None, renews: Grant | None, *, ticked: Sequence[str]) -> dict[str, Any]:
    """With what the form begins: the columns that a link ticked, a draft, or the request behind a grant to renew."""
    if ticked:
        return {"chosen": ticked, "extent": "some"}
    told: AccessRequest | None
    if draft is not None and (renews is None or draft.renews_id == renews.pk):
        fields, days, told = draft.field_ids, draft.days, draft
    elif renews is not None:
        fields, days, told = renews.field_ids, max((renews.valid_to - renews.valid_from).days, 1), renews.request
    else:
        return {"extent": "all"}
    return {
        "chosen": [str(pk) for pk in fields],
        "extent": "some" if fields else "all",
        "purpose": told.purpose if told else "",
        "purpose_kind": told.purpose_kind_id if told else None,
        "days": days,
    }


class ApproveForm(ActionForm):
    """An approver may shorten, never lengthen."""

    days = forms.IntegerField(min_value=1, label="For how many days")
    reason = forms.CharField(
        required=False,
        max_length=WORDS_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="A word to the requester",
    )

    def __init__(self, *args: Any, longest: int, **options: Any) -> None:
        super().__init__(*args, **options)
        days = cast(forms.IntegerField, self.fields["days"])
        days.max_value = longest
        days.widget.attrs["max"] = longest
        days.initial = longest


def decision_forms(
    request: AccessRequest, *, longest: int, data: Mapping[str, Any] | None = None
) -> tuple[ApproveForm, ReasonForm]:
    """The two forms of a decision, with ids that differ from those of other requests on the page."""
    return (
        ApproveForm(data, longest=min(request.days, longest), auto_id=f"approve_{request.pk}_%s"),
        ReasonForm(data, auto_id=f"deny_{request.pk}_%s"),
    )
