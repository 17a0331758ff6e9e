"""Marquez's JSON from values: namespaces, datasets, jobs, runs and their versions. Pure: no Django.

A member without a value is left out, for Marquez's description calls none of them nullable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

import msgspec

Json = dict[str, Any]
STATES: Mapping[str, str] = {
    "running": "RUNNING",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "aborted": "ABORTED",
}
CREATED_RUN = "catalog_createdRun"
"""The run facet of a run that was made known to Marquez's API before it began: until it does, it is NEW."""
PHYSICAL_NAME = "catalog_physicalName"
"""The facet of a dataset that a client of Marquez's API gave a physical name."""

_NO_TIME = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SOURCE_TYPES = {"postgres": "POSTGRESQL", "mssql": "SQLSERVER", "gs": "GCS"}


class DatasetName(msgspec.Struct, frozen=True, gc=False):
    namespace: str
    name: str

    @property
    def id(self) -> Json:
        return {"namespace": self.namespace, "name": self.name}


class DatasetFields(msgspec.Struct, frozen=True):
    """What a reader may know of a dataset's inside; nothing of it for whoever may only know that there is the dataset."""

    fields: Sequence[Json] = ()
    tags: Sequence[str] = ()
    description: str = ""
    facets: Mapping[str, Any] = {}
    column_lineage: Sequence[Json] = ()


class RunFacts(msgspec.Struct, frozen=True):
    """A run with what it read and wrote, as far as the reader may know; None where that is not asked for."""

    id: UUID
    job: DatasetName
    state: str
    first_at: dt.datetime
    last_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    version: UUID | None
    facets: Mapping[str, Any]
    shown_facets: bool
    inputs: list[Json] | None = None
    outputs: list[Json] | None = None


def time(at: dt.datetime) -> str:
    """RFC 3339 in UTC, with microseconds as Marquez writes them."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def told_time(text: str) -> dt.datetime | None:
    """A time that a facet tells, in UTC where it says no zone; None for what is none."""
    try:
        at = dt.datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def known(**members: Any) -> Json:
    """The members that have a value; times as texts."""
    return {
        name: time(value) if isinstance(value, dt.datetime) else str(value) if isinstance(value, UUID) else value
        for name, value in members.items()
        if value is not None
    }


def schema_version(dataset_id: int, number: int) -> UUID:
    """The id by which Marquez's clients know a version of a dataset's schema: always the same for the same version."""
    return uuid5(UUID(int=dataset_id), f"schema {number}")


def told_version(dataset_id: int, text: str) -> UUID:
    """The id of a version that a version facet names: the name itself where it is a UUID."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(UUID(int=dataset_id), f"version {text}")


def namespace(
    name: str,
    *,
    created_at: dt.datetime | None,
    updated_at: dt.datetime | None,
    owner: str = "",
    description: str = "",
) -> Json:
    return known(
        name=name, createdAt=created_at, updatedAt=updated_at, ownerName=owner or "anonymous",
        description=description, isHidden=False,
    )  # fmt: skip


def source(
    name: str,
    *,
    created_at: dt.datetime | None,
    updated_at: dt.datetime | None,
    type_: str = "",
    url: str = "",
    description: str = "",
) -> Json:
    """A source as Marquez has it: the server that datasets are on. By itself it is known by its namespace alone."""
    return known(
        type=type_ or source_type(name), name=name, createdAt=created_at, updatedAt=updated_at,
        connectionUrl=url or quote(name, safe=_IN_URLS), description=description,
    )  # fmt: skip


_IN_URLS = "/:?#[]@!$&'()*+,;=~"


def link(text: str | None) -> str | None:
    """A location that can be followed; its clients refuse a whole answer for one that is no URL, such as `git@host:path`."""
    return text if text and text.startswith(("https://", "http://")) else None


def source_type(namespace_: str) -> str:
    """`postgres://db:5432` is a POSTGRESQL."""
    scheme = namespace_.partition("://")[0].partition(":")[0].lower()
    return _SOURCE_TYPES.get(scheme, scheme.upper())


def dataset(
    named: DatasetName,
    inside: DatasetFields,
    *,
    kind: str,
    created_at: dt.datetime,
    updated_at: dt.datetime,
    written_at: dt.datetime | None,
    version: UUID,
    deleted: bool,
) -> Json:
    """A Dataset. `kind` is the catalog's: topics are streams, all else is a table."""
    lifecycle = inside.facets.get("lifecycleStateChange")
    return known(
        id=named.id, type="STREAM" if kind == "topic" else "DB_TABLE", name=named.name,
        physicalName=text_in(inside.facets.get(PHYSICAL_NAME), "name") or named.name, createdAt=created_at,
        updatedAt=updated_at, namespace=named.namespace, sourceName=source_name(named, inside.facets),
        fields=list(inside.fields), tags=list(inside.tags), lastModifiedAt=written_at,
        lastLifecycleState=text_in(lifecycle, "lifecycleStateChange") or None, description=inside.description,
        currentVersion=version, columnLineage=list(inside.column_lineage), facets=told_facets(inside.facets), deleted=deleted,
    )  # fmt: skip


def told_facets(facets: Mapping[str, Any]) -> Json:
    """The facets of a dataset that are told as facets."""
    return {name: value for name, value in facets.items() if name != PHYSICAL_NAME}


def hidden_dataset(named: DatasetName) -> Json:
    """What stands in a graph for a dataset that the reader may not know of; its name is of this answer only, and its
    times, without which the Java client reads no graph, are nobody's."""
    return known(
        id=named.id, type="DB_TABLE", name="(hidden)", physicalName="(hidden)", createdAt=_NO_TIME, updatedAt=_NO_TIME,
        namespace=named.namespace, sourceName="", fields=[], tags=[], description="You may not know of this dataset.",
        facets={},
    )  # fmt: skip


def source_name(named: DatasetName, facets: Mapping[str, Any]) -> str:
    return text_in(facets.get("dataSource"), "name") or named.namespace


def dataset_version(
    of: Json, *, version: UUID, created_at: dt.datetime, fields: Sequence[Json], run: Json | None
) -> Json:
    """A DatasetVersion of a Dataset: its fields as they were, the rest as it is."""
    told = {
        name: of[name]
        for name in ("type", "name", "physicalName", "namespace", "sourceName", "tags", "description", "facets")
    }
    return told | known(
        id=of["id"] | {"version": str(version)}, version=version, createdAt=created_at, fields=list(fields),
        createdByRun=run, lastModifiedAt=of.get("lastModifiedAt"), lifecycleState=of.get("lastLifecycleState"),
    )  # fmt: skip


def field(name: str, type_: str, description: str, tags: Iterable[str] = ()) -> Json:
    return {"name": name, "type": type_, "tags": list(tags), "description": description}


Told = tuple[str, str, str, bool]
"""What is told of one flow: its type (DIRECT, INDIRECT or unknown), subtype, description, and whether it masks."""


def column(
    named: DatasetName,
    version: str,
    name: str,
    type_: str,
    sources: Iterable[tuple[DatasetName, str, str, Sequence[Told]]],
) -> Json:
    """The data of a node of the graph of columns."""
    inputs = [
        {"namespace": of.namespace, "dataset": of.name, "datasetVersion": version_, "field": field_} | transformed(told)
        for of, version_, field_, told in sources
    ]
    return {
        "namespace": named.namespace, "dataset": named.name, "datasetVersion": version, "field": name,
        "fieldType": type_, "inputFields": inputs,
    } | _first_told(inputs)  # fmt: skip


def transformed(told: Iterable[Told]) -> Json:
    """Marquez's old pair of one type and one description, and OpenLineage's list that tells all."""
    listed = [
        {"type": type_, "subtype": subtype, "description": description, "masking": masking}
        for type_, subtype, description, masking in told
        if type_ != "unknown" or subtype or description
    ]
    return {
        "transformationDescription": next((one["description"] for one in listed if one["description"]), None),
        "transformationType": next((one["subtype"] or one["type"] for one in listed), None),
        "transformations": listed,
    }


def _first_told(inputs: Iterable[Json]) -> Json:
    first = next((one for one in inputs if one["transformationType"]), {})
    return {name: first.get(name) for name in ("transformationDescription", "transformationType")}


def column_lineage(rows: Iterable[tuple[str, DatasetName, str, Told]]) -> list[Json]:
    """Rows of column, upstream dataset, upstream column and what is told of the flow, as `Dataset.columnLineage`."""
    fields: dict[str, dict[tuple[DatasetName, str], list[Told]]] = {}
    for name, upstream, upstream_column, told in rows:
        fields.setdefault(name, {}).setdefault((upstream, upstream_column), []).append(told)
    found = []
    for name, sources in sorted(fields.items()):
        inputs = [
            {"namespace": of.namespace, "dataset": of.name, "field": field_} | transformed(dict.fromkeys(told))
            for (of, field_), told in sources.items()
        ]
        found.append({"name": name, "inputFields": inputs} | _first_told(inputs))
    return found


def job(
    named: DatasetName,
    *,
    created_at: dt.datetime | None,
    updated_at: dt.datetime | None,
    inputs: Iterable[DatasetName],
    outputs: Iterable[DatasetName],
    facets: Mapping[str, Any],
    latest_runs: Sequence[Json],
    version: UUID | None,
    parent: tuple[str, UUID] | None,
) -> Json:
    """A Job. One that never ran has no `latestRuns`: the web UI looks for the longest of them and fails where none is."""
    parent_name = parent[0] if parent else None
    simple = named.name.removeprefix(f"{parent_name}.") if parent_name else named.name
    return known(
        id=named.id, type=job_type(facets), name=named.name, simpleName=simple,
        parentJobName=parent_name, parentJobUuid=parent[1] if parent else None,
        createdAt=created_at, updatedAt=updated_at, namespace=named.namespace,
        inputs=[one.id for one in inputs], outputs=[one.id for one in outputs],
        location=link(text_in(facets.get("sourceCodeLocation"), "url")),
        description=text_in(facets.get("documentation"), "description") or None,
        latestRun=latest_runs[0] if latest_runs else None, latestRuns=list(latest_runs) or None, facets=dict(facets),
        currentVersion=version, tags=tag_names(facets.get("tags")), labels=[],
    )  # fmt: skip


def job_type(facets: Mapping[str, Any]) -> str:
    """BATCH, STREAM or SERVICE, by the jobType facet."""
    told = facets.get("jobType")
    if text_in(told, "jobType").upper() == "SERVICE":
        return "SERVICE"
    return {"STREAMING": "STREAM", "SERVICE": "SERVICE"}.get(text_in(told, "processingType").upper(), "BATCH")


def tag_names(facet: Any) -> list[str]:
    told = facet.get("tags") if isinstance(facet, Mapping) else None
    keys = [one.get("key") for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    return list(dict.fromkeys(key for key in keys if isinstance(key, str)))


def job_version(
    named: DatasetName, version: UUID, *, created_at: dt.datetime, latest_run: Json, facets: Mapping[str, Any]
) -> Json:
    """A JobVersion: what the runs of the version read and wrote is what its latest did."""

    def ids(member: str) -> list[Json]:
        listed = [one["datasetVersionId"] for one in latest_run[member]]
        return [{"namespace": one["namespace"], "name": one["name"]} for one in listed]

    return known(
        id=named.id | {"version": str(version)}, name=named.name, version=version, createdAt=created_at,
        namespace=named.namespace, inputs=ids("inputDatasetVersions"), outputs=ids("outputDatasetVersions"),
        location=link(text_in(facets.get("sourceCodeLocation"), "url")), latestRun=latest_run, facets=dict(facets),
    )  # fmt: skip


def run(facts: RunFacts) -> Json:
    """A Run; one that was only created is NEW."""
    nominal = facts.facets.get("nominalTime")
    created_only = CREATED_RUN in facts.facets and facts.started_at is None and facts.ended_at is None
    seconds = None
    if facts.started_at and facts.ended_at and facts.ended_at >= facts.started_at:
        seconds = (facts.ended_at - facts.started_at).total_seconds()
    version = None
    if facts.version is not None:
        version = facts.job.id | {"version": str(facts.version)}
    shown = {name: value for name, value in facts.facets.items() if name != CREATED_RUN} if facts.shown_facets else {}
    return known(
        id=facts.id, createdAt=facts.first_at, updatedAt=facts.last_at,
        nominalStartTime=told_time(text_in(nominal, "nominalStartTime")),
        nominalEndTime=told_time(text_in(nominal, "nominalEndTime")),
        state="NEW" if created_only else STATES[facts.state], startedAt=facts.started_at, endedAt=facts.ended_at,
        durationMs=None if seconds is None else round(seconds * 1000), args=_arguments(facts), jobVersion=version,
        inputDatasetVersions=facts.inputs, outputDatasetVersions=facts.outputs, facets=shown,
    )  # fmt: skip


def upstream_run(job_: DatasetName, run_: Json, made_by: Mapping[DatasetName, UUID]) -> Json:
    """A run in the upstream lineage of another, from its Run: `made_by` are the runs that had made what it read."""
    inputs = [one["datasetVersionId"] for one in run_["inputDatasetVersions"]]
    return {
        "job": job_.id | known(version=run_.get("jobVersion", {}).get("version")),
        "run": known(id=run_["id"], start=run_.get("startedAt"), end=run_.get("endedAt"), status=run_["state"]),
        "inputs": [
            one | known(producedByRunId=made_by.get(DatasetName(one["namespace"], one["name"]))) for one in inputs
        ],
    }


def _arguments(facts: RunFacts) -> dict[str, str]:
    told = facts.facets.get("executionParameters") if facts.shown_facets else None
    listed = told.get("parameters") if isinstance(told, Mapping) else None
    found = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return {one["key"]: str(one.get("value", "")) for one in found if isinstance(one.get("key"), str)}


def used_version(of: DatasetName, version: UUID, facets: Mapping[str, Any]) -> Json:
    """What a run read or wrote: `inputDatasetVersions[]` and `outputDatasetVersions[]`."""
    return {"datasetVersionId": of.id | {"version": str(version)}, "facets": dict(facets)}


def search_result(kind: str, named: DatasetName, updated_at: dt.datetime, node_id: str) -> Json:
    return known(type=kind, name=named.name, updatedAt=updated_at, namespace=named.namespace, nodeId=node_id)


def node(id_: str, kind: str, data: Json, into: Iterable[tuple[str, str]], out: Iterable[tuple[str, str]]) -> Json:
    """A node of a graph; edges are pairs of node ids."""
    return {
        "id": id_,
        "type": kind,
        "data": data,
        "inEdges": [{"origin": origin, "destination": destination} for origin, destination in into],
        "outEdges": [{"origin": origin, "destination": destination} for origin, destination in out],
    }


def text_in(facet: Any, member: str) -> str:
    """A member of a facet that is a text, or ""."""
    found = facet.get(member) if isinstance(facet, Mapping) else None
    return found if isinstance(found, str) else ""


def names_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every `{namespace, name}` at any depth of a facet: what it names beside its own dataset or job."""
    if isinstance(value, Mapping):
        namespace_, name = value.get("namespace"), value.get("name")
        if isinstance(namespace_, str) and isinstance(name, str):
            yield namespace_, name
        for inner in value.values():
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)
