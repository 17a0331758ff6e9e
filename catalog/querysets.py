"""Reads of datasets and sources that chain."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from catalog.visibility import scope_of

if TYPE_CHECKING:
    from accounts.models import Principal
    from catalog.models import Dataset, Proposal, Source


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, principal: Principal, tier: int = 1) -> DatasetQuerySet:
        """Datasets that `principal` sees at `tier` (a `Tier`) or above. Every read that shows datasets passes here."""
        return self.filter(scope_of(principal).condition(tier))

    def with_tier(self, principal: Principal) -> DatasetQuerySet:
        """Annotates `tier`: how much of each dataset the principal sees, 0 to 3."""
        scope = scope_of(principal)
        if scope.everything:
            return self.annotate(tier=models.Value(3, output_field=models.SmallIntegerField()))
        cases = [models.When(scope.condition(tier), then=models.Value(tier)) for tier in (3, 2, 1)]
        return self.annotate(tier=models.Case(*cases, default=models.Value(0), output_field=models.SmallIntegerField()))

    def standing(self) -> DatasetQuerySet:
        """Neither gone nor merged into another."""
        return self.filter(gone_since__isnull=True, merged_into__isnull=True)

    def not_merged(self) -> DatasetQuerySet:
        return self.filter(merged_into__isnull=True)

    def without_owner(self) -> DatasetQuerySet:
        return self.filter(owner_names=[])

    def stale(self, days: int) -> DatasetQuerySet:
        """Not written by any run for so many days (those never written by a known run are not counted)."""
        return self.filter(data_updated_at__lt=timezone.now() - dt.timedelta(days=days))


class SourceQuerySet(models.QuerySet["Source"]):
    def visible_to(self, principal: Principal) -> SourceQuerySet:
        """Sources with at least one visible dataset, those of the principal's domains, and those it made."""
        from catalog.models import Dataset

        scope = scope_of(principal)
        if scope.everything:
            return self
        shown = Dataset.objects.filter(source=models.OuterRef("pk")).visible_to(principal)
        return self.filter(
            models.Q(models.Exists(shown))
            | models.Q(domain_id__in=list(scope.roles_of_domain))
            | models.Q(created_by_id=scope.principal_id)
        )


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def open(self) -> ProposalQuerySet:
        """Those that wait for a decision; of a merged dataset, the one that stands for it is asked about instead."""
        return self.filter(state="open", dataset__merged_into__isnull=True)

    def visible_to(self, principal: Principal) -> ProposalQuerySet:
        """About datasets whose metadata `principal` reads."""
        from catalog.models import Dataset

        scope = scope_of(principal)
        return self if scope.everything else self.filter(dataset__in=Dataset.objects.visible_to(principal, 2))

    def decidable_by(self, principal: Principal) -> ProposalQuerySet:
        """About datasets that `principal` curates."""
        from catalog.models import Dataset

        scope = scope_of(principal)
        return self if scope.everything else self.filter(dataset__in=Dataset.objects.filter(scope.curation()))
