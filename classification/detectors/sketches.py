"""What the detectors are given and what they answer: sketches of tables and columns in, verdicts with evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Sensitivity(StrEnum):
    """The shipped levels, by the slugs that `classification.Level` seeds; ordered from the least sensitive."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class EvidenceKind(StrEnum):
    """Where a contribution comes from."""

    NAME = "name"
    TYPE = "type"
    VALUES = "values"
    CHECKSUM = "checksum"
    CONTEXT = "context"
    KEY = "key"
    COMMENT = "comment"
    NEGATIVE = "negative"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class ColumnSketch:
    """A column as the detectors see it.

    `type` is the source's own type text, "" when unknown. `values` are sampled values in text form, None among them for
    nulls; `values=None` says that the column was not sampled. `references` is "table.column" of a foreign key,
    or "". `is_key` says that the column is, or belongs to, the table's key.
    """

    name: str
    type: str = ""
    comment: str = ""
    values: Sequence[str | None] | None = None
    references: str = ""
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class TableSketch:
    """A table, or whatever part of it is to be judged together: its columns are each other's context."""

    name: str
    columns: Sequence[ColumnSketch]
    schema: str = ""
    comment: str = ""


# The collector of garbage need not look through these: they refer to nothing that could refer back to them.
class Contribution(msgspec.Struct, frozen=True, gc=False):
    """One reason for or against a category.

    `text` is a piece of a sentence ("name token dob", "18 of 20 values parse as dates") and never holds a sampled
    value; `weight` is in log-odds (natural logarithm), positive for the category.
    """

    kind: EvidenceKind
    text: str
    weight: float


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a column holds, as far as its sketch tells.

    `category` is a slug of `shipped_categories()` or of the rules' own, None when nothing governed was found. `personal`
    and `level` are the category's; without a category the level may still be public (codes, units, time zones), else
    internal. `confidence` is calibrated: of the verdicts given with 0.8, about 80 % are right. `evidence` explains the
    category given, or, where none is given, the one that came nearest; the weightiest first.
    """

    category: str | None
    personal: bool
    level: Sensitivity
    confidence: float
    evidence: tuple[Contribution, ...] = ()
