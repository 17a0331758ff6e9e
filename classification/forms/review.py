"""What the review asks for."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from accounts.forms import ActionForm
from classification.models import Category, Level, NegativeRule

ONLY_THESE = ""


class ReviewForm(ActionForm):
    """An answer to the chosen groups: `action` is accept, reject, relabel, or preview: what rejecting would withdraw."""

    ACTIONS = [
        ("accept", "Accept"),
        ("reject", "Reject"),
        ("preview", "See what it would withdraw"),
        ("relabel", "Label otherwise"),
    ]

    action = forms.ChoiceField(choices=ACTIONS)
    reason = forms.CharField(
        required=False, max_length=2000, label="Why", help_text="Needed to reject and to label otherwise."
    )
    as_rule = forms.ChoiceField(
        required=False,
        label="Rule it out",
        choices=[
            (ONLY_THESE, "Only for the chosen columns"),
            (NegativeRule.Scope.DATASET.value, "For columns that look alike in their datasets"),
            (NegativeRule.Scope.SOURCE.value, "… in their sources"),
            (NegativeRule.Scope.DOMAIN.value, "… in their domains"),
            (NegativeRule.Scope.ALL.value, "… everywhere"),
        ],
        help_text="When you reject.",
    )
    category = forms.ChoiceField(required=False, label="Category")
    level = forms.ChoiceField(required=False, label="Level")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.categories = {one.slug: one for one in Category.objects.select_related("level")}
        self.levels = {one.slug: one for one in Level.objects.order_by("-rank")}
        category = cast(forms.ChoiceField, self.fields["category"])
        category.choices = [("", "None")] + [(slug, one.name) for slug, one in self.categories.items()]
        level = cast(forms.ChoiceField, self.fields["level"])
        level.choices = [("", "The category's")] + [(slug, one.name) for slug, one in self.levels.items()]

    @property
    def scope(self) -> NegativeRule.Scope | None:
        text = self.cleaned_data["as_rule"]
        return NegativeRule.Scope(text) if text else None
