"""When what labels travel by changes: a crawl meets lineage, levels are ranked anew, a steward decides about masking."""

from __future__ import annotations

from audit.handlers import handles
from audit.models import Record, RecordSubject
from catalog.events import SnapshotApplied
from catalog.models import Proposal
from catalog.proposals import on_decision
from classification.events import LevelAdded, LevelDeleted, LevelsReordered
from classification.models import StaleDataset
from classification.propagation.masking import follow_proposal
from lineage.changed_columns import note_described

on_decision[Proposal.Kind.MASKING] = follow_proposal


@handles(SnapshotApplied)
def meet_lineage(record: Record) -> None:
    """A crawl saw fields come and go that lineage may have spoken of: what they inherit is looked at. Twice is as once."""
    subjects = RecordSubject.objects.filter(record=record, kind="dataset")
    note_described(set(subjects.values_list("object_id", flat=True)))


@handles(LevelAdded, LevelDeleted, LevelsReordered)
def carry_by_new_ranks(record: Record) -> None:
    """What is higher than what changed, so every label that travels is to be compared anew."""
    StaleDataset.objects.create(dataset_id=None)
