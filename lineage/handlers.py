"""What follows from events of rooms below."""

from __future__ import annotations

from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied
from lineage.view_lineage import derive_views, views_over


@handles(SnapshotApplied)
def read_views(record: Record) -> None:
    """A crawl brought definitions and columns: the views' lineage follows. Twice is as once."""
    subjects = RecordSubject.objects.filter(record=record, kind="dataset")
    ids = set(subjects.values_list("object_id", flat=True))
    derive_views(ids | set(views_over(ids)))
