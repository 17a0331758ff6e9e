"""Writes of Marquez's API as events of OpenLineage in the log, so that the state stays a function of events.

The intake's own rules hold for them: the token's namespaces, masking, sizes, and that an event is taken once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.utils import timezone

from accounts.models import ApiToken
from common.errors import Forbidden, Invalid
from lineage.intake import MAX_BATCH, accept_batch
from lineage.marquez.shapes import CREATED_RUN, PHYSICAL_NAME, Json
from lineage.openlineage import plain_namespace
from lineage.told import DELETION

PRODUCER = "urn:catalog:marquez-api"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
_FACETS = "https://openlineage.io/spec/facets/"
_SCHEMAS = {
    "schema": "1-1-1/SchemaDatasetFacet.json",
    "documentation": "1-0-1/DocumentationDatasetFacet.json",
    "dataSource": "1-0-1/DatasourceDatasetFacet.json",
    "datasetType": "1-0-0/DatasetTypeDatasetFacet.json",
    "lifecycleStateChange": "1-0-1/LifecycleStateChangeDatasetFacet.json",
    "tags": "1-0-0/TagsDatasetFacet.json",
    "jobType": "2-0-3/JobTypeJobFacet.json",
    "sourceCodeLocation": "1-0-1/SourceCodeLocationJobFacet.json",
    "sql": "1-0-1/SQLJobFacet.json",
    "nominalTime": "1-0-1/NominalTimeRunFacet.json",
    "executionParameters": "1-0-0/ExecutionParametersRunFacet.json",
}
_OWN = "urn:catalog:facet:"

Key = tuple[str, str]
STATES = {"start": "START", "complete": "COMPLETE", "fail": "FAIL", "abort": "ABORT"}


def check_namespace(token: ApiToken, namespace: str) -> None:
    """Raises `Forbidden` where the token may not speak of a namespace."""
    if token.namespaces and plain_namespace(namespace) not in token.namespaces:
        raise Forbidden(f"The token {token.name} may not speak of the namespace {namespace}. Add it to its list.")


def check_unrestricted(token: ApiToken) -> None:
    """Raises `Forbidden` for a token that is limited to namespaces, where what it writes is in none."""
    if token.namespaces:
        raise Forbidden(
            f"The token {token.name} may speak of its namespaces only, and tags are in none. Use one without a list."
        )


def send(events: Sequence[Json], *, token: ApiToken) -> None:
    """Take events into the log; they are durable when this returns. Raises what the intake refuses the first one for."""
    for start in range(0, len(events), MAX_BATCH):
        part = events[start : start + MAX_BATCH]
        answer = accept_batch(msgspec.json.encode(list(part)), token=token)
        if answer.failed_events:
            reason = answer.failed_events[0].reason
            raise Invalid(reason, {"": [reason]})


def facet(name: str, /, **members: Any) -> Json:
    schema = _FACETS + _SCHEMAS[name] if name in _SCHEMAS else _OWN + name
    return {"_producer": PRODUCER, "_schemaURL": schema} | members


def _event(kind: str, at: dt.datetime | None, **members: Any) -> Json:
    when = (at or timezone.now()).astimezone(dt.UTC).isoformat()
    return {"eventTime": when, "producer": PRODUCER, "schemaURL": _SPEC + kind} | members


def dataset_event(key: Key, facets: Mapping[str, Any]) -> Json:
    return _event("DatasetEvent", None, dataset={"namespace": key[0], "name": key[1], "facets": dict(facets)})


def dataset_facets(body: Mapping[str, Any]) -> Json:
    """The facets that tell what `PUT …/datasets/{dataset}` does."""
    found: Json = {}
    fields = body.get("fields")
    if fields:
        listed = [
            {name: one[name] for name in ("name", "type", "description") if isinstance(one.get(name), str)}
            for one in fields
        ]
        found["schema"] = facet("schema", fields=listed)
    if body.get("description"):
        found["documentation"] = facet("documentation", description=body["description"])
    if body.get("physicalName"):
        found[PHYSICAL_NAME] = facet(PHYSICAL_NAME, name=body["physicalName"])
    if body.get("sourceName"):
        found["dataSource"] = facet("dataSource", name=body["sourceName"])
    if body.get("type") == "STREAM":
        found["datasetType"] = facet("datasetType", datasetType="STREAM")
    tags = [{"key": tag, "value": "true", "source": "USER"} for tag in body.get("tags") or ()]
    tags += [
        {"key": tag, "value": "true", "source": "USER", "field": one["name"]}
        for one in fields or ()
        for tag in one.get("tags") or ()
    ]
    if tags:
        found["tags"] = facet("tags", tags=tags)
    return found


def drop_event(key: Key) -> Json:
    return dataset_event(key, {"lifecycleStateChange": facet("lifecycleStateChange", lifecycleStateChange="DROP")})


def job_facets(body: Mapping[str, Any]) -> Json:
    """The facets that tell what `PUT …/jobs/{job}` does."""
    kind = {"STREAM": "STREAMING"}.get(body["type"], body["type"])
    processing = "STREAMING" if kind == "STREAMING" else "BATCH"
    found = {
        "jobType": facet(
            "jobType",
            processingType=processing,
            integration="MARQUEZ",
            jobType="SERVICE" if kind == "SERVICE" else "JOB",
        )
    }
    if body.get("description"):
        found["documentation"] = facet("documentation", description=body["description"])
    if body.get("location"):
        found["sourceCodeLocation"] = facet("sourceCodeLocation", type="git", url=body["location"])
    query = next((text for name, text in (body.get("context") or {}).items() if name.lower() == "sql"), None)
    if query:
        found["sql"] = facet("sql", query=query)
    return found


def job_event(key: Key, facets: Mapping[str, Any], inputs: Iterable[Key] = (), outputs: Iterable[Key] = ()) -> Json:
    return _event("JobEvent", None, job=_job(key, facets), inputs=_datasets(inputs), outputs=_datasets(outputs))


def delete_job_event(key: Key) -> Json:
    return job_event(key, {DELETION: facet(DELETION)})


def run_event(
    run_id: UUID,
    job: Key,
    state: str | None,
    *,
    at: dt.datetime | None = None,
    facets: Mapping[str, Any] | None = None,
    inputs: Iterable[Key] = (),
    outputs: Iterable[Key] = (),
) -> Json:
    """A RunEvent; without a state it only makes the run known."""
    return _event(
        "RunEvent",
        at,
        eventType=state or "OTHER",
        run={"runId": str(run_id), "facets": dict(facets or {})},
        job=_job(job, {}),
        inputs=_datasets(inputs),
        outputs=_datasets(outputs),
    )


def created_run_facets(body: Mapping[str, Any]) -> Json:
    """The facets that tell what `POST …/runs` does."""
    found = {CREATED_RUN: facet(CREATED_RUN)}
    nominal = {name: body[name] for name in ("nominalStartTime", "nominalEndTime") if body.get(name)}
    if "nominalStartTime" in nominal:
        found["nominalTime"] = facet("nominalTime", **nominal)
    if body.get("args"):
        parameters = [{"key": name, "name": name, "value": str(value)} for name, value in body["args"].items()]
        found["executionParameters"] = facet("executionParameters", parameters=parameters)
    return found


def _job(key: Key, facets: Mapping[str, Any]) -> Json:
    return {"namespace": key[0], "name": key[1], "facets": dict(facets)}


def _datasets(keys: Iterable[Key]) -> list[Json]:
    return [{"namespace": namespace, "name": name} for namespace, name in dict.fromkeys(keys)]
