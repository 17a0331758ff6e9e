"""What runs found in a dataset: its profile, the results of its tests, and how much was written and read."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from catalog.models import Dataset
from lineage.models import Direction
from lineage.reading.members import members_of

METRICS, ASSERTIONS = "dataQualityMetrics", "dataQualityAssertions"
_VOLUMES = ("outputStatistics", "inputStatistics")
_NAMES = (METRICS, ASSERTIONS, *_VOLUMES)
_LIMIT = 60
"""Runs that are looked at, of each member and facet."""
_HISTORY = 20

# What was told with the dataset itself comes without a run and without a direction.
_TOLD = """
    SELECT wanted.name, found.at, found.direction, found.run_id, job.id, job.name, content.value
    FROM unnest(%(names)s::text[]) AS wanted (name)
    CROSS JOIN unnest(%(ids)s::bigint[]) AS member (id)
    CROSS JOIN LATERAL (
        (
            SELECT facet.at, facet.digest, facet.direction, facet.run_id, facet.content_id
            FROM lineage_rundatasetfacet AS facet
            WHERE facet.dataset_id = member.id AND facet.name = wanted.name AND facet.content_id IS NOT NULL
            ORDER BY facet.at DESC LIMIT %(limit)s
        )
        UNION ALL
        SELECT facet.at, facet.digest, NULL, NULL, facet.content_id FROM lineage_datasetfacet AS facet
        WHERE facet.dataset_id = member.id AND facet.name = wanted.name AND facet.content_id IS NOT NULL
    ) AS found
    JOIN lineage_content AS content ON content.digest = found.content_id
    LEFT JOIN lineage_run AS run ON run.id = found.run_id
    LEFT JOIN lineage_job AS job ON job.id = run.job_id
    ORDER BY found.at DESC, found.digest DESC
"""


@dataclass(frozen=True, slots=True)
class Told:
    """A facet of one run, or of the dataset itself (`run_id` None)."""

    at: dt.datetime
    direction: int | None
    run_id: UUID | None
    job_id: int | None
    job: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Volume:
    """How much one run wrote or read; None where it did not say."""

    told: Told
    rows: int | None
    size: int | None
    files: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """One outcome of a test. `expected` and `actual` may hold values of the data: third tier."""

    told: Told
    passed: bool
    severity: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """A test of the dataset or of one column, with its latest outcomes, newest first."""

    name: str
    column: str
    description: str
    results: Sequence[Result]

    @property
    def latest(self) -> Result:
        return self.results[0]


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    column: str
    nulls: str
    distinct: str
    minimum: str
    maximum: str
    count: str
    total: str
    quantiles: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Profile:
    """The latest metrics of a dataset: third tier, since minima and maxima are values of it."""

    told: Told
    rows: int | None
    size: int | None
    files: int | None
    updated: str
    columns: Sequence[ColumnProfile]


@dataclass(frozen=True, slots=True)
class Quality:
    profile: Profile | None
    assertions: Sequence[Assertion]
    written: Sequence[Volume]
    read: Sequence[Volume]

    @property
    def failing(self) -> int:
        return sum(not one.latest.passed for one in self.assertions)

    @property
    def is_empty(self) -> bool:
        return not (self.profile or self.assertions or self.written or self.read)


def quality_of(dataset: Dataset) -> Quality:
    """What the latest runs found in a dataset, under all of its names; volumes oldest first; two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, {"names": list(_NAMES), "ids": members_of(dataset), "limit": _LIMIT})
        rows = cursor.fetchall()
    by_name: dict[str, list[Told]] = defaultdict(list)
    for name, at, direction, run_id, job_id, job, content in rows:
        value = msgspec.json.decode(content) if isinstance(content, str) else content
        if isinstance(value, dict):
            by_name[name].append(Told(at, direction, run_id, job_id, job or "", value))
    return Quality(
        profile=next((_profile(told) for told in by_name[METRICS]), None),
        assertions=_assertions(by_name[ASSERTIONS]),
        written=_volumes(by_name["outputStatistics"], Direction.OUTPUT),
        read=_volumes(by_name["inputStatistics"], Direction.INPUT),
    )


def _volumes(told: Iterable[Told], direction: int) -> list[Volume]:
    found = [
        Volume(one, _count(one.value, "rowCount"), _count(one.value, "size"), _count(one.value, "fileCount"))
        for one in told
        if one.direction == direction
    ]
    return list(reversed(found[:_LIMIT]))


def _assertions(told: Iterable[Told]) -> list[Assertion]:
    """By test and column; failing ones first. A run may tell of some of the tests only: each has a history of its own."""
    results: dict[tuple[str, str], list[Result]] = defaultdict(list)
    descriptions: dict[tuple[str, str], str] = {}
    for run in told:
        for one in _objects(run.value, "assertions"):
            passed = one.get("success")
            name = _text(one.get("name")) or _text(one.get("assertion"))
            if not name or not isinstance(passed, bool):
                continue
            key = (name, _text(one.get("column")))
            texts = [_text(one.get(member)) for member in ("severity", "expected", "actual")]
            results[key].append(Result(run, passed, *texts))
            descriptions.setdefault(key, _text(one.get("description")))
    found = [Assertion(*key, descriptions[key], every[:_HISTORY]) for key, every in results.items()]
    return sorted(found, key=lambda one: (one.latest.passed, one.column, one.name))


def _profile(told: Told) -> Profile:
    columns = told.value.get("columnMetrics")
    found = [
        _column(name, metrics)
        for name, metrics in (columns.items() if isinstance(columns, dict) else ())
        if isinstance(metrics, dict)
    ]
    return Profile(
        told,
        _count(told.value, "rowCount"),
        _count(told.value, "bytes"),
        _count(told.value, "fileCount"),
        _text(told.value.get("lastUpdated")),
        found,
    )


def _column(name: str, metrics: dict[str, Any]) -> ColumnProfile:
    quantiles = metrics.get("quantiles")
    nulls, distinct, minimum, maximum, count, total = (
        _text(metrics.get(member)) for member in ("nullCount", "distinctCount", "min", "max", "count", "sum")
    )
    return ColumnProfile(
        name,
        nulls,
        distinct,
        minimum,
        maximum,
        count,
        total,
        [(str(at), _text(value)) for at, value in quantiles.items()] if isinstance(quantiles, dict) else [],
    )


def _count(value: dict[str, Any], name: str) -> int | None:
    found = value.get(name)
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) and found >= 0 else None


def _objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str:
    """A number as it was sent; anything but texts and numbers is passed over."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
