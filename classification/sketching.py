"""Stored columns as the detectors take them: by name, type, comment and keys. Values are not stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from catalog.models import Dataset, Field, Key
from catalog.snapshots import KeyKind
from classification.detectors import ColumnSketch, TableSketch


@dataclass(frozen=True, slots=True)
class Sketched:
    """A dataset's sketch, and the ids of its fields in the order of the sketch's columns."""

    table: TableSketch
    field_ids: tuple[int, ...]


def sketches_of(dataset_ids: Collection[int]) -> dict[int, Sketched]:
    """The sketches of these datasets by id, without those that have no standing fields; three statements."""
    fields: dict[int, list[Field]] = defaultdict(list)
    standing = Field.objects.filter(dataset__in=dataset_ids, gone_since__isnull=True).order_by("dataset", "position")
    for field in standing.only("dataset_id", "path", "native_type", "comment", "description"):
        fields[field.dataset_id].append(field)
    references: dict[tuple[int, str], str] = {}
    keys: set[tuple[int, str]] = set()
    for key in Key.objects.filter(dataset__in=dataset_ids):
        if key.kind == KeyKind.FOREIGN:
            table = key.references_path[-1] if key.references_path else ""
            for column, referenced in zip(key.columns, key.referenced_columns, strict=False):
                references[key.dataset_id, column] = f"{table}.{referenced}"
        else:
            keys.update((key.dataset_id, column) for column in key.columns)
    datasets = Dataset.objects.filter(pk__in=fields.keys()).only("path", "name", "comment")
    return {
        dataset.pk: Sketched(
            TableSketch(
                name=dataset.name,
                schema=dataset.path[-2] if len(dataset.path) > 1 else "",
                comment=dataset.comment,
                columns=[_column(field, references, keys) for field in fields[dataset.pk]],
            ),
            tuple(field.pk for field in fields[dataset.pk]),
        )
        for dataset in datasets
    }


def _column(field: Field, references: dict[tuple[int, str], str], keys: set[tuple[int, str]]) -> ColumnSketch:
    name = ".".join(field.path)
    return ColumnSketch(
        name=name,
        type=field.native_type,
        comment=field.comment or field.description,
        references=references.get((field.dataset_id, name), ""),
        is_key=(field.dataset_id, name) in keys,
    )
