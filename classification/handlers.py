"""What follows from events of rooms below, from changed levels, and from decisions."""

from __future__ import annotations

from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied
from catalog.models import Proposal
from catalog.proposals import on_decision
from classification.actions import recompute
from classification.events import LevelAdded, LevelDeleted, LevelsReordered
from classification.models import Label, StaleDataset
from classification.propagation.masking import follow_proposal
from lineage.changed_columns import note_described

on_decision[Proposal.Kind.MASKING] = follow_proposal
_BATCH = 5_000


@handles(SnapshotApplied)
def follow_fields(record: Record) -> None:
    """A crawl saw fields come and go: a dataset's level follows those that stand. Twice is as once."""
    changed = RecordSubject.objects.filter(record=record, kind="dataset", change__in=["changed", "returned", "adopted"])
    labelled = Label.objects.filter(dataset_id__in=changed.values("object_id"), valid_to__isnull=True)
    ids = sorted(labelled.values_list("dataset_id", flat=True).distinct())
    for start in range(0, len(ids), _BATCH):
        recompute(ids[start : start + _BATCH])


@handles(SnapshotApplied)
def meet_lineage(record: Record) -> None:
    """A crawl saw fields come and go that lineage may have spoken of: what they inherit is looked at. Twice is as once."""
    subjects = RecordSubject.objects.filter(record=record, kind="dataset")
    note_described(set(subjects.values_list("object_id", flat=True)))


@handles(LevelAdded, LevelDeleted, LevelsReordered)
def carry_by_new_ranks(record: Record) -> None:
    """What is higher than what changed, so every label that travels is to be compared anew."""
    StaleDataset.objects.create(dataset_id=None)
