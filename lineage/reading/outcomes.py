"""How a run went, as its facets tell: errors, tests, and what was asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Principal
from lineage.models import Job, JobEdge
from lineage.reading.facets import Facet, Property, facet_value

_RESULTS = {"pass": "passed", "fail": "failed", "skip": "skipped"}


@dataclass(frozen=True, slots=True)
class TestResult:
    """A test that a run executed; `outcome` is passed, failed, skipped, or what else the producer calls it."""

    __test__ = False

    name: str
    outcome: str
    severity: str
    kind: str
    description: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class RunError:
    """What a run failed with, and where in its code."""

    message: str
    language: str
    trace: str


def error_of(facets: Sequence[Facet]) -> RunError | None:
    """What the errorMessage facet tells."""
    message = facet_value(facets, "errorMessage", "message")
    trace = facet_value(facets, "errorMessage", "stackTrace")
    if not message and not trace:
        return None
    return RunError(message, facet_value(facets, "errorMessage", "programmingLanguage"), trace)


def tests_of(facets: Sequence[Facet]) -> list[TestResult]:
    """What the test facet tells, failed ones first."""
    found = []
    for one in _objects(_value(facets, "test"), "tests"):
        status = _text(one, "status").lower()
        found.append(
            TestResult(
                _text(one, "name"), _RESULTS.get(status, status), _text(one, "severity"), _text(one, "type"),
                _text(one, "description"), _text(one, "expected"), _text(one, "actual"),
            )
        )  # fmt: skip
    order = {"failed": 0, "skipped": 2, "passed": 3}
    return sorted(found, key=lambda one: (order.get(one.outcome, 1), one.name))


def circumstances_of(facets: Sequence[Facet]) -> list[Property]:
    """What nominalTime, processing_engine, externalQuery, extractionError, parent, execution parameters and tags tell."""
    told = [
        Property("Nominally from", facet_value(facets, "nominalTime", "nominalStartTime")),
        Property("Nominally until", facet_value(facets, "nominalTime", "nominalEndTime")),
        Property("Engine", _engine(facets)),
        Property("Query", facet_value(facets, "externalQuery", "externalQueryId")),
        Property("Query's source", facet_value(facets, "externalQuery", "source")),
        Property("Root run", facet_value(facets, "parent", "root", "run", "runId")),
        Property("Root job", facet_value(facets, "parent", "root", "job", "name")),
        Property("Not extracted", _not_extracted(_value(facets, "extractionError"))),
        Property("Parameters", _pairs(_objects(_value(facets, "executionParameters"), "parameters"), "key", "value")),
        Property("Tags", _pairs(_objects(_value(facets, "tags"), "tags"), "key", "value")),
    ]
    return [one for one in told if one.text]


def _engine(facets: Sequence[Facet]) -> str:
    parts = [facet_value(facets, "processing_engine", member) for member in ("name", "version")]
    return " ".join(part for part in parts if part)


def _not_extracted(value: dict[str, Any]) -> str:
    failed, total = value.get("failedTasks"), value.get("totalTasks")
    return f"{failed} of {total} tasks" if isinstance(failed, int) and isinstance(total, int) else ""


def _pairs(values: Sequence[dict[str, Any]], name: str, value: str) -> str:
    return ", ".join(f"{one[name]} = {one.get(value, '')}" for one in values if isinstance(one.get(name), str))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs that a job waits for, and jobs that wait for it; those out of the reader's sight are left out."""

    upstream: Sequence[Job]
    downstream: Sequence[Job]


def waiting_of(principal: Principal, job: Job) -> Waiting:
    """Of `jobDependencies` and of jobs in `lineage` facets; two statements."""
    seen = Job.objects.visible_to(principal)
    before = JobEdge.objects.filter(downstream=job).values("upstream_id")
    after = JobEdge.objects.filter(upstream=job).values("downstream_id")
    return Waiting(
        list(seen.filter(pk__in=before).order_by("name", "id")[:200]),
        list(seen.filter(pk__in=after).order_by("name", "id")[:200]),
    )


def _value(facets: Sequence[Facet], name: str) -> dict[str, Any]:
    value = next((facet.value for facet in facets if facet.name == name), None)
    return value if isinstance(value, dict) else {}


def _objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""
