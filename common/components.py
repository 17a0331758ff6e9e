"""The values that page components take: views build them, tags render them, docs/interface.md shows each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

ChangeKind = Literal["added", "removed", "changed", "same"]


class LevelLike(Protocol):
    """A classification level: `rank` counts from 1 (least sensitive); `colour` is one of `COLOURS`."""

    @property
    def name(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def colour(self) -> str: ...


class PrincipalLike(Protocol):
    """Whoever acts: `kind` is person, service, pipeline or system."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


COLOURS: tuple[str, ...] = ("grey", "green", "teal", "blue", "violet", "amber", "orange", "red")
"""The closed palette. Each has text, ground and mark colours of enough contrast in both themes."""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way to this page; the last one has no `href`."""

    label: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab is a link to a page of its own."""

    label: str
    href: str
    current: bool = False
    count: int | None = None
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. `sort` is the value of ?sort= that orders by it (`-sort` for the other way)."""

    label: str
    sort: str = ""
    align: Literal["start", "end"] = "start"
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class FacetOption:
    value: str
    label: str
    count: int | None = None
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """A group of checkboxes that narrow a list; `name` is the query parameter."""

    name: str
    label: str
    options: Sequence[FacetOption]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A line under the search box. `matched` says why it is there, for example "column email"."""

    title: str
    href: str
    kind: str = "table"
    place: str = ""
    matched: str = ""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A branch or leaf. With `load_url` its children arrive when it is opened; else `href` shows them."""

    label: str
    href: str = ""
    kind: str = ""
    count: int | None = None
    note: str = ""
    children: Sequence[TreeNode] = ()
    open: bool = False
    current: bool = False
    load_url: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing before and after; an empty side is shown as nothing, not as an empty string."""

    label: str
    before: str = ""
    after: str = ""
    kind: ChangeKind = "changed"


@dataclass(frozen=True, slots=True)
class Activity:
    """A line of an activity feed: a whole sentence, who, when, and what it was before."""

    sentence: str
    at: dt.datetime
    by: PrincipalLike | None = None
    icon: str = "point"
    href: str = ""
    reason: str = ""
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class LogLine:
    at: dt.datetime
    text: str
    level: Literal["info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """A field as the schema table shows it. `depth` is 0 for a column, 1 and more inside a nested type."""

    name: str
    type: str
    native_type: str = ""
    depth: int = 0
    nullable: bool = True
    primary_key: bool = False
    foreign_key: str = ""
    foreign_key_href: str = ""
    level: LevelLike | None = None
    description: str = ""
    tags: Sequence[str] = ()
    change: ChangeKind = "same"
    before: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A schema version that a reader may choose; `value` goes into the query parameter."""

    value: str
    label: str
    at: dt.datetime | None = None
