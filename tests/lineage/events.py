"""OpenLineage events as pipelines send them, as plain JSON values."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

BEGIN = dt.datetime(2026, 11, 1, 6, tzinfo=dt.UTC)
NAMESPACE = "postgres://db:5432"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_runs = itertools.count(1)


def run_id(number: int | None = None) -> str:
    return str(uuid.UUID(int=next(_runs) + (1 << 96) if number is None else number))


def at(seconds: float) -> str:
    """So many seconds after `BEGIN`, as RFC 3339."""
    return (BEGIN + dt.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def dataset(name: str, *, namespace: str = NAMESPACE, fields: Iterable[str] = (), **facets: Any) -> dict[str, Any]:
    listed = list(fields)
    if listed:
        facets["schema"] = {"fields": [{"name": field, "type": "text"} for field in listed]}
    return {"namespace": namespace, "name": name, "facets": facets}


def run_event(
    kind: str | None = "START",
    *,
    job: str = "load_units",
    namespace: str = "airflow",
    run: str | None = None,
    seconds: float = 0,
    inputs: Iterable[str | Mapping[str, Any]] = (),
    outputs: Iterable[str | Mapping[str, Any]] = (),
    run_facets: Mapping[str, Any] | None = None,
    job_facets: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    found = {
        "eventTime": at(seconds),
        "producer": "https://example.org/pipeline",
        "schemaURL": f"{_SPEC}#/$defs/RunEvent",
        "run": {"runId": run or run_id(), "facets": dict(run_facets or {})},
        "job": {"namespace": namespace, "name": job, "facets": dict(job_facets or {})},
        "inputs": [dataset(item) if isinstance(item, str) else dict(item) for item in inputs],
        "outputs": [dataset(item) if isinstance(item, str) else dict(item) for item in outputs],
    }
    return found if kind is None else found | {"eventType": kind}


def dataset_event(described: Mapping[str, Any], *, seconds: float = 0) -> dict[str, Any]:
    return {
        "eventTime": at(seconds),
        "producer": "https://example.org/pipeline",
        "schemaURL": f"{_SPEC}#/$defs/DatasetEvent",
        "dataset": dict(described),
    }


def job_event(
    *, job: str = "load_units", namespace: str = "airflow", seconds: float = 0,
    inputs: Iterable[str] = (), outputs: Iterable[str] = (), job_facets: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "eventTime": at(seconds),
        "producer": "https://example.org/pipeline",
        "schemaURL": f"{_SPEC}#/$defs/JobEvent",
        "job": {"namespace": namespace, "name": job, "facets": dict(job_facets or {})},
        "inputs": [dataset(item) for item in inputs],
        "outputs": [dataset(item) for item in outputs],
    }
