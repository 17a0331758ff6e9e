"""One dataset as its page and its REST resource show it: who answers for it, what is said of it, how its schema was and is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from catalog.models import (
    Dataset,
    DatasetName,
    Description,
    Field,
    Key,
    Ownership,
    SchemaVersion,
    TagAssignment,
    Tier,
)
from catalog.schema_history import Difference, differences, summary
from common.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from accounts.models import Principal

_SHOWN_WITH = ("source__system", "schema", "domain")
MAX_VERSIONS = 200
MAX_TOLD = 20
"""Versions whose changes are told in words on one page."""


def visible_dataset(principal: Principal, dataset_id: int, *, tier: int = Tier.DISCOVER) -> Dataset:
    """A dataset with its `tier` for the principal.

    Raises `NotFound` where it may not be discovered and `Forbidden` where it may, but not at `tier`.
    """
    rows = Dataset.objects.visible_to(principal).with_tier(principal)
    found: Dataset | None = rows.select_related(*_SHOWN_WITH).defer("search").filter(pk=dataset_id).first()
    if found is None:
        raise NotFound("There is no such dataset, or you may not see it.")
    check_tier(found, tier)
    return found


def check_tier(dataset: Dataset, tier: int) -> None:
    """Raises `Forbidden` for a dataset that was read with its `tier` and stands below this one."""
    if dataset.tier < tier:
        raise Forbidden("You may know that this dataset exists, but not read this of it. Ask for access on its page.")


def owners_of(dataset: Dataset) -> list[Ownership]:
    """Who answers for the dataset now, owners first; one statement."""
    held = dataset.ownerships.filter(valid_to__isnull=True)
    return list(held.select_related("principal__user", "group", "asserted_by").order_by("kind", "id"))


def names_of(dataset: Dataset) -> list[DatasetName]:
    """The names by which the dataset is known now, the main one first, those of merged ones last; one statement."""
    own = Q(dataset=dataset) | Q(dataset__merged_into=dataset)
    names = list(DatasetName.objects.filter(own, valid_to__isnull=True).order_by("-is_main", "id"))
    for name in names:
        # What was the main name of a dataset that now stands for nothing is one of the others.
        name.is_main = name.is_main and name.dataset_id == dataset.pk
    return sorted(names, key=lambda name: (not name.is_main, name.dataset_id != dataset.pk))


@dataclass(frozen=True, slots=True)
class Said:
    """What is said now of a dataset and its fields: the effective description of each, by field id (None: the dataset)."""

    descriptions: Mapping[int | None, Description] = field(default_factory=dict)
    tags: Mapping[int | None, Sequence[TagAssignment]] = field(default_factory=dict)


_ORIGINS = ("person", "code", "pipeline", "crawl")


def said_of(dataset: Dataset) -> Said:
    """Descriptions and tags with their provenance; two statements."""
    descriptions: dict[int | None, Description] = {}
    rows = dataset.descriptions.filter(valid_to__isnull=True).select_related("asserted_by")
    for row in sorted(rows, key=lambda one: _ORIGINS.index(one.origin)):
        descriptions.setdefault(row.field_id, row)
    tags: dict[int | None, list[TagAssignment]] = {}
    assigned = dataset.tag_assignments.filter(valid_to__isnull=True).select_related("tag", "asserted_by")
    for assignment in assigned.order_by("tag__name"):
        tags.setdefault(assignment.field_id, []).append(assignment)
    return Said(descriptions, tags)


def fields_of(dataset: Dataset) -> list[Field]:
    """The present fields, each nested one below the field that holds it; one statement."""
    return in_order(Field.objects.filter(dataset=dataset, gone_since__isnull=True))


def in_order(fields: Iterable[Field]) -> list[Field]:
    """Fields by position, each nested one below the field that holds it."""
    listed = list(fields)
    positions = {tuple(one.path): one.position for one in listed}

    def place(one: Field) -> tuple[tuple[int, str], ...]:
        path = tuple(one.path)
        return tuple((positions.get(path[: depth + 1], one.position), path[depth]) for depth in range(len(path)))

    return sorted(listed, key=place)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a foreign key points: `dataset` only where the reader may see it, `hidden` where it may not."""

    key: Key
    dataset: Dataset | None
    hidden: bool

    @property
    def label(self) -> str:
        if self.hidden:
            return "a dataset you may not see"
        target = ".".join(self.key.references_path or [])
        columns = ", ".join(self.key.referenced_columns)
        return f"{target} ({columns})" if columns else target


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a dataset, and the references of its foreign keys by key id."""

    keys: Sequence[Key]
    references: Mapping[int, Reference]

    def primary(self) -> frozenset[str]:
        """The columns of the primary key."""
        return frozenset(column for key in self.keys if key.kind == "primary" for column in key.columns)

    def foreign(self) -> dict[str, Reference]:
        """By column, where its foreign key points."""
        return {
            column: self.references[key.pk] for key in self.keys if key.pk in self.references for column in key.columns
        }


_KEY_KINDS = ("primary", "unique", "foreign")


def keys_of(principal: Principal, dataset: Dataset) -> Keys:
    """Keys of a dataset as the principal may know them; two statements."""
    keys = sorted(dataset.keys.all(), key=lambda key: (_KEY_KINDS.index(key.kind), key.name))
    targets = {key.references_id for key in keys if key.references_id}
    seen = Dataset.objects.visible_to(principal).filter(pk__in=targets).defer("search", "definition")
    by_id = {row.pk: row for row in seen} if targets else {}
    references = {
        key.pk: Reference(
            key, by_id.get(key.references_id or 0), bool(key.references_id) and key.references_id not in by_id
        )
        for key in keys
        if key.kind == "foreign"
    }
    return Keys(keys, references)


def versions_of(dataset: Dataset) -> list[SchemaVersion]:
    """The schema versions, newest first, without their content; one statement, at most 200."""
    return list(SchemaVersion.objects.filter(dataset=dataset).defer("content").order_by("-number")[:MAX_VERSIONS])


def version_of(dataset: Dataset, number: int) -> SchemaVersion:
    """One version with its content. Raises `NotFound` where there is none of this number."""
    found = SchemaVersion.objects.filter(dataset=dataset, number=number).first()
    if found is None:
        raise NotFound(f"There is no version {number} of this dataset's schema.")
    return found


def changes_between(dataset: Dataset, before: int, after: int) -> list[Difference]:
    """What changed from one version to another; two statements."""
    return differences(version_of(dataset, before).content, version_of(dataset, after).content)


@dataclass(frozen=True, slots=True)
class Told:
    """A version with what it changed, in one line."""

    version: SchemaVersion
    summary: str
    before: int | None


def history_of(dataset: Dataset) -> list[Told]:
    """The latest 20 versions with what each changed against the one before, newest first; one statement."""
    rows = list(SchemaVersion.objects.filter(dataset=dataset).order_by("-number")[: MAX_TOLD + 1])
    told: list[Told] = []
    following = [*rows[1:], None] if rows else []
    for newer, older in zip(rows, following, strict=True):
        if older is None:
            first = newer.number == 1
            if first or len(rows) <= MAX_TOLD:
                told.append(Told(newer, "first seen" if first else "", None))
            continue
        told.append(Told(newer, summary(differences(older.content, newer.content)), older.number))
    return told[:MAX_TOLD]


def content_for(principal: Principal, dataset: Dataset, content: Mapping[str, Any]) -> dict[str, Any]:
    """A version's content without the names of datasets that the principal may not see; one statement at most."""
    keys = [dict(key) for key in content.get("keys", [])]
    targets = {tuple(key["references"]) for key in keys if key.get("references")}
    if targets:
        rows = Dataset.objects.filter(source=dataset.source_id, path__in=[list(target) for target in targets])
        hidden = {tuple(path) for path in rows.values_list("path", flat=True)}
        hidden -= {tuple(path) for path in rows.visible_to(principal).values_list("path", flat=True)}
        for key in keys:
            if key.get("references") and tuple(key["references"]) in hidden:
                key["references"] = None
    return {**content, "keys": keys}
