"""What pages and REST show of preferences and follows. Each function takes a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from alerts.kinds import ABOUT, Choice, Kind, KindFacts
from alerts.models import Follow
from alerts.wishes import choices_of
from catalog.models import Dataset, Tier

if TYPE_CHECKING:
    from accounts.models import Principal


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person hears of one kind."""

    kind: Kind
    choice: Choice

    @property
    def facts(self) -> KindFacts:
        return ABOUT[self.kind]


def wishes_of(principal: Principal) -> Sequence[Wish]:
    """How the principal hears of every kind, in their order."""
    chosen = choices_of([principal.pk], list(Kind))
    return [Wish(kind, chosen[principal.pk, kind]) for kind in Kind]


def is_followed(principal: Principal, dataset: Dataset) -> bool:
    return Follow.objects.filter(principal=principal, dataset=dataset).exists()


def followed_by(principal: Principal) -> QuerySet[Follow]:
    """What the principal follows and may still read."""
    seen = Dataset.objects.visible_to(principal, Tier.METADATA)
    return Follow.objects.filter(principal=principal, dataset__in=seen).select_related("dataset")
