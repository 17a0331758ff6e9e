"""What happens to levels and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


@event("classification.level_set", "set {what} to {level}: {reason}", personal=["reason"], of_columns=True)
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


@event("classification.level_cleared", "took the level off {what}: {reason}", personal=["reason"], of_columns=True)
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


@event(
    "classification.inherited_labels_changed",
    "let lineage carry labels: {added} added, {changed} changed and {ended} ended on columns of {datasets} datasets",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class InheritedLabelsChanged(Event):
    """What followed from changes of lineage or of labels, as one set; `reason` says what made it look again."""

    added: int
    changed: int
    ended: int
    datasets: int
    reason: str


@event(
    "classification.suggestions_changed",
    "classified columns of {datasets} datasets by rule set {rule_set}: {added} suggestions added, {changed} changed, "
    "{withdrawn} withdrawn",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsChanged(Event):
    added: int
    changed: int
    withdrawn: int
    datasets: int
    rule_set: int


@event("classification.suggestions_decided", "{what}: {reason}", personal=["reason"], of_columns=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsDecided(Event):
    """One dataset's part of a decision. `before` and `after` map its columns to categories and levels."""

    dataset_id: int
    field_ids: list[int]
    what: str
    decision_id: int
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.dataset_id)]


@event("classification.decision_undone", "undid a decision ({kind}) about {count} suggestions in {datasets} datasets")
@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUndone(Event):
    decision_id: int
    kind: str
    count: int
    datasets: int


@event("classification.negative_rules_made", "ruled out {scope}: {what}: {reason}", personal=["reason"])
@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeRulesMade(Event):
    rule_ids: list[int]
    what: str
    scope: str
    reason: str


@event("classification.negative_rule_ended", "ended the rule against {what}")
@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeRuleEnded(Event):
    rule_id: int
    what: str


@event("classification.category_added", "added the category {category} ({level})")
@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAdded(Event):
    category_id: int
    category: str
    level: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("category", self.category_id)]


@event("classification.category_edited", "edited the category {category}")
@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryEdited(Event):
    category_id: int
    category: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("category", self.category_id)]


@event("classification.rule_set_drafted", "drafted rule set {version}")
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetDrafted(Event):
    """`changed` are the slugs of the categories that differ from the rule set that holds."""

    rule_set_id: int
    version: int
    changed: list[str]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("ruleset", self.rule_set_id)]


@event("classification.rule_set_discarded", "discarded the draft of rule set {version}")
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetDiscarded(Event):
    rule_set_id: int
    version: int

    def subjects(self) -> Iterable[Subject]:
        return [Subject("ruleset", self.rule_set_id)]


@event("classification.rule_set_applied", "applied rule set {version}")
@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetApplied(Event):
    rule_set_id: int
    version: int

    def subjects(self) -> Iterable[Subject]:
        return [Subject("ruleset", self.rule_set_id)]
