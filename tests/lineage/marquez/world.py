"""Events that tell of something of everything that Marquez's API shows, as its integrations send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.lineage.events import NAMESPACE, at, dataset, dataset_event, run_event

_PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/airflow"
PARENT = "00000000-0000-7000-8000-0000000000aa"
FIRST, SECOND, FAILED = (f"00000000-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
JOB = "nightly.load_units"
RAW, UNITS, REPORT = "lake.raw", "lake.units", "lake.report"


def facet(name: str, /, **members: Any) -> dict[str, Any]:
    return {"_producer": _PRODUCER, "_schemaURL": f"https://openlineage.io/spec/facets/1-0-0/{name}.json"} | members


def facets(**told: Mapping[str, Any]) -> dict[str, Any]:
    """Facets by their names, each with what every facet has."""
    return {name: facet(name, **members) for name, members in told.items()}


def columns(*names: str, **types: str) -> dict[str, Any]:
    listed = [{"name": name, "type": "text"} for name in names]
    return {"fields": listed + [{"name": name, "type": type_} for name, type_ in types.items()]}


def column_lineage(column: str, source: str, source_column: str, **transformation: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"namespace": NAMESPACE, "name": source, "field": source_column}
    if transformation:
        told["transformations"] = [transformation]
    return {"fields": {column: {"inputFields": [told]}}}


def events() -> list[dict[str, Any]]:
    """Two runs of a job that a parent started, the second with another schema and version; a job that failed."""
    sources = {"dataSource": {"name": "lake", "uri": NAMESPACE}, "schema": columns("id", "code")}
    raw = dataset(RAW, **facets(**sources, version={"datasetVersion": "2026-11-01"}))
    parent = facets(parent={"run": {"runId": PARENT}, "job": {"namespace": "airflow", "name": "nightly"}})
    nominal = facets(nominalTime={"nominalStartTime": at(0), "nominalEndTime": at(3600)})
    job_facets = facets(
        sql={"query": "INSERT INTO units SELECT id, upper(code) FROM raw"},
        jobType={"processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"},
        sourceCodeLocation={"type": "git", "url": "https://example.org/pipelines/load_units.py"},
        documentation={"description": "Loads the units."},
        tags={"tags": [{"key": "nightly", "value": "true", "source": "AIRFLOW"}]},
    )
    units = facets(
        dataSource={"name": "lake", "uri": NAMESPACE},
        columnLineage=column_lineage("code", RAW, "code", type="DIRECT", subtype="TRANSFORMATION", description="upper"),
        lifecycleStateChange={"lifecycleStateChange": "OVERWRITE"},
    )
    statistics = {"outputFacets": facets(outputStatistics={"rowCount": 7, "size": 1024})}
    before = dataset(UNITS, **units, **facets(schema=columns("id")))
    after = dataset(UNITS, **units, **facets(schema=columns("id", code="varchar")))
    return [
        run_event("START", job="nightly", run=PARENT, seconds=0, run_facets=nominal),
        run_event("START", job=JOB, run=FIRST, seconds=1, inputs=[raw], run_facets=parent | nominal, job_facets=job_facets),
        run_event("COMPLETE", job=JOB, run=FIRST, seconds=11, inputs=[raw], outputs=[before | statistics]),
        run_event("START", job=JOB, run=SECOND, seconds=101, inputs=[raw], run_facets=parent, job_facets=job_facets),
        run_event("COMPLETE", job=JOB, run=SECOND, seconds=141, inputs=[raw], outputs=[after | statistics]),
        run_event("START", job="report", run=FAILED, seconds=200, inputs=[UNITS], outputs=[REPORT]),
        run_event(
            "FAIL", job="report", run=FAILED, seconds=201,
            run_facets=facets(errorMessage={"message": "out of paper", "programmingLanguage": "python"}),
        ),
        dataset_event(dataset(UNITS, **facets(documentation={"description": "What is taught."})), seconds=300),
        dataset_event(dataset(UNITS, **facets(tags={"tags": [
            {"key": "gold", "value": "true"}, {"key": "PII", "value": "true", "field": "code"},
        ]})), seconds=301),
    ]  # fmt: skip
