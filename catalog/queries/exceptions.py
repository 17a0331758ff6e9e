"""Who sees a dataset by exception."""

from __future__ import annotations

from django.db.models import QuerySet

from catalog.models import Dataset, DatasetException
from common.errors import NotFound


def exceptions_of(dataset: Dataset) -> list[DatasetException]:
    """The exceptions that are open, the oldest first; one statement."""
    return list(_open(dataset).order_by("pk"))


def exception_of(dataset: Dataset, exception_id: int) -> DatasetException:
    """An open exception by its id; raises `NotFound`."""
    found = _open(dataset).filter(pk=exception_id).first()
    if found is None:
        raise NotFound("There is no such exception for this dataset, or it has ended. Reload the page.")
    return found


def _open(dataset: Dataset) -> QuerySet[DatasetException]:
    rows = DatasetException.objects.filter(dataset=dataset, valid_to__isnull=True)
    return rows.select_related("dataset", "principal__user", "group", "granted_by__user")
