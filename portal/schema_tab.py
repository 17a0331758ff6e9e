"""The schema tab: fields with types, keys, levels and words; versions, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.urls import reverse

from catalog.models import Dataset, Description, Field, SchemaVersion, TagAssignment
from catalog.queries.datasets import (
    Keys,
    Reference,
    Told,
    fields_of,
    history_of,
    keys_of,
    said_of,
    version_of,
    versions_of,
)
from catalog.schema_history import ChangeKind, Difference, differences
from classification.queries import levels_by_rank, shown_labels
from common.components import Change, Version
from portal.numbers import number_in

if TYPE_CHECKING:
    from accounts.models import Principal
    from classification.models import Label, Level

PAGE = 250
"""Fields on one page: a table of 1,600 columns stays quick to draw and to walk."""


@dataclass(frozen=True, slots=True)
class FieldLine:
    """A row of the schema table. `href` leads to the field's own page, where there is one."""

    name: str
    depth: int
    native_type: str
    type: str
    nullable: bool
    path: str
    href: str = ""
    primary: bool = False
    reference: Reference | None = None
    level: Level | None = None
    inherits: bool = False
    """The level is the dataset's, for the column has none of its own."""
    label: Label | None = None
    """What says most of how sensitive the column is: confirmed, else inherited, else suggested."""
    text: str = ""
    said: Description | None = None
    tags: Sequence[TagAssignment] = ()
    change: str = "same"
    before: str = ""


@dataclass(frozen=True, slots=True)
class SchemaTab:
    """What the tab shows. `changes` is set where two versions are compared, `other` where an older version is shown."""

    lines: Sequence[FieldLine]
    total: int
    matching: int
    start: int
    find: str
    keys: Keys | None
    versions: Sequence[Version]
    current: str
    compare: str
    changes: Sequence[Change] = ()
    history: Sequence[Told] = field(default_factory=tuple)
    is_old: bool = False

    @property
    def end(self) -> int:
        return min(self.start + PAGE, self.matching)

    @property
    def next_start(self) -> int | None:
        return self.start + PAGE if self.start + PAGE < self.matching else None

    @property
    def previous_start(self) -> int | None:
        return max(0, self.start - PAGE) if self.start else None


def schema_tab(request: HttpRequest, principal: Principal, dataset: Dataset) -> SchemaTab:
    """Reads the tab's query: `version`, `compare`, `find` (part of a field's name) and `from`."""
    versions = versions_of(dataset)
    current = number_in(request, "version") or dataset.version
    compare = number_in(request, "compare")
    start = number_in(request, "from") or 0
    find = request.GET.get("find", "").strip().replace("\x00", "")[:100]
    is_old = current != dataset.version
    keys = None if is_old else keys_of(principal, dataset)
    changes: list[Difference] = []
    content: Mapping[str, Any] = {}
    if is_old or compare:
        content = version_of(dataset, current).content
        before = version_of(dataset, compare).content if compare else None
        changes = differences(before, content)
    lines = _old_lines(content, changes) if is_old else _present_lines(principal, dataset, keys, changes)
    matching = [line for line in lines if find.lower() in line.path.lower()] if find else lines
    return SchemaTab(
        lines=matching[start : start + PAGE],
        total=len(lines),
        matching=len(matching),
        start=start,
        find=find,
        keys=keys,
        versions=[_version(one, dataset) for one in versions],
        current=str(current),
        compare=str(compare or ""),
        changes=[_change(one) for one in changes],
        history=history_of(dataset),
        is_old=is_old,
    )


def _version(version: SchemaVersion, dataset: Dataset) -> Version:
    label = f"{version.number} (now)" if version.number == dataset.version else str(version.number)
    return Version(str(version.number), label, version.seen_at)


def _present_lines(
    principal: Principal, dataset: Dataset, keys: Keys | None, changes: Sequence[Difference]
) -> list[FieldLine]:
    said = said_of(dataset)
    levels = levels_by_rank()
    labels = shown_labels(dataset)
    primary = keys.primary() if keys else frozenset()
    foreign = keys.foreign() if keys else {}
    changed = _by_field(changes)
    fields = fields_of(dataset)
    paths = {tuple(one.path) for one in fields}
    found = [_line(one, dataset, levels, changed, paths) for one in fields]
    lines = [
        replace(
            line,
            primary=line.path in primary,
            reference=foreign.get(line.path),
            label=labels.get(pk),
            said=said.descriptions.get(pk),
            tags=said.tags.get(pk, ()),
        )
        for pk, line in found
    ]
    return lines + _removed(changes)


def _line(
    one: Field,
    dataset: Dataset,
    levels: Mapping[int, Level],
    changed: Mapping[str, Difference],
    paths: Set[tuple[str, ...]],
) -> tuple[int, FieldLine]:
    path = ".".join(one.path)
    change = changed.get(path)
    name, depth = _placed(tuple(one.path), paths)
    return one.pk, FieldLine(
        name=name,
        depth=depth,
        native_type=one.native_type,
        type=one.type,
        nullable=one.nullable,
        path=path,
        href=reverse("portal:field", args=[dataset.pk, one.pk]),
        level=levels.get(one.level or dataset.level or 0),
        inherits=not one.level and bool(dataset.level),
        text=one.description or one.comment,
        change=change.kind.value if change else "same",
        before=_type_before(change),
    )


def _old_lines(content: Mapping[str, Any], changes: Sequence[Difference]) -> list[FieldLine]:
    changed = _by_field(changes)
    lines = []
    paths = {tuple(one["path"]) for one in content.get("fields", [])}
    for one in content.get("fields", []):
        path = ".".join(one["path"])
        change = changed.get(path)
        lines.append(_line_of(one, paths, change.kind.value if change else "same", _type_before(change)))
    return lines + _removed(changes)


def _removed(changes: Sequence[Difference]) -> list[FieldLine]:
    gone = [one.before for one in changes if one.subject == "field" and one.kind is ChangeKind.REMOVED and one.before]
    return [_line_of(one, frozenset(), "removed") for one in gone]


def _placed(path: tuple[str, ...], paths: Set[tuple[str, ...]]) -> tuple[str, int]:
    """The name that a field shows and how deep it stands: below the nearest field that holds it, if one is known."""
    ancestors = [length for length in range(1, len(path)) if path[:length] in paths]
    return ".".join(path[ancestors[-1] :] if ancestors else path), len(ancestors)


def _line_of(one: Mapping[str, Any], paths: Set[tuple[str, ...]], change: str, before: str = "") -> FieldLine:
    name, depth = _placed(tuple(one["path"]), paths)
    return FieldLine(
        name=name,
        depth=depth,
        native_type=one.get("native_type", ""),
        type=one.get("type", ""),
        nullable=one.get("nullable", True),
        path=".".join(one["path"]),
        text=one.get("comment") or "",
        change=change,
        before=before,
    )


def _by_field(changes: Sequence[Difference]) -> dict[str, Difference]:
    return {one.what: one for one in changes if one.subject == "field" and one.kind is not ChangeKind.REMOVED}


def _type_before(change: Difference | None) -> str:
    if change is None or change.before is None or change.after is None:
        return ""
    before, after = change.before.get("native_type", ""), change.after.get("native_type", "")
    return before if before != after else ""


def _change(one: Difference) -> Change:
    kinds: Mapping[ChangeKind, Any] = {
        ChangeKind.ADDED: "added",
        ChangeKind.REMOVED: "removed",
        ChangeKind.CHANGED: "changed",
    }
    return Change(one.what, _short(one, one.before), _short(one, one.after), kinds[one.kind])


def _short(one: Difference, side: Mapping[str, Any] | None) -> str:
    if side is None:
        return ""
    if one.subject == "field":
        parts = [side.get("native_type", "")]
        parts += ["required"] if not side.get("nullable", True) else []
        parts += [f"default {side['default']}"] if side.get("default") else []
        parts += [f"“{side['comment']}”"] if side.get("comment") else []
        return ", ".join(parts)
    if one.subject == "key":
        return f"{side['kind']} ({', '.join(side['columns'])})"
    (value,) = side.values()
    return str(value or "")
