"""What happens to lineage by somebody's decision. What pipelines tell is no event of the audit: the log has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audit.events import Event, Subject, event


@event("lineage.datasets_merged", "let {merged} stand for the same dataset as {standing}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetsMerged(Event):
    standing_id: int
    standing: str
    merged_id: int
    merged: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.standing_id), Subject("dataset", self.merged_id)]


@event("lineage.datasets_separated", "let {merged} stand for itself again, apart from {standing}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetsSeparated(DatasetsMerged):
    pass


@event("lineage.same_dataset_decided", "{decision} that {first} and {second} are one dataset")
@dataclass(frozen=True, slots=True, kw_only=True)
class SameDatasetDecided(Event):
    first_id: int
    first: str
    second_id: int
    second: str
    decision: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.first_id), Subject("dataset", self.second_id)]
