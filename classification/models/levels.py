"""How sensitive data is: the organisation's own steps."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from catalog.models import slug_validator
from classification.limits import LONGEST_GRANT_DAYS, MOST_APPROVALS
from common.components import COLOURS


class Level(models.Model):
    """A step of sensitivity. Ranks count from 1, the least sensitive, without gaps."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=60, unique=True)
    rank = models.PositiveSmallIntegerField(help_text="1 is the least sensitive.")
    description = models.TextField(default="", blank=True, help_text="What belongs here, in a sentence or two.")
    handling = models.TextField(default="", blank=True, help_text="How to treat it, as Markdown.")
    colour = models.CharField(max_length=10, choices=[(colour, colour.capitalize()) for colour in COLOURS])
    longest_grant_days = models.PositiveSmallIntegerField(
        default=LONGEST_GRANT_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_GRANT_DAYS)],
        help_text=f"Access to it is granted for at most so many days, up to {LONGEST_GRANT_DAYS}.",
    )
    approvals = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_APPROVALS)],
        help_text=f"So many people must approve access to it, up to {MOST_APPROVALS}.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["rank"]
        constraints = [
            # Checked at commit, so that one statement may permute ranks.
            models.UniqueConstraint(name="level_rank_unique", fields=["rank"], deferrable=models.Deferrable.DEFERRED),
            models.CheckConstraint(name="level_rank_counts_from_one", condition=Q(rank__gte=1)),
            models.CheckConstraint(name="level_colour_of_palette", condition=Q(colour__in=COLOURS)),
            models.CheckConstraint(
                name="level_approvals_have_limits", condition=Q(approvals__range=(1, MOST_APPROVALS))
            ),
            models.CheckConstraint(
                name="level_grants_end", condition=Q(longest_grant_days__range=(1, LONGEST_GRANT_DAYS))
            ),
        ]

    def __str__(self) -> str:
        return self.name
