"""Which datasets speak for one that stands: itself, and those that were merged into it."""

from __future__ import annotations

from django.db.models import Q

from catalog.models import Dataset


def members_of(dataset: Dataset) -> list[int]:
    """The ids of the dataset and of those merged into it; one statement."""
    return list(
        Dataset.objects.filter(Q(pk=dataset.pk) | Q(merged_into=dataset)).order_by("pk").values_list("pk", flat=True)
    )
