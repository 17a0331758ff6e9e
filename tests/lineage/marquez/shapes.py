"""What Marquez 0.51 answers, as JSON Schemas: written from what its description and its web UI's types say.

Its description calls few members required, so what its clients rely on is required here besides. Members that it does not
have are allowed where `extra` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
UUID: Schema = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FACETS: Schema = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["_producer", "_schemaURL"],
        "properties": {"_producer": TEXT, "_schemaURL": TEXT},
    },
}


def _object(needed: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "required": sorted(needed),
        "properties": {**needed, **(optional or {})},
        "additionalProperties": False,
    }


def _list(of: Schema, *, distinct: bool = False) -> Schema:
    return {"type": "array", "items": of, **({"uniqueItems": True} if distinct else {})}


def _one_of(values: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(values)}


NAME = _object({"namespace": TEXT, "name": TEXT})
VERSION_NAME = _object({"namespace": TEXT, "name": TEXT, "version": UUID})
NAMESPACE = _object(
    {"name": TEXT, "createdAt": TIME, "updatedAt": TIME, "ownerName": TEXT},
    {"description": TEXT, "isHidden": {"type": "boolean"}},
)
SOURCE = _object(
    {"type": TEXT, "name": TEXT, "createdAt": TIME, "updatedAt": TIME, "connectionUrl": TEXT}, {"description": TEXT}
)
TAG = _object({"name": TEXT}, {"description": TEXT})
FIELD = _object({"name": TEXT, "type": TEXT, "tags": _list(TEXT, distinct=True)}, {"description": TEXT})
_NULLABLE = {"type": ["string", "null"]}
_TRANSFORMED = {
    "transformationDescription": _NULLABLE,
    "transformationType": _NULLABLE,
}
_TRANSFORMATIONS = _list(_object({"type": TEXT, "subtype": TEXT, "description": TEXT, "masking": {"type": "boolean"}}))
_INPUT = _object(
    {"namespace": TEXT, "dataset": TEXT, "field": TEXT, **_TRANSFORMED}, {"transformations": _TRANSFORMATIONS}
)
COLUMN_LINEAGE = _list(_object({"name": TEXT, "inputFields": _list(_INPUT), **_TRANSFORMED}))
_KIND = _one_of(["DB_TABLE", "STREAM"])
DATASET = _object(
    {
        "id": NAME, "type": _KIND, "name": TEXT, "physicalName": TEXT, "createdAt": TIME, "updatedAt": TIME,
        "namespace": TEXT, "sourceName": TEXT, "fields": _list(FIELD), "tags": _list(TEXT, distinct=True),
        "facets": FACETS, "currentVersion": UUID, "deleted": {"type": "boolean"}, "columnLineage": COLUMN_LINEAGE,
    },
    {"lastModifiedAt": TIME, "lastLifecycleState": TEXT, "description": TEXT},
)  # fmt: skip
STATE = _one_of(["NEW", "RUNNING", "COMPLETED", "FAILED", "ABORTED"])
_USED = _list(_object({"datasetVersionId": VERSION_NAME, "facets": FACETS}))
RUN = _object(
    {
        "id": UUID, "createdAt": TIME, "updatedAt": TIME, "state": STATE,
        "args": {"type": "object", "additionalProperties": TEXT}, "facets": FACETS,
    },
    {
        "nominalStartTime": TIME, "nominalEndTime": TIME, "startedAt": TIME, "endedAt": TIME, "durationMs": COUNT,
        "jobVersion": VERSION_NAME, "inputDatasetVersions": _USED, "outputDatasetVersions": _USED,
    },
)  # fmt: skip
DATASET_VERSION = _object(
    {
        "id": VERSION_NAME, "type": _KIND, "name": TEXT, "physicalName": TEXT, "createdAt": TIME, "version": UUID,
        "namespace": TEXT, "sourceName": TEXT, "description": TEXT, "fields": _list(FIELD),
        "tags": _list(TEXT, distinct=True), "facets": FACETS,
    },
    {"createdByRun": RUN, "lastModifiedAt": TIME, "lifecycleState": TEXT},
)  # fmt: skip
JOB = _object(
    {
        "id": NAME, "type": _one_of(["BATCH", "STREAM", "SERVICE"]), "name": TEXT, "simpleName": TEXT, "createdAt": TIME,
        "updatedAt": TIME, "namespace": TEXT, "inputs": _list(NAME, distinct=True),
        "outputs": _list(NAME, distinct=True), "facets": FACETS,
        "tags": _list(TEXT, distinct=True), "labels": _list(TEXT),
    },
    {
        "parentJobName": TEXT, "parentJobUuid": UUID, "location": TEXT, "description": TEXT, "latestRun": RUN,
        "latestRuns": {**_list(RUN), "minItems": 1, "maxItems": 10}, "currentVersion": UUID,
    },
)  # fmt: skip
JOB_VERSION = _object(
    {
        "id": VERSION_NAME, "name": TEXT, "version": UUID, "createdAt": TIME, "namespace": TEXT,
        "inputs": _list(NAME, distinct=True), "outputs": _list(NAME, distinct=True), "latestRun": RUN, "facets": FACETS,
    },
    {"location": TEXT},
)  # fmt: skip
_EDGES = _list(_object({"origin": TEXT, "destination": TEXT}), distinct=True)


def _node(kind: str, data: Schema) -> Schema:
    return _object({"id": TEXT, "type": {"const": kind}, "data": data, "inEdges": _EDGES, "outEdges": _EDGES})


GRAPH = _object({"graph": _list({"oneOf": [_node("DATASET", DATASET), _node("JOB", JOB)]})})
COLUMN = _object(
    {
        "namespace": TEXT, "dataset": TEXT, "datasetVersion": TEXT, "field": TEXT, "fieldType": TEXT, **_TRANSFORMED,
        "inputFields": _list(
            _object(
                {"namespace": TEXT, "dataset": TEXT, "datasetVersion": TEXT, "field": TEXT, **_TRANSFORMED},
                {"transformations": _TRANSFORMATIONS},
            )
        ),
    }
)  # fmt: skip
COLUMN_GRAPH = _object({"graph": _list(_node("DATASET_FIELD", COLUMN))})
_UPSTREAM_RUN = _object({"id": UUID, "status": STATE}, {"start": TIME, "end": TIME})
_UPSTREAM_JOB = _object({"namespace": TEXT, "name": TEXT}, {"version": UUID})
_UPSTREAM_INPUT = _object({"namespace": TEXT, "name": TEXT, "version": UUID}, {"producedByRunId": UUID})
UPSTREAM = _object(
    {"runs": _list(_object({"job": _UPSTREAM_JOB, "run": _UPSTREAM_RUN, "inputs": _list(_UPSTREAM_INPUT)}))}
)
EVENTS = _object(
    {
        "events": _list(
            {
                "type": "object",
                "required": ["eventTime", "producer", "schemaURL", "run", "job"],
                "properties": {"run": {"required": ["runId"]}, "job": {"required": ["namespace", "name"]}},
            }
        ),
        "totalCount": COUNT,
    }
)
SEARCH = _object(
    {
        "totalCount": COUNT,
        "results": _list(
            _object(
                {
                    "type": _one_of(["DATASET", "JOB"]),
                    "name": TEXT,
                    "updatedAt": TIME,
                    "namespace": TEXT,
                    "nodeId": TEXT,
                }
            )
        ),
    }
)
EVENT_COUNTS = _list(
    _object(
        {"startInterval": TIME, "endInterval": TIME, "fail": COUNT, "start": COUNT, "complete": COUNT, "abort": COUNT}
    )
)
GROWTH = _list(_object({"startInterval": TIME, "endInterval": TIME, "count": COUNT}))
RUN_FACETS = _object({"runId": UUID, "facets": FACETS})
NAMESPACES = _object({"namespaces": _list(NAMESPACE)})
SOURCES = _object({"sources": _list(SOURCE)})
TAGS = _object({"tags": _list(TAG)})
DATASETS = _object({"datasets": _list(DATASET), "totalCount": COUNT})
DATASET_VERSIONS = _object({"versions": _list(DATASET_VERSION), "totalCount": COUNT})
JOBS = _object({"jobs": _list(JOB), "totalCount": COUNT})
JOB_VERSIONS = _object({"versions": _list(JOB_VERSION), "totalCount": COUNT})
RUNS = _object({"runs": _list(RUN), "totalCount": COUNT})


def check(value: Any, schema: Schema) -> None:
    """Raises with the place where a value is not of a schema."""
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)
