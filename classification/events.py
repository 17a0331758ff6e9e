"""What happens to levels and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


@event("classification.level_set", "set {what} to {level}: {reason}", personal=["reason"])
@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSet(Event):
    """One dataset's part of a set. `before` and `after` map its labelled things to level names."""

    dataset_id: int
    field_ids: list[int]
    what: str
    level_id: int
    level: str
    origin: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.dataset_id), Subject("level", self.level_id)]


@event("classification.level_cleared", "took the level off {what}: {reason}", personal=["reason"])
@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCleared(Event):
    dataset_id: int
    field_ids: list[int]
    what: str
    origin: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.dataset_id)]


@event("classification.level_added", "added the level {level}")
@dataclass(frozen=True, slots=True, kw_only=True)
class LevelAdded(Event):
    level_id: int
    level: str
    rank: int

    def subjects(self) -> Iterable[Subject]:
        return [Subject("level", self.level_id)]


@event("classification.level_edited", "edited the level {level}")
@dataclass(frozen=True, slots=True, kw_only=True)
class LevelEdited(Event):
    level_id: int
    level: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("level", self.level_id)]


@event("classification.levels_reordered", "put the levels in the order {order}")
@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsReordered(Event):
    level_ids: list[int]
    order: list[str]
    datasets: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("level", level_id) for level_id in self.level_ids]


@event("classification.level_deleted", "deleted the unused level {level}")
@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDeleted(Event):
    level_id: int
    level: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("level", self.level_id)]
