"""What follows from events of rooms below."""

from __future__ import annotations

from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied
from classification.actions import recompute
from classification.models import Label

_BATCH = 5_000


@handles(SnapshotApplied)
def follow_fields(record: Record) -> None:
    """A crawl saw fields come and go: a dataset's level follows those that stand. Twice is as once."""
    changed = RecordSubject.objects.filter(record=record, kind="dataset", change__in=["changed", "returned", "adopted"])
    labelled = Label.objects.filter(dataset_id__in=changed.values("object_id"), valid_to__isnull=True)
    ids = sorted(labelled.values_list("dataset_id", flat=True).distinct())
    for start in range(0, len(ids), _BATCH):
        recompute(ids[start : start + _BATCH])
