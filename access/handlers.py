"""What follows from events of rooms below."""

from __future__ import annotations

import access.enforcement.events  # noqa: F401 -- registers them
from access.enforcement.asking import ask
from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied


@handles(SnapshotApplied)
def compare_rights_after_a_crawl(record: Record) -> None:
    """Tables were dropped, made anew or renamed: what people may read there is compared. Twice is as once."""
    sources = RecordSubject.objects.filter(record=record, kind="source")
    ask(sources=sources.values_list("object_id", flat=True))
