"""What an administrator adds to the shipped detectors, without code: categories of their own, and what to rule out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from classification.detectors.sketches import Sensitivity


@dataclass(frozen=True, slots=True, eq=False)
class CustomCategory:
    """A category of the organisation; another object is another category.

    `names` are phrases ("patient number"), which match a column name as whole tokens; `abbreviations` map a token to a phrase
    ("pno" to "patient number"). `patterns` are regular expressions in RE2's syntax that the whole value must match, `check` the
    name of a shipped checksum (`checksums.names()`), or "".
    """

    slug: str
    name: str
    level: Sensitivity
    personal: bool
    names: tuple[str, ...] = ()
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    check: str = ""


@dataclass(frozen=True, slots=True)
class NegativeRule:
    """A category that columns of a name are not, as people decided. The caller resolves its scope.

    `name` is a phrase. It matches a column whose name contains its tokens one after another, or, if `whole`, has no others.
    """

    category: str
    name: str
    whole: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """A rule set: what is added to the shipped detectors. `disabled` are slugs of shipped categories never to suggest;
    `levels` replaces the shipped level of a category."""

    version: str = "shipped"
    categories: tuple[CustomCategory, ...] = ()
    negatives: tuple[NegativeRule, ...] = ()
    disabled: frozenset[str] = frozenset()
    levels: Mapping[str, Sensitivity] = field(default_factory=dict)


SHIPPED = Rules()
"""Nothing added."""
