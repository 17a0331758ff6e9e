"""What is known of a question: who asks, for what, by which grants. Values only; `access.gathering` reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from access.policies.masking import Mask
from access.policies.rules import Action

NO_FIELD = 0
"""Stands for the contents of a dataset whose fields nobody described."""


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """A principal with its groups, the roles it holds on domains, itself or by a group, and its attributes."""

    principal_id: int
    is_active: bool = True
    groups: frozenset[int] = frozenset()
    roles: Mapping[int, frozenset[str]] = field(default_factory=dict)
    attributes: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """A present field: its own rank or its dataset's, 0 for none, and the categories of its labels that count."""

    field_id: int
    rank: int = 0
    categories: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset with its present fields and its owners, which are principals and groups.

    `categories` are those of labels on the dataset itself; its fields have them too.
    """

    dataset_id: int
    domain_id: int | None = None
    source_id: int | None = None
    rank: int = 0
    fields: tuple[FieldFacts, ...] = ()
    categories: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()
    owner_groups: frozenset[int] = frozenset()

    @property
    def contents(self) -> tuple[FieldFacts, ...]:
        """The fields, or what stands for them where there are none."""
        return self.fields or (FieldFacts(NO_FIELD, self.rank, self.categories),)


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """A grant that holds now; no field ids are all of them."""

    grant_id: int
    field_ids: frozenset[int] = frozenset()
    masks: Mapping[int, Mask] = field(default_factory=dict)

    def covers(self, field_id: int) -> bool:
        return not self.field_ids or field_id in self.field_ids


@dataclass(frozen=True, slots=True)
class Question:
    """May this subject do this with these fields (none: all), now, for this purpose? `ranks` are those of levels by id."""

    subject: SubjectFacts
    action: Action
    dataset: DatasetFacts
    at: dt.datetime
    asked: frozenset[int] = frozenset()
    grants: tuple[GrantFacts, ...] = ()
    purpose: str = ""
    ranks: Mapping[int, int] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[FieldFacts, ...]:
        """The fields in question. Asked for one that is not there, there is nothing to say of it."""
        every = self.dataset.contents
        return tuple(one for one in every if one.field_id in self.asked) if self.asked else every

    @property
    def asks_for_what_is_gone(self) -> bool:
        return bool(self.asked - {one.field_id for one in self.dataset.contents})
