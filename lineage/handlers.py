"""What follows from events of rooms below, and from decisions.

Every process registers these; the parser of SQL takes 30 MB, so only the worker that reads a definition loads it.
"""

from __future__ import annotations

from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied
from catalog.models import Proposal
from catalog.proposals import on_decision
from lineage.events import DatasetsMerged, DatasetsSeparated
from lineage.merging import follow_proposal, note_crawled

on_decision[Proposal.Kind.SAME_AS] = follow_proposal


@handles(SnapshotApplied)
def read_views(record: Record) -> None:
    """A crawl brought definitions and columns: the views' lineage follows. Twice is as once."""
    _derive_views_about(record)


@handles(SnapshotApplied)
def settle_merges(record: Record) -> None:
    """A crawl found what others stood for, or no longer found what stood for others. Twice is as once."""
    note_crawled(record)


@handles(DatasetsMerged)
def read_views_of_merged(record: Record) -> None:
    """What a view reads stands for another dataset now: its edges follow. Twice is as once."""
    _derive_views_about(record)


@handles(DatasetsSeparated)
def read_views_of_separated(record: Record) -> None:
    """What a view reads stands for itself again: its edges follow. Twice is as once."""
    _derive_views_about(record)


def _derive_views_about(record: Record) -> None:
    from lineage.view_lineage import derive_views, views_over

    subjects = RecordSubject.objects.filter(record=record, kind="dataset")
    ids = set(subjects.values_list("object_id", flat=True))
    derive_views(ids | set(views_over(ids)))
