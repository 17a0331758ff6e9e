"""Facets as they are kept: everything in them, readable, whether this product knows them or not."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import Dataset
from lineage.models import DatasetFacet, FacetRegister, Job, Run
from lineage.reading.members import members_of

_NAME_OTHERS = frozenset({"columnLineage", "lineage", "schema"})
"""Shown in the lineage and schema of a dataset, through the door: they name columns of datasets that others govern."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet as it stands."""

    name: str
    at: dt.datetime
    value: Any


@dataclass(frozen=True, slots=True)
class Property:
    """Something that pipelines say of a dataset, in words."""

    label: str
    text: str


def facets_of(rows: Iterable[FacetRegister]) -> list[Facet]:
    """The facets that stand, by name; those that were deleted are left out."""
    standing = [Facet(row.name, row.at, row.content.value) for row in rows if row.content is not None]
    return sorted(standing, key=lambda facet: facet.name)


def job_facets(job: Job) -> list[Facet]:
    return facets_of(job.facets.select_related("content"))


def run_facets(run: Run) -> list[Facet]:
    return facets_of(run.facets.select_related("content"))


def use_facets(run: Run) -> dict[tuple[int, int], list[Facet]]:
    """What a run says of each reading and writing, by (direction, id of the dataset that stands); one statement."""
    found: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in run.dataset_facets.select_related("content", "dataset").defer("dataset__search"):
        found[row.direction, row.dataset.merged_into_id or row.dataset_id].append(row)
    return {key: facets_of(rows) for key, rows in found.items()}


def dataset_facets(dataset: Dataset) -> list[Facet]:
    """What stands of the dataset's facets, under all of its names: of each name the latest; two statements."""
    latest: dict[str, DatasetFacet] = {}
    rows = DatasetFacet.objects.filter(dataset_id__in=members_of(dataset)).select_related("content")
    for row in sorted(rows, key=lambda row: (row.at, row.digest, str(row.content_id or ""))):
        latest[row.name] = row
    return facets_of(latest.values())


def raw_facets(facets: Iterable[Facet]) -> list[Facet]:
    """Those whose JSON may be shown to whoever reads the dataset's profiles."""
    return [facet for facet in facets if facet.name not in _NAME_OTHERS]


def facet_value(facets: Sequence[Facet], name: str, *path: str) -> str:
    """A text inside a facet, or "" where there is none: `facet_value(facets, "sql", "query")`."""
    value: Any = next((facet.value for facet in facets if facet.name == name), None)
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


_PROPERTIES: Mapping[str, Sequence[tuple[str, str]]] = {
    "dataSource": (("Data source", "name"), ("Address", "uri")),
    "storage": (("Storage", "storageLayer"), ("File format", "fileFormat")),
    "catalog": (
        ("Catalog", "name"), ("Catalog type", "type"), ("Framework", "framework"), ("Metadata at", "metadataUri"),
        ("Warehouse", "warehouseUri"), ("Catalog source", "source"),
    ),
    "datasetType": (("Type", "datasetType"), ("Subtype", "subType")),
    "version": (("Version of the data", "datasetVersion"),),
}  # fmt: skip


def properties_of(facets: Sequence[Facet]) -> list[Property]:
    """What storage, catalog, dataSource, hierarchy, datasetType and version facets say of a dataset."""
    found = [
        Property(label, text)
        for name, members in _PROPERTIES.items()
        for label, member in members
        if (text := facet_value(facets, name, member))
    ]
    hierarchy = _hierarchy(facets)
    if hierarchy:
        found.append(Property("Inside", hierarchy))
    return found


def _hierarchy(facets: Sequence[Facet]) -> str:
    """Levels from the outermost in: "catalog shop, schema sales"."""
    value = next((facet.value for facet in facets if facet.name == "hierarchy"), None)
    levels = value.get("hierarchy") if isinstance(value, dict) else None
    found = [
        f"{one['type'].lower()} {one['name']}"
        for one in (levels if isinstance(levels, list) else [])
        if isinstance(one, dict) and isinstance(one.get("type"), str) and isinstance(one.get("name"), str)
    ]
    return ", ".join(found)
