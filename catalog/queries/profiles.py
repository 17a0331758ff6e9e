"""Reads of profiles. Whoever asks has passed the door at the third tier: profiles are of values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.db.models import F, Q
from django.utils import timezone

from catalog.models import Dataset, FieldProfile, Profile, Sampling, SamplingAmount, Source
from catalog.querysets import DatasetQuerySet
from catalog.snapshots import DatasetKind
from common.arrays import Among

HISTORY_SHOWN = 60
"""Profiles that a plot shows."""

_AGE = {SamplingAmount.LIGHT: dt.timedelta(days=30), SamplingAmount.FULL: dt.timedelta(days=7)}
_AGAIN = dt.timedelta(days=1)
"""What failed is tried again after so long, or when the schema changed."""

_TABLES = (DatasetKind.TABLE, DatasetKind.PARTITIONED, DatasetKind.MATERIALIZED_VIEW)
_KINDS = {SamplingAmount.LIGHT: _TABLES, SamplingAmount.FULL: (*_TABLES, DatasetKind.VIEW, DatasetKind.FOREIGN)}


def due_for_sampling(source: Source, *, rules: int, now: dt.datetime | None = None) -> DatasetQuerySet:
    """The datasets of a source whose sample is missing or old, or was made of another schema, by other rules or lighter.

    Those come first that were never tried, then those whose last try is the longest ago: what fails holds nothing else up.
    Light sampling leaves out views and foreign tables, which may be anything to compute. None where sampling is off.
    """
    datasets: DatasetQuerySet = Dataset.objects.standing().filter(source=source)
    if source.sampling == SamplingAmount.OFF:
        return datasets.none()
    amount = SamplingAmount(source.sampling)
    moment = now or timezone.now()
    due = (
        Q(sampling__isnull=True)
        | ~Q(sampling__version=F("version"))
        | Q(sampling__tried_at__lt=moment - _AGE[amount])
        | Q(sampling__failure__gt="", sampling__tried_at__lt=moment - _AGAIN)
        | ~Q(sampling__rules=rules)
    )
    if amount is SamplingAmount.FULL:
        due |= Q(sampling__amount=SamplingAmount.LIGHT)
    return datasets.filter(due, kind__in=_KINDS[amount], field_count__gt=0).order_by(
        F("sampling__tried_at").asc(nulls_first=True), "pk"
    )


def fields_with_values(dataset_ids: Collection[int]) -> list[int]:
    """The ids of those fields of these datasets of which a least or greatest value or an exemplar is kept; one statement."""
    kept = ~Q(minimum="") | ~Q(maximum="") | ~Q(exemplars=[])
    return list(FieldProfile.objects.filter(kept, Among("dataset_id", dataset_ids)).values_list("field_id", flat=True))


def field_profiles_of(dataset: Dataset) -> dict[int, FieldProfile]:
    """The latest profile of each present field by its id; one statement."""
    rows = FieldProfile.objects.filter(dataset=dataset, field__gone_since__isnull=True)
    return {row.field_id: row for row in rows}


def profiles_of(dataset: Dataset, *, limit: int = HISTORY_SHOWN) -> list[Profile]:
    """The latest profiles of a dataset, newest first; one statement."""
    return list(Profile.objects.filter(dataset=dataset).order_by("-taken_at", "-pk")[:limit])


def sampling_of(dataset: Dataset) -> Sampling | None:
    """When the dataset was sampled last, if it was; one statement."""
    return Sampling.objects.filter(dataset=dataset).first()


def field_profiles(field_ids: Sequence[int]) -> dict[int, FieldProfile]:
    """The latest profiles of these fields by id; one statement."""
    return {row.field_id: row for row in FieldProfile.objects.filter(field__in=field_ids)}
