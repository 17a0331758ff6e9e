"""Every address of Marquez 0.51 answers in its shapes. The queries are those that its web UI sends, letter by letter."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.factories import bearer
from tests.lineage.events import NAMESPACE, run_id
from tests.lineage.marquez import shapes, world
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import FAILED, JOB, RAW, SECOND, UNITS

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(api: Api) -> Api:
    api.sends(*world.events())
    return api


NS, UNIT_PATH = "postgres%3A%2F%2Fdb%3A5432", f"postgres%3A%2F%2Fdb%3A5432/datasets/{UNITS}"
WEB = {
    "namespaces": shapes.NAMESPACES,
    f"namespaces/{NS}/datasets?limit=20&offset=0": shapes.DATASETS,
    f"namespaces/{UNIT_PATH}": shapes.DATASET,
    f"namespaces/{UNIT_PATH}/versions?limit=100&offset=0": shapes.DATASET_VERSIONS,
    "jobs?limit=25&offset=0": shapes.JOBS,
    "jobs?limit=25&offset=0&lastRunStates=FAILED": shapes.JOBS,
    "namespaces/airflow/jobs?limit=25&offset=0": shapes.JOBS,
    "namespaces/airflow/jobs?limit=25&offset=0&lastRunStates=COMPLETED": shapes.JOBS,
    f"namespaces/airflow/jobs/{JOB}": shapes.JOB,
    f"namespaces/airflow/jobs/{JOB}/runs?limit=10&offset=0": shapes.RUNS,
    f"jobs/runs/{SECOND}/facets?type=run": shapes.RUN_FACETS,
    f"jobs/runs/{SECOND}/facets?type=job": shapes.RUN_FACETS,
    f"lineage/?nodeId=dataset:{NAMESPACE}:{UNITS}&depth=2": shapes.GRAPH,
    f"lineage/?nodeId=job:airflow:{JOB}&depth=20": shapes.GRAPH,
    f"column-lineage?nodeId=dataset:{NS}:{UNITS}&depth=2&withDownstream=true": shapes.COLUMN_GRAPH,
    "events/lineage?limit=20&before=2027-01-01T00:00:00.000Z&after=2026-01-01T00:00:00.000Z&offset=0&sortDirection=desc": (
        shapes.EVENTS
    ),
    "events/lineage?limit=100&before=&after=&sortDirection=desc": shapes.EVENTS,
    "search/?q=unit&sort=NAME&limit=100": shapes.SEARCH,
    "search/?q=unit&sort=UPDATE_AT&limit=100&filter=DATASET": shapes.SEARCH,
    "tags": shapes.TAGS,
    "stats/lineage-events?period=DAY&timezone=Europe/Vienna": shapes.EVENT_COUNTS,
    "stats/lineage-events?period=WEEK&timezone=Australia/Melbourne": shapes.EVENT_COUNTS,
    "stats/jobs?period=DAY&timezone=Europe/Vienna": shapes.GROWTH,
    "stats/datasets?period=WEEK&timezone=Asia/Kathmandu": shapes.GROWTH,
    "stats/sources?period=WEEK&timezone=UTC": shapes.GROWTH,
}


@pytest.mark.parametrize("address", WEB)
def test_the_web_ui_is_answered_in_its_shapes(told: Api, address: str) -> None:
    answer = Client().get(f"/api/v1/{address}", headers=bearer(told.principal, "lineage:read"))
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    value = answer.json()
    shapes.check(value, WEB[address])
    lists = [value] if isinstance(value, list) else [one for one in value.values() if isinstance(one, list | dict)]
    assert any(lists), "nothing was looked at"


def test_versions_are_answered_one_by_one(told: Api) -> None:
    (latest, *older) = told.get("namespaces", NAMESPACE, "datasets", UNITS, "versions")["versions"]
    one = told.get("namespaces", NAMESPACE, "datasets", UNITS, "versions", latest["version"])
    shapes.check(one, shapes.DATASET_VERSION)
    assert one == latest
    assert [[field["name"] for field in of["fields"]] for of in (latest, *older)] == [["id", "code"], ["id"]]
    assert [of["createdByRun"]["id"] for of in (latest, *older)] == [SECOND, world.FIRST]
    assert latest["version"] == told.get("namespaces", NAMESPACE, "datasets", UNITS)["currentVersion"]

    versions = told.get("namespaces", "airflow", "jobs", JOB, "versions")
    shapes.check(versions, shapes.JOB_VERSIONS)
    (version,) = versions["versions"]
    one = told.get("namespaces", "airflow", "jobs", JOB, "versions", version["version"])
    shapes.check(one, shapes.JOB_VERSION)
    assert one["latestRun"]["id"] == SECOND
    assert one["outputs"] == [{"namespace": NAMESPACE, "name": UNITS}]


def test_sources_and_namespaces_are_answered_one_by_one(told: Api) -> None:
    shapes.check(told.get("sources"), shapes.SOURCES)
    found = told.get("sources", NAMESPACE)
    shapes.check(found, shapes.SOURCE)
    assert found["type"] == "POSTGRESQL"
    shapes.check(told.get("namespaces", NAMESPACE), shapes.NAMESPACE)


def test_a_job_tells_of_its_runs_and_its_parent(told: Api) -> None:
    job = told.get("namespaces", "airflow", "jobs", JOB)
    assert [run["id"] for run in job["latestRuns"]] == [SECOND, world.FIRST]
    assert job["latestRun"] == job["latestRuns"][0]
    assert job["latestRun"]["durationMs"] == 40_000
    assert (job["parentJobName"], job["simpleName"]) == ("nightly", "load_units")
    assert job["location"] == "https://example.org/pipelines/load_units.py"
    assert job["description"] == "Loads the units."
    assert job["tags"] == ["nightly"]
    assert job["currentVersion"] == job["latestRun"]["jobVersion"]["version"]


def test_a_run_tells_the_versions_that_it_read_and_wrote(told: Api) -> None:
    run = told.get("jobs", "runs", SECOND)
    shapes.check(run, shapes.RUN)
    (written,) = run["outputDatasetVersions"]
    current = told.get("namespaces", NAMESPACE, "datasets", UNITS)["currentVersion"]
    assert written["datasetVersionId"] == {"namespace": NAMESPACE, "name": UNITS, "version": current}
    assert written["facets"]["outputStatistics"]["rowCount"] == 7
    (read,) = run["inputDatasetVersions"]
    told_versions = told.get("namespaces", NAMESPACE, "datasets", RAW, "versions")["versions"]
    assert read["datasetVersionId"]["version"] in [one["version"] for one in told_versions]


def test_a_failed_run_keeps_its_message(told: Api) -> None:
    run = told.get("jobs", "runs", FAILED)
    assert run["state"] == "FAILED"
    assert run["facets"]["errorMessage"]["message"] == "out of paper"


def test_a_dataset_has_what_facets_tell_of_it(told: Api) -> None:
    found = told.get("namespaces", NAMESPACE, "datasets", UNITS)
    assert found["description"] == "What is taught."
    assert found["sourceName"] == "lake"
    assert found["tags"] == ["gold"]
    assert {field["name"]: field["tags"] for field in found["fields"]} == {"id": [], "code": ["PII"]}
    assert found["lastLifecycleState"] == "OVERWRITE"
    (column,) = found["columnLineage"]
    assert column["name"] == "code"
    (source,) = column["inputFields"]
    assert (source["dataset"], source["field"]) == (RAW, "code")
    assert source["transformations"] == [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "upper", "masking": False}
    ]


def test_the_graph_goes_both_ways_and_its_edges_meet(told: Api) -> None:
    graph = told.get("lineage", nodeId=f"dataset:{NAMESPACE}:{UNITS}")["graph"]
    nodes = {node["id"]: node for node in graph}
    raw, units, report = (f"dataset:{NAMESPACE}:{name}" for name in (RAW, UNITS, "lake.report"))
    assert set(nodes) == {raw, units, report, f"job:airflow:{JOB}", "job:airflow:report"}
    assert list(nodes) == sorted(nodes)
    out = {(edge["origin"], edge["destination"]) for node in graph for edge in node["outEdges"]}
    into = {(edge["origin"], edge["destination"]) for node in graph for edge in node["inEdges"]}
    assert out == into == {
        (raw, f"job:airflow:{JOB}"), (f"job:airflow:{JOB}", units), (units, "job:airflow:report"),
        ("job:airflow:report", report),
    }  # fmt: skip


@pytest.mark.parametrize(("depth", "count"), [(0, 1), (1, 5), (20, 5)])
def test_depth_is_kept(told: Api, depth: int, count: int) -> None:
    assert len(told.get("lineage", nodeId=f"dataset:{NAMESPACE}:{UNITS}", depth=depth)["graph"]) == count


def test_the_graph_of_a_job_and_of_a_run(told: Api) -> None:
    of_job = told.get("lineage", nodeId=f"job:airflow:{JOB}", depth=0)["graph"]
    assert {node["id"] for node in of_job} == {
        f"job:airflow:{JOB}", f"dataset:{NAMESPACE}:{RAW}", f"dataset:{NAMESPACE}:{UNITS}"
    }  # fmt: skip
    of_run = told.get("lineage", nodeId=f"run:{FAILED}")["graph"]
    assert {node["id"] for node in of_run} == {
        "job:airflow:report", f"dataset:{NAMESPACE}:{UNITS}", f"dataset:{NAMESPACE}:lake.report"
    }  # fmt: skip
    version = told.get("namespaces", "airflow", "jobs", JOB)["currentVersion"]
    of_version = told.get("lineage", nodeId=f"job:airflow:{JOB}#{version}")["graph"]
    assert {node["id"] for node in of_version} == {node["id"] for node in of_job}


def test_a_job_that_only_reads_is_in_the_graph(told: Api) -> None:
    told.sends(world.run_event("COMPLETE", job="mail", run=run_id(), seconds=400, inputs=[UNITS]))
    ids = {node["id"] for node in told.get("lineage", nodeId=f"dataset:{NAMESPACE}:{UNITS}")["graph"]}
    assert "job:airflow:mail" in ids
    alone = told.get("lineage", nodeId="job:airflow:mail")["graph"]
    assert {"job:airflow:mail", f"dataset:{NAMESPACE}:{UNITS}"} <= {node["id"] for node in alone}


def test_columns_go_up_and_with_downstream_both_ways(told: Api) -> None:
    up = told.get("column-lineage", nodeId=f"datasetField:{NAMESPACE}:{RAW}:code")["graph"]
    assert [node["id"] for node in up] == [f"datasetField:{NAMESPACE}:{RAW}:code"]
    both = told.get("column-lineage", nodeId=f"datasetField:{NAMESPACE}:{RAW}:code", withDownstream="true")["graph"]
    shapes.check({"graph": both}, shapes.COLUMN_GRAPH)
    raw, units = both
    assert [edge["destination"] for edge in raw["outEdges"]] == [units["id"]]
    # As Marquez's web UI reads it: both kinds of edges begin at the node that has them.
    assert units["inEdges"] == [{"origin": units["id"], "destination": raw["id"]}]
    assert units["data"]["fieldType"] == "varchar"
    of_job = told.get("column-lineage", nodeId=f"job:airflow:{JOB}")["graph"]
    assert of_job == both


def test_a_field_without_lineage_is_a_node_by_itself(told: Api) -> None:
    (node,) = told.get("column-lineage", nodeId=f"datasetField:{NAMESPACE}:{UNITS}:id")["graph"]
    assert node["data"]["field"] == "id"
    answer = told.send("GET", "column-lineage", nodeId=f"datasetField:{NAMESPACE}:{UNITS}:nothing")
    assert answer.status_code == 404


def test_sorting_sorts(told: Api) -> None:
    def search(**query: str) -> list[str]:
        return [one["name"] for one in told.get("search", q="%", **query)["results"]]

    by_name = search(sort="name")
    assert by_name == sorted(by_name) and len(by_name) == 6
    found = told.get("search", q="%", sort="updated_at")["results"]
    assert [one["updatedAt"] for one in found] == sorted((one["updatedAt"] for one in found), reverse=True)
    assert search(filter="job") == ["nightly", JOB, "report"]
    for direction in ("asc", "desc"):
        times = [one["eventTime"] for one in told.get("events", "lineage", sortDirection=direction)["events"]]
        assert times == sorted(times, reverse=direction == "desc") and len(times) == 7


def test_counts_count_all_that_matches(told: Api) -> None:
    for page in (
        told.get("namespaces", NAMESPACE, "datasets", limit=1),
        told.get("search", q="lake", limit=1),
        told.get("jobs", limit=1, offset=2),
    ):
        assert page["totalCount"] == 3
    assert told.get("events", "lineage", limit=0)["totalCount"] == 7
    assert told.get("events", limit=0)["totalCount"] == 9
    assert told.get("namespaces", "airflow", "jobs", JOB, "runs", limit=1)["totalCount"] == 2
    assert told.get("jobs", lastRunStates="FAILED")["totalCount"] == 1
    assert told.get("stats", "jobs", period="DAY")[-1]["count"] == 3
    assert told.get("stats", "datasets", period="WEEK")[-1]["count"] == 3
    assert told.get("stats", "sources", period="WEEK")[-1]["count"] == 1


def test_pages_do_not_overlap(told: Api) -> None:
    pages = [told.get("jobs", limit=2, offset=offset)["jobs"] for offset in (0, 2, 4)]
    assert [job["name"] for page in pages for job in page] == ["nightly", JOB, "report"]


def test_event_counts_tell_the_types_apart(told: Api) -> None:
    counts = told.get("stats", "lineage-events", period="DAY", timezone="Europe/Vienna")
    assert len(counts) == 24
    assert {name: sum(one[name] for one in counts) for name in ("start", "complete", "fail", "abort")} == {
        "start": 4, "complete": 2, "fail": 1, "abort": 0
    }  # fmt: skip
    assert len(told.get("stats", "jobs", period="WEEK", timezone="UTC")) == 7


@pytest.mark.parametrize(
    "pattern, found", [("%units", 2), ("units", 2), ("lake.unit_", 1), ("lake_units", 0), ("no", 0)]
)
def test_patterns_match_as_they_are_described(told: Api, pattern: str, found: int) -> None:
    assert told.get("search", q=pattern)["totalCount"] == found


@pytest.mark.parametrize(
    ("address", "member"),
    [
        ("jobs?limit=-1", "limit"), ("jobs?limit=x", "limit"), ("jobs?offset=²", "offset"), ("jobs?limit=100000", "limit"),
        ("jobs?lastRunStates=LOST", "lastRunStates"), ("lineage", "nodeId"), ("lineage?nodeId=x", "nodeId"),
        ("search", "q"), ("search?q=a&sort=size", "sort"), ("search?q=a&filter=run", "filter"),
        ("search?q=a&after=soon", "after"), ("stats/jobs?period=YEAR", "period"), ("stats/jobs?timezone=Moon", "timezone"),
        ("stats/jobs?timezone=../etc/passwd", "timezone"), ("events/lineage?sortDirection=up", "sortDirection"),
        (f"jobs/runs/{SECOND}/facets", "type"), ("column-lineage?nodeId=dataset:a:b&withDownstream=maybe", "withDownstream"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(told: Api, address: str, member: str) -> None:
    answer = Client().get(f"/api/v1/{address}", headers=bearer(told.principal, "lineage:read"))
    assert answer.status_code in (404, 422) if "nodeId=dataset" in address else answer.status_code == 422
    if answer.status_code == 422:
        assert list(json.loads(answer.content)["errors"]) == [member]
