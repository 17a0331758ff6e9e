"""Datasets and their versions as Marquez shows them, as far as a reader may see."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from django.db import connection
from django.db.models import Max, Min

from catalog.models import Dataset, Field, SchemaVersion, TagAssignment, Tier
from catalog.queries.datasets import check_tier
from catalog.visibility import scope_of
from common.errors import NotFound
from lineage.marquez import shapes
from lineage.marquez.counting import counted
from lineage.marquez.names import visible_datasets
from lineage.marquez.shapes import DatasetFields, DatasetName, Json
from lineage.models import Influence, Run, RunDataset
from lineage.reading.quality import ASSERTIONS, METRICS

if TYPE_CHECKING:
    from accounts.models import Principal

_PLAIN = frozenset(
    {
        "schema", "dataSource", "documentation", "ownership", "datasetType", "version", "lifecycleStateChange", "storage",
        "catalog", "tags", "inputStatistics", "outputStatistics", shapes.PHYSICAL_NAME,
    }
)  # fmt: skip
"""Facets that tell what the second tier reads anyway. Others may hold values or code, which the third reads."""


def listed(principal: Principal, namespace: str, limit: int, offset: int) -> tuple[list[Json], int]:
    """The datasets of a namespace by name, and how many there are; those that are gone are not counted."""
    found = Dataset.objects.standing().filter(names__namespace=namespace, names__is_main=True, names__valid_to=None)
    seen = found.visible_to(principal)
    rows = seen.with_tier(principal).defer("search", "definition").order_by("names__name", "pk")
    return shown(principal, list(rows[offset : offset + limit])), counted(seen)


def one(principal: Principal, dataset: Dataset) -> Json:
    (found,) = shown(principal, [dataset])
    return found


def shown(principal: Principal, datasets: Sequence[Dataset]) -> list[Json]:
    """Datasets that were read with their `tier`; seven statements for any number."""
    inside = _Inside(principal, datasets)
    return [_shape(row, inside.of(row)) for row in datasets]


def _shape(row: Dataset, inside: DatasetFields) -> Json:
    return shapes.dataset(
        DatasetName(row.namespace, row.qualified_name),
        inside,
        kind=row.kind,
        # Pipelines tell of changes by the clock of their events, which may be long before it was first heard of.
        created_at=min(row.first_seen, row.changed_at),
        updated_at=row.changed_at,
        written_at=row.data_updated_at if row.tier >= Tier.METADATA else None,
        version=shapes.schema_version(row.pk, row.version),
        deleted=row.gone_since is not None,
    )


class _Inside:
    """What is in datasets, for those of them that the principal may read."""

    def __init__(self, principal: Principal, datasets: Sequence[Dataset]) -> None:
        self._principal = principal
        self._tiers = {row.pk: row.tier for row in datasets}
        ids = [pk for pk, tier in self._tiers.items() if tier >= Tier.METADATA]
        self._tags, field_tags = _tags(ids)
        self._fields = _fields(ids, field_tags)
        self._facets = _standing_facets(ids)
        self._names = visible_datasets(principal, _named_in(self._facets)) if self._facets else {}
        self._columns = _column_lineage(principal, ids)

    def of(self, row: Dataset) -> DatasetFields:
        if row.tier < Tier.METADATA:
            return DatasetFields()
        return DatasetFields(
            fields=self._fields.get(row.pk, ()),
            tags=self._tags.get(row.pk, ()),
            description=row.description or row.comment,
            facets={
                name: value for name, value in self._facets.get(row.pk, {}).items() if self._shows(row, name, value)
            },
            column_lineage=self._columns.get(row.pk, ()),
        )

    def _shows(self, row: Dataset, name: str, value: Any) -> bool:
        if scope_of(self._principal).everything:
            return True
        if row.tier < (Tier.METADATA if name in _PLAIN else Tier.PROFILE):
            return False
        # Column lineage and its like name columns of other datasets: their tier counts too.
        named = [self._names.get(key) for key in shapes.names_in(value)]
        return all(one is not None and one.tier >= Tier.PROFILE for one in named)


def _named_in(facets: Mapping[int, Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {key for of in facets.values() for value in of.values() for key in shapes.names_in(value)}


def _tags(ids: Collection[int]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """The names of tags by dataset, and by field."""
    own: dict[int, list[str]] = defaultdict(list)
    of_fields: dict[int, list[str]] = defaultdict(list)
    rows = TagAssignment.objects.filter(dataset_id__in=ids, valid_to=None).order_by("tag__name")
    for dataset_id, field_id, name in rows.values_list("dataset_id", "field_id", "tag__name"):
        if field_id is None:
            own[dataset_id].append(name)
        else:
            of_fields[field_id].append(name)
    return own, of_fields


def _fields(ids: Collection[int], tags: Mapping[int, Sequence[str]]) -> dict[int, list[Json]]:
    found: dict[int, list[Json]] = defaultdict(list)
    rows = Field.objects.filter(dataset_id__in=ids, gone_since=None).order_by("dataset_id", "position", "path")
    columns = ("pk", "dataset_id", "path", "native_type", "description", "comment")
    for pk, dataset_id, path, type_, description, comment in rows.values_list(*columns):
        found[dataset_id].append(shapes.field(".".join(path), type_, description or comment, tags.get(pk, ())))
    return found


# What a run found in what it read stands with what was told of the dataset, as Marquez has it.
_FACETS = """
    SELECT told.dataset_id, told.name, content.value FROM (
        SELECT dataset_id, name, at, digest, content_id FROM lineage_datasetfacet WHERE dataset_id = ANY(%(ids)s)
        UNION ALL
        SELECT latest.* FROM unnest(%(ids)s::bigint[]) AS member (id)
        CROSS JOIN unnest(%(names)s::text[]) AS wanted (name)
        CROSS JOIN LATERAL (
            SELECT dataset_id, name, at, digest, content_id FROM lineage_rundatasetfacet
            WHERE dataset_id = member.id AND name = wanted.name AND direction = 1
            ORDER BY at DESC, digest DESC LIMIT 1
        ) AS latest
    ) AS told
    LEFT JOIN lineage_content AS content ON content.digest = told.content_id
    ORDER BY told.at DESC, told.digest DESC
"""


def _standing_facets(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The latest facet of each name that was told of a dataset under any of its names, unless it was deleted."""
    members = dict(Dataset.objects.filter(merged_into_id__in=ids).values_list("pk", "merged_into_id"))
    with connection.cursor() as cursor:
        cursor.execute(_FACETS, {"ids": [*ids, *members], "names": [METRICS, ASSERTIONS]})
        rows = cursor.fetchall()
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    seen: set[tuple[int, str]] = set()
    for dataset_id, name, value in rows:
        pk = members.get(dataset_id) or dataset_id
        if (pk, name) not in seen:
            seen.add((pk, name))
            if value is not None:
                found[pk][name] = msgspec.json.decode(value)
    return {pk: dict(sorted(of.items())) for pk, of in found.items()}


_COLUMNS = """
    SELECT down.dataset_id, down.name, up.dataset_id, up.name, edge.type, edge.subtype, edge.description, edge.masking
    FROM lineage_column AS down
    JOIN lineage_columnedge AS edge ON edge.downstream_id = down.id AND edge.current
    JOIN lineage_column AS up ON up.id = edge.upstream_id
    WHERE down.dataset_id = ANY(%s) AND down.name <> '' AND up.name <> ''
    ORDER BY down.dataset_id, down.name, up.dataset_id, up.name, edge.type, edge.subtype
"""


def _column_lineage(principal: Principal, ids: Collection[int]) -> dict[int, list[Json]]:
    """Where the columns come from, of sources whose columns may be known; a description needs the third tier on both."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [list(ids)])
        rows = cursor.fetchall()
    tiers = tiers_of(principal, {row[2] for row in rows} | set(ids))
    found: dict[int, list[tuple[str, DatasetName, str, shapes.Told]]] = defaultdict(list)
    for pk, column, upstream, upstream_column, type_, subtype, description, masking in rows:
        if upstream in tiers and tiers[upstream][0] >= Tier.METADATA:
            open_ = tiers[upstream][0] >= Tier.PROFILE and tiers[pk][0] >= Tier.PROFILE
            told = (Influence(type_).label, subtype, description if open_ else "", masking)
            found[pk].append((column, tiers[upstream][1], upstream_column, told))
    return {pk: shapes.column_lineage(of) for pk, of in found.items()}


def tiers_of(principal: Principal, ids: Iterable[int]) -> dict[int, tuple[int, DatasetName]]:
    """How much of each dataset the principal sees, and its name, of those that it may know of; one statement."""
    rows = Dataset.objects.filter(pk__in=set(ids)).visible_to(principal).with_tier(principal).order_by()
    return {row.pk: (row.tier, DatasetName(row.namespace, row.qualified_name)) for row in rows.only(*_NAME)}


_NAME = ("pk", "namespace", "qualified_name")


def schema_times(ids: Collection[int]) -> dict[int, list[tuple[dt.datetime, int]]]:
    """When each version of the datasets' schemas began, in order; one statement."""
    found: dict[int, list[tuple[dt.datetime, int]]] = defaultdict(list)
    rows = SchemaVersion.objects.filter(dataset_id__in=ids).order_by("dataset_id", "seen_at", "number")
    for pk, at, number in rows.values_list("dataset_id", "seen_at", "number"):
        found[pk].append((at, number))
    return found


def version_at(pk: int, times: Mapping[int, Sequence[tuple[dt.datetime, int]]], at: dt.datetime) -> UUID:
    """The version of the schema that stood at a time; the first where none did yet."""
    of = times.get(pk, ())
    if not of:
        return shapes.schema_version(pk, 0)
    place = bisect_right(of, at, key=lambda one: one[0])
    return shapes.schema_version(pk, of[max(place - 1, 0)][1])


def versions(principal: Principal, dataset: Dataset, limit: int, offset: int) -> tuple[list[Json], int]:
    """What the dataset's schema was, and the versions that version facets name, the newest first, and how many."""
    found = sorted(_versions(_readable(dataset)), key=lambda one: (one.at, str(one.id)), reverse=True)
    return _shown_versions(principal, dataset, found[offset : offset + limit]), len(found)


def version(principal: Principal, dataset: Dataset, version_id: UUID) -> Json:
    """One version; raises `NotFound`."""
    found = [one for one in _versions(_readable(dataset)) if one.id == version_id]
    if not found:
        raise NotFound("The dataset has no such version.")
    (shown_one,) = _shown_versions(principal, dataset, found[:1])
    return shown_one


def _readable(dataset: Dataset) -> Dataset:
    check_tier(dataset, Tier.METADATA)
    return dataset


class _Version:
    def __init__(self, id_: UUID, at: dt.datetime, *, number: int | None = None, text: str = "") -> None:
        self.id, self.at, self.number, self.text = id_, at, number, text


def members_of(dataset: Dataset) -> list[int]:
    """The ids that observations of a dataset go by: its own, and of what was merged into it."""
    return [dataset.pk, *Dataset.objects.filter(merged_into=dataset).values_list("pk", flat=True)]


def _versions(dataset: Dataset) -> list[_Version]:
    """The versions of the schema, and those that runs were told of; two statements beside the names'."""
    own = SchemaVersion.objects.filter(dataset=dataset).values_list("number", "seen_at")
    found = [_Version(shapes.schema_version(dataset.pk, number), at, number=number) for number, at in own]
    told = RunDataset.objects.filter(dataset_id__in=members_of(dataset), version__isnull=False).order_by()
    rows = told.values_list("version").annotate(first=Min("first_at"))
    found += [_Version(shapes.told_version(dataset.pk, text), at, text=text) for text, at in rows]
    return found or [_Version(shapes.schema_version(dataset.pk, 0), dataset.first_seen, number=0)]


def told_text(dataset: Dataset, version_id: str) -> tuple[str, dt.datetime | None]:
    """What a `#version` means: the name that version facets use, or the last moment of a schema's version.

    Raises `NotFound` for a version that the dataset does not have.
    """
    known = sorted(_versions(dataset), key=lambda one: one.at)
    for one in known:
        if version_id in (one.text, str(one.id)):
            later = [other.at for other in known if other.number is not None and other.at > one.at]
            if one.number is None:
                return one.text, None
            return "", min(later) - dt.timedelta(microseconds=1) if later else None
    raise NotFound("The dataset has no such version.")


_WRITTEN_BY = """
    SELECT DISTINCT ON (wanted.place) wanted.place, near.run_id
    FROM unnest(%(places)s::int[], %(times)s::timestamptz[]) AS wanted (place, at)
    CROSS JOIN unnest(%(members)s::bigint[]) AS member (id)
    JOIN lineage_jobdataset AS link ON link.dataset_id = %(dataset)s AND link.direction = 2
    CROSS JOIN LATERAL (
        SELECT written.run_id, written.first_at, written.last_at FROM lineage_rundataset AS written
        WHERE written.dataset_id = member.id AND written.direction = 2 AND written.job_id = link.job_id
          AND written.last_at >= wanted.at
        ORDER BY written.last_at LIMIT 1
    ) AS near
    JOIN lineage_run AS run ON run.id = near.run_id
    WHERE near.first_at <= wanted.at
    ORDER BY wanted.place, near.last_at
"""

_TOLD_BY = """
    SELECT version, (array_agg(run_id ORDER BY last_at DESC))[1] FROM lineage_rundataset
    WHERE dataset_id = ANY(%s) AND direction = 2 AND version = ANY(%s) GROUP BY version
"""


def _shown_versions(principal: Principal, dataset: Dataset, page: Sequence[_Version]) -> list[Json]:
    from lineage.marquez import runs

    contents = dict(
        SchemaVersion.objects.filter(
            dataset=dataset, number__in=[one.number for one in page if one.number is not None]
        ).values_list("number", "content")
    )
    by = _writers(dataset, page)
    rows = Run.objects.visible_to(principal).filter(pk__in=set(by.values())).select_related("job")
    made = {row.pk: told for row, told in zip(rows, runs.shown(principal, list(rows)), strict=True)}
    (whole,) = shown(principal, [dataset])
    return [
        shapes.dataset_version(
            whole,
            version=one.id,
            created_at=one.at,
            fields=_fields_of(contents[one.number]) if one.number in contents else whole["fields"],
            run=made.get(by[one.id]) if one.id in by else None,
        )
        for one in page
    ]


def _writers(dataset: Dataset, page: Sequence[_Version]) -> dict[UUID, UUID]:
    """The run that wrote each version, where one is known; three statements."""
    members = members_of(dataset)
    schemas = [one for one in page if one.number is not None]
    values: dict[str, Any] = {
        "places": list(range(len(schemas))), "times": [one.at for one in schemas], "members": members,
        "dataset": dataset.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN_BY, values)
        found = {schemas[place].id: run_id for place, run_id in cursor.fetchall()}
        cursor.execute(_TOLD_BY, [members, [one.text for one in page if one.text]])
        by_text = dict(cursor.fetchall())
    return found | {one.id: by_text[one.text] for one in page if one.text in by_text}


def _fields_of(content: Mapping[str, Any]) -> list[Json]:
    return [
        shapes.field(".".join(one["path"]), one.get("native_type") or "", one.get("comment") or "")
        for one in content.get("fields", [])
    ]


def namespaces_of(principal: Principal) -> dict[str, tuple[dt.datetime, dt.datetime]]:
    """When the first dataset of each namespace was seen, and when the last changed; one statement."""
    rows = Dataset.objects.standing().visible_to(principal).order_by().values_list("namespace")
    return {name: (first, last) for name, first, last in rows.annotate(first=Min("first_seen"), last=Max("changed_at"))}


def for_graph(principal: Principal, ids: Collection[int]) -> dict[int, tuple[DatasetName, Json]]:
    """The datasets that may be known, by their ids, without facets and column lineage; three statements."""
    rows = list(Dataset.objects.filter(pk__in=list(ids)).with_tier(principal).defer("search", "definition").order_by())
    readable = [row.pk for row in rows if row.tier >= Tier.METADATA]
    tags, field_tags = _tags(readable)
    fields = _fields(readable, field_tags)
    found = {}
    for row in rows:
        if row.tier < Tier.DISCOVER:
            continue
        named = DatasetName(row.namespace, row.qualified_name)
        open_ = row.tier >= Tier.METADATA
        inside = DatasetFields(
            fields=fields.get(row.pk, ()), tags=tags.get(row.pk, ()), description=row.description or row.comment
        )
        found[row.pk] = (named, _shape(row, inside if open_ else DatasetFields()))
    return found
