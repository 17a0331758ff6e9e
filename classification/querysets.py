"""Reads of labels that chain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Greatest
from django.utils import timezone

from catalog.models import Dataset, Tier
from catalog.visibility import scope_of
from common.arrays import Among

if TYPE_CHECKING:
    from accounts.models import Principal
    from classification.models import Decision, Label


class LabelQuerySet(models.QuerySet["Label"]):
    def current(self) -> LabelQuerySet:
        """What holds now."""
        return self.filter(valid_to__isnull=True)

    def confirmed(self) -> LabelQuerySet:
        return self.filter(state="confirmed")

    def said_by_people(self) -> LabelQuerySet:
        """What somebody confirmed or rejected, also what was taken back since."""
        return self.filter(state__in=("confirmed", "rejected"))

    def counting(self) -> LabelQuerySet:
        """What makes levels: confirmed labels, and inherited ones (which count where no person said anything)."""
        return self.filter(state__in=("confirmed", "inherited"))

    def suggested(self) -> LabelQuerySet:
        """What waits for a decision."""
        return self.filter(state="suggested")

    def decidable_by(self, principal: Principal) -> LabelQuerySet:
        """Labels of standing datasets that the principal curates: those that it may decide about."""
        datasets = Dataset.objects.standing().filter(scope_of(principal).curation())
        return self.filter(dataset__in=datasets, field__gone_since__isnull=True)

    def at(self, moment: dt.datetime) -> LabelQuerySet:
        """What held at a moment."""
        return self.filter(valid_from__lte=moment).filter(
            models.Q(valid_to__isnull=True) | models.Q(valid_to__gt=moment)
        )

    def end(self, *, by: Principal, at: dt.datetime | None = None, decision: Decision | None = None) -> int:
        """End what holds of these, now or `at` a moment, by a decision if given; returns how many.

        What another writer began after that moment, while this one waited for the row, ends where it begins.
        """
        ended = Greatest(models.F("valid_from"), models.Value(at or timezone.now()))
        by_decision = {} if decision is None else {"decision": decision}
        return self.current().update(valid_to=ended, ended_by=by, **by_decision)

    def of_datasets(self, dataset_ids: Iterable[int]) -> LabelQuerySet:
        """The labels of these datasets and of their fields."""
        return self.filter(Among("dataset_id", dataset_ids))

    def visible_to(self, principal: Principal) -> LabelQuerySet:
        """Labels of datasets whose metadata the principal may read: a label is metadata."""
        seen = Dataset.objects.filter(pk=models.OuterRef("dataset")).visible_to(principal, Tier.METADATA)
        return self.filter(models.Exists(seen))
