"""The addresses of Marquez's API that read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone

from common.errors import Invalid, NotFound
from lineage import intake_views
from lineage.marquez import columns, datasets, finding, graph, jobs, places, requests, runs
from lineage.marquez.addresses import Node, nodes, readings
from lineage.marquez.names import Found, find
from lineage.marquez.requests import MAX_LIMIT, reader_of
from lineage.marquez.shapes import STATES, Json
from lineage.marquez.upstream import upstream_runs
from lineage.queries import MAX_DEPTH

DEPTH = 20


def namespaces(request: HttpRequest) -> Json:
    limit, offset = requests.page(request)
    return {"namespaces": places.namespaces(reader_of(request))[offset : offset + limit]}


def in_namespace(request: HttpRequest, path: str) -> Json:
    """A namespace, or what is in it: whatever `path` means."""
    principal = reader_of(request)
    found = find(principal, [one for one in readings(path) if one.what in _READS])
    return _READS[found.reading.what](request, found)


def _namespace(request: HttpRequest, found: Found) -> Json:
    return places.namespace(reader_of(request), found.reading.namespace)


def _paged(name: str, read: Callable[..., tuple[list[Json], int]]) -> Callable[[HttpRequest, Found, Any], Json]:
    def answer(request: HttpRequest, found: Found, of: Any) -> Json:
        rows, total = read(reader_of(request), of, *requests.page(request))
        return {name: rows, "totalCount": total}

    return answer


_dataset_list = _paged("datasets", datasets.listed)
_dataset_versions = _paged("versions", datasets.versions)
_job_versions = _paged("versions", jobs.versions)
_run_list = _paged("runs", runs.listed)

_READS: dict[str, Callable[[HttpRequest, Found], Json]] = {
    "namespace": _namespace,
    "datasets/list": lambda request, found: _dataset_list(request, found, found.reading.namespace),
    "datasets/one": lambda request, found: datasets.one(reader_of(request), found.dataset),
    "datasets/versions": lambda request, found: _dataset_versions(request, found, found.dataset),
    "datasets/version": lambda request, found: datasets.version(
        reader_of(request), found.dataset, _uuid(found.reading.rest[0])
    ),
    "jobs/list": lambda request, found: _job_list(request, found.reading.namespace),
    "jobs/one": lambda request, found: jobs.one(reader_of(request), found.job),
    "jobs/versions": lambda request, found: _job_versions(request, found, found.job),
    "jobs/version": lambda request, found: jobs.version(reader_of(request), found.job, _uuid(found.reading.rest[0])),
    "jobs/runs": lambda request, found: _run_list(request, found, found.job),
}


def job_list(request: HttpRequest) -> Json:
    return _job_list(request, "")


def _job_list(request: HttpRequest, namespace: str) -> Json:
    limit, offset = requests.page(request)
    known = {name: state for state, name in STATES.items()} | {"NEW": ""}
    wanted = request.GET.getlist("lastRunStates")
    unknown = [state for state in wanted if state and state.upper() not in known]
    if unknown:
        raise Invalid("A parameter cannot be read.", {"lastRunStates": [f"A state is one of {', '.join(known)}."]})
    rows, total = jobs.listed(
        reader_of(request), limit, offset, namespace=namespace,
        states=[known[state.upper()] for state in wanted if state],
    )  # fmt: skip
    return {"jobs": rows, "totalCount": total}


def run(request: HttpRequest, run_id: str) -> Json:
    return runs.one(reader_of(request), _uuid(run_id))


def run_facets(request: HttpRequest, run_id: str) -> Json:
    of = requests.choice(request, "type", {"run": "run", "job": "job"}, "")
    principal = reader_of(request)
    if not of:
        raise Invalid("Say which facets.", {"type": ["type is run or job."]})
    return runs.facets(principal, _uuid(run_id), of)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing of this id, for it is no UUID.") from None


def sources(request: HttpRequest) -> Json:
    limit, offset = requests.page(request)
    return {"sources": places.sources(reader_of(request))[offset : offset + limit]}


def source(request: HttpRequest, name: str) -> Json:
    return places.source(reader_of(request), name)


def tags(request: HttpRequest) -> Json:
    limit, offset = requests.page(request)
    reader_of(request)
    return {"tags": places.tags()[offset : offset + limit]}


def lineage(request: HttpRequest) -> HttpResponse:
    """The graph, for GET; any other method is the intake's."""
    return _lineage(request) if request.method in ("GET", "HEAD") else intake_views.lineage(request)


lineage.csrf_exempt = True  # type: ignore[attr-defined]


def _nodes(request: HttpRequest) -> list[Node]:
    """What `nodeId` may mean. The web UI sends it as the names are, so a + in it may stand for itself."""
    found = nodes(request.GET.get("nodeId", ""))
    query = request.META["QUERY_STRING"]
    if "+" not in query:
        return found
    return nodes(QueryDict(query.replace("+", "%2B")).get("nodeId", "")) + found


def _read_lineage(request: HttpRequest) -> Json:
    principal = reader_of(request)
    found = graph.lineage(principal, _nodes(request), depth=_depth(request), as_of=requests.moment(request, "asOf"))
    return {"graph": found}


_lineage = requests.answering(GET=_read_lineage)


def column_lineage(request: HttpRequest) -> Json:
    principal = reader_of(request)
    found = columns.column_lineage(
        principal,
        _nodes(request),
        depth=_depth(request),
        with_downstream=requests.flag(request, "withDownstream"),
        as_of=requests.moment(request, "asOf"),
    )
    return {"graph": found}


def upstream(request: HttpRequest) -> Json:
    """Marquez's server reads `runId`, its description says `id`."""
    principal = reader_of(request)
    run_id = request.GET.get("runId") or request.GET.get("id", "")
    if not run_id:
        raise Invalid("Say of which run.", {"runId": ["runId is the id of a run."]})
    return {"runs": upstream_runs(principal, _uuid(run_id), depth=_depth(request))}


def _depth(request: HttpRequest) -> int:
    return requests.number(request, "depth", DEPTH, most=MAX_DEPTH)


def run_events(request: HttpRequest) -> Json:
    """Of runs alone: its web UI reads the run and the job of each."""
    return _events(request, of_runs=True)


def all_events(request: HttpRequest) -> Json:
    return _events(request)


def events_of(request: HttpRequest, namespace: str) -> Json:
    """Those of the runs of a namespace's jobs, for its Python client."""
    return _events(request, namespace=namespace)


def _events(request: HttpRequest, *, of_runs: bool = False, namespace: str = "") -> Json:
    limit, offset = requests.page(request)
    rows, total = finding.events(
        reader_of(request),
        before=requests.moment(request, "before"),
        after=requests.moment(request, "after"),
        ascending=requests.choice(request, "sortDirection", {"asc": "asc", "desc": "desc"}, "desc") == "asc",
        limit=limit,
        offset=offset,
        of_runs=of_runs,
        namespace=namespace,
    )
    return {"events": rows, "totalCount": total}


_SORTS = {"name": "name", "updated_at": "updated_at", "update_at": "updated_at"}
_KINDS = {"dataset": "DATASET", "job": "JOB", "all": ""}


def search(request: HttpRequest) -> Json:
    principal = reader_of(request)
    wanted = finding.Wanted(
        q=request.GET.get("q", "")[:1024],
        kind=requests.choice(request, "filter", _KINDS, ""),
        sort=requests.choice(request, "sort", _SORTS, "name"),  # type: ignore[arg-type]
        limit=requests.number(request, "limit", 10, most=MAX_LIMIT),
        namespace=request.GET.get("namespace", ""),
        before=requests.moment(request, "before"),
        after=requests.moment(request, "after"),
    )
    if not wanted.q:
        raise Invalid("Say what to look for.", {"q": ["q is a part of a name, or a pattern with % and _."]})
    rows, total = finding.search(principal, wanted)
    return {"totalCount": total, "results": rows}


def stats(request: HttpRequest, what: str) -> list[Json]:
    principal = reader_of(request)
    name = requests.choice(request, "period", {"day": "DAY", "week": "WEEK"}, "DAY")
    period = finding.period_of(name, requests.zone(request), timezone.now())
    if what == "lineage-events":
        return finding.event_counts(principal, period)
    return finding.growth(principal, what, period)
