"""What follows from events of rooms below."""

from __future__ import annotations

import classification.propagation.handlers  # noqa: F401 -- registers those of labels that travel
from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied
from classification.actions import recompute
from classification.models import Label
from classification.tasks import classify_names

_BATCH = 5_000
_A_TASK = 500


@handles(SnapshotApplied)
def follow_fields(record: Record) -> None:
    """A crawl saw fields come and go: a dataset's level follows those that stand. Twice is as once."""
    changed = RecordSubject.objects.filter(record=record, kind="dataset", change__in=["changed", "returned", "adopted"])
    labelled = Label.objects.filter(dataset_id__in=changed.values("object_id"), valid_to__isnull=True)
    ids = sorted(labelled.values_list("dataset_id", flat=True).distinct())
    for start in range(0, len(ids), _BATCH):
        recompute(ids[start : start + _BATCH])


@handles(SnapshotApplied)
def classify_what_is_new(record: Record) -> None:
    """New and changed columns are classified, at least by name, unless the crawl does so itself. Twice is as once."""
    subjects = RecordSubject.objects.filter(
        record=record, kind="dataset", change__in=["added", "changed", "returned", "adopted"]
    )
    ids = sorted(subjects.values_list("object_id", flat=True))
    for start in range(0, len(ids), _A_TASK):
        classify_names.delay(ids[start : start + _A_TASK], record.occurred_at.isoformat())
