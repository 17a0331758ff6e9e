"""What facets say that the graph is made of: columns, inputs told one by one, code, other names, jobs that wait. Pure.

Facts: the facets' own schemas under https://openlineage.io/spec/facets/. `columnLineage` tells of columns by `inputFields`,
the newer `lineage` facet by `inputs`; both are read into the same rows. What has another shape is passed over: a facet is
kept whole elsewhere, and one that cannot be read must not cost the rest of its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from catalog.naming import DatasetKey
from lineage.openlineage import MAX_NAME_BYTES, Facets, plain_namespace

DELETION = "catalog_deletion"
"""The job facet by which a job is deleted. Ours: OpenLineage has none for jobs."""

WATCHED = frozenset({"symlinks", "ownership", "documentation", "tags", "lifecycleStateChange", "datasetType"})
"""The facets of datasets that change more than what is shown of them."""

UNKNOWN, DIRECT, INDIRECT = 0, 1, 2
_TYPES = {"DIRECT": DIRECT, "INDIRECT": INDIRECT}
# transformationType was a text of the field before transformations[] came; these two values are in the old specification.
_OLD_TYPES = {"IDENTITY": (DIRECT, "IDENTITY", False), "MASKED": (DIRECT, "TRANSFORMATION", True)}


class JobKey(NamedTuple):
    """What a job is called."""

    namespace: str
    name: str


class ColumnFact(NamedTuple):
    """Values of a column make or influence those of another; the empty column is the whole dataset."""

    column: str
    source: DatasetKey
    source_column: str
    type: int
    subtype: str
    masking: bool
    description: str


def standing(facets: Facets | None, name: str) -> dict[str, Any] | None:
    """The facet, where it is there, is an object and is not deleted."""
    facet = (facets or {}).get(name)
    return facet if isinstance(facet, dict) and facet.get("_deleted") is not True else None


def dataset_key(value: Any) -> DatasetKey | None:
    """`{namespace, name}` as a key, or None where it is none that could be kept."""
    if not isinstance(value, dict):
        return None
    namespace, name = _text(value.get("namespace")), _text(value.get("name"))
    return DatasetKey(plain_namespace(namespace), name) if _is_name(namespace) and _is_name(name) else None


def _job_key(value: Any) -> JobKey | None:
    key = dataset_key(value)
    return JobKey(key.namespace, key.name) if key else None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= MAX_NAME_BYTES


def other_names(facets: Facets | None) -> list[DatasetKey]:
    """What a symlinks facet calls the dataset besides."""
    facet = standing(facets, "symlinks")
    found = (dataset_key(one) for one in _list(facet, "identifiers"))
    return [key for key in found if key is not None]


def former_name(facets: Facets | None) -> DatasetKey | None:
    """The name that a RENAME says the dataset had before."""
    facet = standing(facets, "lifecycleStateChange")
    if facet is None or facet.get("lifecycleStateChange") != "RENAME":
        return None
    return dataset_key(facet.get("previousIdentifier"))


LIFE = {"CREATE": 1, "ALTER": 2, "OVERWRITE": 3, "TRUNCATE": 4, "RENAME": 5, "DROP": 6}
"""What a lifecycleStateChange facet may say: its values, as numbers of `lineage.models.LifeKind`."""


def life_change(facets: Facets | None) -> int | None:
    """Which change of its life the facets tell; None where they tell none, or one that OpenLineage does not know."""
    facet = standing(facets, "lifecycleStateChange")
    return LIFE.get(_text(_member(facet, "lifecycleStateChange")).upper())


class LineageEntry(NamedTuple):
    """A `lineage` facet about one dataset: `inputs` in order, empty where it says that there are none."""

    target: DatasetKey
    inputs: list[DatasetKey]
    content: dict[str, Any]


def dataset_lineage(key: DatasetKey, facets: Facets | None) -> LineageEntry | None:
    """What the dataset's own `lineage` facet tells."""
    facet = standing(facets, "lineage")
    return _entry(key, facet) if facet is not None else None


def job_lineage(facets: Facets | None) -> list[LineageEntry]:
    """What the job's `lineage` facet tells of datasets."""
    found = []
    for one in _list(standing(facets, "lineage"), "entries"):
        if isinstance(one, dict) and one.get("type") == "DATASET":
            key = dataset_key(one)
            if key is not None:
                found.append(_entry(key, one))
    return found


def _entry(key: DatasetKey, told: dict[str, Any]) -> LineageEntry:
    sources = dict.fromkeys(fact.source for fact in column_facts(told))
    for one in _list(told, "inputs"):
        source = dataset_key(one)
        if source is not None and one.get("type", "DATASET") == "DATASET":
            sources.setdefault(source)
    return LineageEntry(key, list(sources), told)


def waits_for(own: JobKey, job_facets: Facets | None, run_facets: Facets | None) -> set[tuple[JobKey, JobKey]]:
    """Pairs of jobs, the one that waits before the one that it waits for; never a job for itself."""
    found: set[tuple[JobKey | None, JobKey | None]] = set()
    dependencies = standing(run_facets, "jobDependencies")
    for one in _list(dependencies, "upstream"):
        found.add((own, _job_key(_member(one, "job"))))
    for one in _list(dependencies, "downstream"):
        found.add((_job_key(_member(one, "job")), own))
    for entry in _list(standing(job_facets, "lineage"), "entries"):
        if _member(entry, "type") != "JOB":
            continue
        target = _job_key(entry) or own
        for one in _list(entry, "inputs"):
            if _member(one, "type") == "JOB":
                found.add((target, _job_key(one) or own))
    return {(one, other) for one, other in found if one and other and one != other}


def columns_of(facets: Facets | None) -> dict[str, Any] | None:
    """What tells the columns' lineage: the `columnLineage` facet, else a `lineage` facet with fields."""
    facet = standing(facets, "columnLineage")
    if facet is not None:
        return facet
    lineage = standing(facets, "lineage")
    return lineage if lineage is not None and column_names(lineage) else None


def column_names(content: Mapping[str, Any]) -> list[str]:
    """The columns that a content explains."""
    fields = content.get("fields")
    return list(fields) if isinstance(fields, dict) else []


def column_facts(content: Mapping[str, Any]) -> Iterator[ColumnFact]:
    """Every column that flows into another, and those that influence the whole dataset; the same fact may come twice."""
    fields = content.get("fields")
    for column, told in fields.items() if isinstance(fields, dict) else ():
        if not _is_name(column) or not isinstance(told, dict):
            continue
        old = _old_transformation(told)
        for one in _list(told, "inputFields") or _list(told, "inputs"):
            yield from _facts(column, one, old)
    # A source of the whole dataset without a field is an edge of datasets, not of columns.
    for one in _list(content, "dataset") or _list(content, "inputs"):
        if _member(one, "field"):
            yield from _facts("", one, [])


def _facts(column: str, one: Any, otherwise: list[Any]) -> Iterator[ColumnFact]:
    source = dataset_key(one)
    if source is None or one.get("type", "DATASET") != "DATASET":
        return
    field = one.get("field") or ""
    if field and not _is_name(field):
        return
    told = [value for value in _list(one, "transformations") if isinstance(value, dict)]
    for transformation in [_transformation(value) for value in told] or otherwise or [(UNKNOWN, "", False, "")]:
        yield ColumnFact(column, source, field, *transformation)


def _transformation(value: Mapping[str, Any]) -> tuple[int, str, bool, str]:
    return (
        _TYPES.get(_text(value.get("type")).upper(), UNKNOWN),
        _text(value.get("subtype")).upper()[:100],
        value.get("masking") is True,
        _text(value.get("description"))[:2000],
    )


def _old_transformation(told: Mapping[str, Any]) -> list[tuple[int, str, bool, str]]:
    """The deprecated description of a whole field, which producers still send."""
    name, description = _text(told.get("transformationType")), _text(told.get("transformationDescription"))
    if not name and not description:
        return []
    type_, subtype, masking = _OLD_TYPES.get(name.upper(), (UNKNOWN, name.upper()[:100], False))
    return [(type_, subtype, masking, description[:2000])]


def code_of(facets: Facets | None) -> dict[str, str] | None:
    """What the job executes, without what changes from run to run: equal for equal code, None where nothing is told.

    A location counts only where the code itself is not told: its version is that of a whole repository.
    """
    query = _text(_member(standing(facets, "sql"), "query")).strip()
    source = _text(_member(standing(facets, "sourceCode"), "sourceCode")).strip()
    found = {"sql": query, "source": source}
    if not query and not source:
        found["url"] = _text(_member(standing(facets, "sourceCodeLocation"), "url"))
    return {name: text for name, text in found.items() if text} or None


def version_of(facets: Facets | None) -> str | None:
    """What the version facet calls the dataset's version."""
    return _text(_member(standing(facets, "version"), "datasetVersion"))[:1000] or None


def is_deletion(facets: Facets | None) -> bool:
    return standing(facets, DELETION) is not None


def _list(value: Any, name: str) -> list[Any]:
    found = _member(value, name)
    return found if isinstance(found, list) else []


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def sources_in(facts: Iterable[ColumnFact]) -> set[DatasetKey]:
    return {fact.source for fact in facts}
