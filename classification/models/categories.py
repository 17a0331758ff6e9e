"""What kinds of governed data there are: the shipped ones, and the organisation's own."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalog.models import slug_validator
from classification.models.levels import Level


class Category(models.Model):
    """A kind of governed data, with its level.

    Shipped ones come with the product (`classification.shipping`), which never overwrites one that somebody `edited`. What
    finds an organisation's own: `names` are phrases, `abbreviations` maps a token to a phrase, `patterns` are regular
    expressions in RE2's syntax that a whole value must match, `checksum` names a shipped one. A changed category has effect
    once it is in the rule set that holds (`RuleSet`).
    """

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80, unique=True)
    level = models.ForeignKey(Level, on_delete=models.PROTECT, related_name="categories")
    jurisdiction = models.CharField(
        max_length=2, default="", blank=True, help_text="ISO 3166 code of the country whose law it is, if of one."
    )
    personal = models.BooleanField(default=False, help_text="About persons.")
    special = models.BooleanField(
        default=False,
        help_text="Special under GDPR (Art. 9, 10), or sensitive under the Australian Privacy Act.",
    )
    description = models.TextField(default="", blank=True, help_text="What belongs here, in a sentence or two.")
    shipped = models.BooleanField(default=False, editable=False)
    edited = models.BooleanField(default=False, editable=False)
    enabled = models.BooleanField(default=True, help_text="Whether it is looked for.")
    names = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    abbreviations = models.JSONField(default=dict, blank=True)
    patterns = ArrayField(models.CharField(max_length=500), default=list, blank=True)
    checksum = models.CharField(max_length=40, default="", blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name
