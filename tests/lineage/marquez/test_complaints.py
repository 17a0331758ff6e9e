"""What Marquez's users complain about, by the number of the issue in its repository, and that it is not so here."""

from __future__ import annotations

import datetime as dt
import json
from itertools import permutations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from accounts.models import Principal
from alerts.actions import follow
from alerts.conditions import look_at_all
from alerts.models import Notification
from alerts.reading import lines_of
from audit.delivery import deliver_pending
from catalog.models import Dataset
from lineage.draining import drain
from lineage.models import ColumnEdge, Content, DatasetEdge, Event, Job, Run, SchemaObservation
from tests.factories import bearer, ownership, person, pipeline
from tests.lineage.events import NAMESPACE, at, dataset, run_event, run_id
from tests.lineage.marquez import shapes
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import column_lineage, facets

pytestmark = pytest.mark.django_db


def node(name: str) -> str:
    return f"dataset:{NAMESPACE}:{name}"


def graph_of(api: Api, name: str, **query: object) -> set[str]:
    return {one["id"] for one in api.get("lineage", nodeId=node(name), **query)["graph"]}


def columns_of(api: Api, name: str) -> dict[str, list[dict]]:
    found = api.get("namespaces", NAMESPACE, "datasets", name)["columnLineage"]
    return {one["name"]: one["inputFields"] for one in found}


def complete(job: str, inputs: list, outputs: list, **given: object) -> dict:
    return run_event("COMPLETE", job=job, inputs=inputs, outputs=outputs, **given)


def layers(width: int, depth: int) -> list[dict]:
    """Jobs in layers: each reads three datasets of the layer above and writes one."""
    return [
        complete(f"job_{level}_{place}", [f"t_{level}_{(place + step) % width}" for step in range(3)],
                 [f"t_{level + 1}_{place}"])
        for level in range(depth) for place in range(width)
    ]  # fmt: skip


def test_issue_3058_lineage_answers_by_as_many_statements_however_wide_the_graph_is(api: Api) -> None:
    def statements(width: int) -> int:
        api.sends(*layers(width, 6))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(api.get("lineage", nodeId=node("t_3_0"))["graph"]) > width
        return len(captured)

    assert statements(8) == statements(40)


def test_issue_3082_the_id_of_a_run_makes_no_version(api: Api) -> None:
    written = dataset("units", fields=["id"])
    api.sends(*(complete("load", ["raw"], [written], seconds=number) for number in range(20)))
    assert api.get("namespaces", NAMESPACE, "datasets", "units", "versions")["totalCount"] == 1
    assert api.get("namespaces", "airflow", "jobs", "load", "versions")["totalCount"] == 1


def test_issue_3083_a_field_of_type_null_is_one_field(api: Api) -> None:
    def told(type_: str | None) -> dict:
        return dataset("units", **facets(schema={"fields": [{"name": "id", "type": type_}]}))

    api.sends(*(complete("load", [], [told(type_)], seconds=n) for n, type_ in enumerate((None, "int", None, None))))
    (field,) = api.get("namespaces", NAMESPACE, "datasets", "units")["fields"]
    assert (field["name"], field["type"]) == ("id", "int")
    assert api.get("namespaces", NAMESPACE, "datasets", "units", "versions")["totalCount"] == 1


def test_issue_3085_a_deleted_job_links_nothing(api: Api) -> None:
    api.sends(complete("load", ["raw"], ["units"]))
    assert len(graph_of(api, "units")) == 3
    api.delete("namespaces", "airflow", "jobs", "load")
    drain()
    assert graph_of(api, "units") == {node("units")}


TRANSFORMED = dataset(
    "units",
    columnLineage={"fields": {"code": {"inputFields": [
        {"namespace": NAMESPACE, "name": "raw", "field": "code",
         "transformations": [{"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "upper", "masking": True}]},
        {"namespace": NAMESPACE, "name": "raw", "field": "active",
         "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}]},
    ]}}},
)  # fmt: skip


def test_issue_3100_transformations_are_told(api: Api) -> None:
    api.sends(complete("load", ["raw"], [TRANSFORMED]))
    by_field = {one["field"]: one for one in columns_of(api, "units")["code"]}
    assert by_field["code"]["transformationType"] == "TRANSFORMATION"
    assert by_field["code"]["transformationDescription"] == "upper"
    assert by_field["code"]["transformations"][0]["masking"] is True


def test_issue_2851_transformations_are_told_in_the_graph_of_columns(api: Api) -> None:
    api.sends(complete("load", ["raw"], [TRANSFORMED]))
    graph = api.get("column-lineage", nodeId=f"datasetField:{NAMESPACE}:units:code")["graph"]
    (code,) = [one for one in graph if one["data"]["field"] == "code" and one["data"]["dataset"] == "units"]
    assert {one["transformationType"] for one in code["data"]["inputFields"]} == {"TRANSFORMATION", "FILTER"}


def test_issue_2874_direct_and_indirect_are_told_apart(api: Api) -> None:
    api.sends(complete("load", ["raw"], [TRANSFORMED]))
    types = {one["field"]: one["transformations"][0]["type"] for one in columns_of(api, "units")["code"]}
    assert types == {"code": "DIRECT", "active": "INDIRECT"}


def test_issue_3066_lineage_is_there_from_start_on(api: Api) -> None:
    api.sends(run_event("START", job="load", inputs=["raw"], outputs=["units"]))
    assert graph_of(api, "units") == {node("raw"), "job:airflow:load", node("units")}
    assert api.get("namespaces", "airflow", "jobs", "load")["latestRun"]["state"] == "RUNNING"


def test_issue_2918_events_are_taken_in_batches(api: Api) -> None:
    api.sends(*layers(10, 3))
    assert api.get("jobs", limit=0)["totalCount"] == 30


def test_issue_2543_every_dataset_of_a_job_is_in_the_graph(api: Api) -> None:
    inputs, outputs = [f"in_{number}" for number in range(30)], [f"out_{number}" for number in range(5)]
    api.sends(complete("load", inputs, outputs))
    assert graph_of(api, "out_0") == {node(name) for name in [*inputs, "out_0"]} | {"job:airflow:load"}
    whole = {one["id"] for one in api.get("lineage", nodeId="job:airflow:load")["graph"]}
    assert whole == {node(name) for name in inputs + outputs} | {"job:airflow:load"}


def test_issue_2640_all_writers_of_a_dataset_are_shown(api: Api) -> None:
    api.sends(*(complete(f"writer_{number}", [f"source_{number}"], ["units"], seconds=number) for number in range(3)))
    expected = {node("units")} | {node(f"source_{n}") for n in range(3)} | {f"job:airflow:writer_{n}" for n in range(3)}
    assert graph_of(api, "units") == expected


def test_issue_2060_a_dataset_without_inputs_or_readers_has_a_graph(api: Api) -> None:
    api.sends(complete("ingest", [], ["raw"]), complete("mail", ["report"], []))
    assert graph_of(api, "raw") == {node("raw"), "job:airflow:ingest"}
    assert graph_of(api, "report") == {node("report"), "job:airflow:mail"}


def test_issue_1519_lineage_as_it_was_at_a_time(api: Api) -> None:
    api.sends(complete("load", ["before"], ["units"], seconds=0), complete("load", ["after"], ["units"], seconds=1000))
    assert graph_of(api, "units") == {node("units"), node("after"), "job:airflow:load"}
    assert graph_of(api, "units", asOf=at(500)) == {node("units"), node("before"), "job:airflow:load"}


def test_issue_3065_lineage_of_a_version(api: Api) -> None:
    def wrote(version: str) -> dict:
        return dataset("units", **facets(version={"datasetVersion": version}))

    api.sends(
        complete("load", ["before"], [wrote("1")], seconds=0), complete("load", ["after"], [wrote("2")], seconds=9)
    )
    for version, source in (("1", "before"), ("2", "after")):
        found = api.get("lineage", nodeId=f"{node('units')}#{version}")["graph"]
        assert {one["id"] for one in found} == {node("units"), node(source), "job:airflow:load"}


def test_issue_2733_the_version_that_was_read_is_kept(api: Api) -> None:
    version = "b1d626a2-6d3a-475e-9ecf-943176d4a8c6"
    run = run_id()
    api.sends(complete("load", [dataset("raw", **facets(version={"datasetVersion": version}))], ["units"], run=run))
    (read,) = api.get("jobs", "runs", run)["inputDatasetVersions"]
    assert read["datasetVersionId"] == {"namespace": NAMESPACE, "name": "raw", "version": version}
    found = api.get("namespaces", NAMESPACE, "datasets", "raw", "versions", version)
    shapes.check(found, shapes.DATASET_VERSION)


def test_issue_2738_a_late_symlink_merges(api: Api) -> None:
    api.sends(complete("load", ["raw"], ["units"], seconds=0))
    api.sends(complete("report", [dataset("hive.units", namespace="hive")], ["report"], seconds=1))
    assert node("report") not in graph_of(api, "units")
    told = {"identifiers": [{"namespace": NAMESPACE, "name": "units", "type": "TABLE"}]}
    api.sends(
        complete("report", [dataset("hive.units", namespace="hive", **facets(symlinks=told))], ["report"], seconds=2)
    )
    found = graph_of(api, "report")
    assert {node("raw"), "job:airflow:load", "job:airflow:report", node("report")} <= found
    assert api.get("namespaces", "hive", "datasets", "hive.units") == api.get(
        "namespaces", NAMESPACE, "datasets", "units"
    )


def test_issue_1746_output_facets_are_returned(api: Api) -> None:
    run = run_id()
    written = dataset("units") | {"outputFacets": facets(outputStatistics={"rowCount": 7})}
    api.sends(complete("load", ["raw"], [written], run=run))
    (told,) = api.get("jobs", "runs", run)["outputDatasetVersions"]
    assert told["facets"]["outputStatistics"]["rowCount"] == 7


def _plan(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_issue_2987_the_list_of_jobs_reads_along_an_index(api: Api) -> None:
    Job.objects.bulk_create(
        Job(
            namespace="many",
            name=f"job_{number:05}",
            first_seen=dt.datetime.now(dt.UTC),
            last_seen=dt.datetime.now(dt.UTC),
        )
        for number in range(6_000)
    )
    with CaptureQueriesContext(connection) as captured:
        page = api.get("namespaces", "many", "jobs", limit=25, offset=50)
    assert [job["name"] for job in page["jobs"]] == [f"job_{number:05}" for number in range(50, 75)]
    assert page["totalCount"] == 6_000
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_job")
    (listing,) = [one["sql"] for one in captured.captured_queries if "LIMIT 25" in one["sql"]]
    plan = _plan(listing)
    assert "Index Scan" in plan and "Seq Scan" not in plan, plan


def _many_runs(api: Api) -> None:
    """A job that ran 5,001 times, and another that has run as often since."""
    api.sends(complete("load", ["raw"], ["units"]), complete("mail", ["raw"], ["letters"]))
    for job, day in ((Job.objects.get(name="load"), 2), (Job.objects.get(name="mail"), 9)):
        first = Run.objects.get(job=job)
        began = dt.datetime(2026, 11, day, tzinfo=dt.UTC)
        times = [began + dt.timedelta(minutes=number) for number in range(5_000)]
        Run.objects.bulk_create(
            Run(id=run_id(), job=job, first_at=time, first_digest=first.first_digest, last_at=time, started_at=time,
                ended_at=time, ended_state="completed", completed_at=time, version=first.version)
            for time in times
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_run")


def _rows_read(table: str) -> int:
    """Rows of a table that this session has read, by scans of it and through its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = %s",
            [table],
        )
        return int(cursor.fetchone()[0])


def test_issue_2684_the_list_of_versions_reads_no_run_twice(api: Api) -> None:
    _many_runs(api)
    before = _rows_read("lineage_run")
    assert api.get("namespaces", "airflow", "jobs", "load", "versions")["totalCount"] == 1
    assert _rows_read("lineage_run") - before < 50


def test_issue_2686_the_list_of_runs_reads_its_page(api: Api) -> None:
    _many_runs(api)
    with CaptureQueriesContext(connection) as captured:
        page = api.get("namespaces", "airflow", "jobs", "load", "runs", limit=10)
    assert len(page["runs"]) == 10 and page["totalCount"] == 5_001
    (listing,) = [
        one["sql"] for one in captured.captured_queries if "LIMIT 10" in one["sql"] and "COUNT" not in one["sql"]
    ]
    plan = _plan(listing)
    assert "run_by_job" in plan and "Sort" not in plan, plan


@pytest.mark.parametrize("address", ["namespaces", "jobs", "events/lineage", "lineage?nodeId=job:a:b", "search?q=a"])
def test_issue_1137_nothing_is_read_without_signing_in(client: Client, address: str) -> None:
    answer = client.get(f"/api/v1/{address}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_issue_817_nothing_is_written_without_a_token(client: Client) -> None:
    event = json.dumps(complete("load", ["raw"], ["units"]))
    assert client.post("/api/v1/lineage", event, "application/json").status_code == 401
    assert client.put("/api/v1/namespaces/a", '{"ownerName": "me"}', "application/json").status_code == 401
    assert client.delete("/api/v1/namespaces/a").status_code == 401
    assert not Event.objects.exists()


def test_issue_2208_a_token_that_may_write_may_not_read(client: Client) -> None:
    answer = client.get("/api/v1/namespaces", headers=bearer(pipeline(), "lineage:write"))
    assert answer.status_code == 403
    assert "lineage:read" in answer.json()["detail"]


def test_issue_2014_a_graph_is_as_near_as_it_is_asked_for_and_one_way(api: Api) -> None:
    api.sends(*layers(10, 8))
    near = graph_of(api, "t_4_0", depth=1)
    assert near == {
        node("t_4_0"), "job:airflow:job_3_0", *(node(f"t_3_{n}") for n in range(3)),
        *(f"job:airflow:job_4_{n}" for n in (0, 9, 8)), *(node(f"t_5_{n}") for n in (0, 9, 8)),
    }  # fmt: skip
    assert not {node("t_4_1"), node("t_4_9")} & graph_of(api, "t_4_0")


def test_issue_2708_duplicates_change_nothing(api: Api) -> None:
    events = layers(5, 3)
    api.sends(*events)
    once = api.get("lineage", nodeId=node("t_1_0")), api.get("events", "lineage")["totalCount"]
    api.sends(*events)
    api.sends(*events, *events)
    assert (api.get("lineage", nodeId=node("t_1_0")), api.get("events", "lineage")["totalCount"]) == once


def test_issue_2122_complete_without_its_parent_is_the_same_job(api: Api) -> None:
    run, parent = run_id(), run_id()
    told = facets(parent={"run": {"runId": parent}, "job": {"namespace": "airflow", "name": "dag"}})
    events = [
        run_event("START", job="dag.load", run=run, seconds=0, run_facets=told),
        run_event("COMPLETE", job="dag.load", run=run, seconds=9, outputs=["units"]),
    ]
    api.sends(*events)
    assert [job["name"] for job in api.get("jobs")["jobs"] if "load" in job["name"]] == ["dag.load"]
    assert api.get("jobs", "runs", run)["state"] == "COMPLETED"


def test_issue_1271_what_repeats_is_kept_once(api: Api) -> None:
    wide = facets(schema={"fields": [{"name": f"column_{n}", "type": "text"} for n in range(200)]})
    api.sends(complete("load", ["raw"], [dataset("units", **wide)], seconds=0))
    contents, edges = Content.objects.count(), DatasetEdge.objects.count()
    api.sends(*(complete("load", ["raw"], [dataset("units", **wide)], seconds=number) for number in range(1, 50)))
    assert (Content.objects.count(), DatasetEdge.objects.count()) == (contents, edges)
    assert SchemaObservation.objects.filter(content__value__has_key="fields").values("content").distinct().count() == 1


def test_issue_2676_a_columns_lineage_is_kept_once_however_many_runs_tell_it(api: Api) -> None:
    told: dict[str, dict] = {"fields": {}}
    for number in range(20):
        told["fields"] |= column_lineage(f"c{number}", "raw", f"c{number}", type="DIRECT", subtype="IDENTITY")["fields"]
    wide = dataset("units", fields=[f"c{number}" for number in range(20)], columnLineage=told)
    api.sends(*(complete("load", ["raw"], [wide], seconds=number) for number in range(60)))
    assert ColumnEdge.objects.count() == 20
    assert len(columns_of(api, "units")) == 20


def test_whatever_the_order_of_events_the_api_answers_the_same(api: Api) -> None:
    run = run_id()
    events = [
        run_event("START", job="load", run=run, seconds=0, inputs=["raw"]),
        run_event("RUNNING", job="load", run=run, seconds=4, outputs=[TRANSFORMED]),
        run_event("COMPLETE", job="load", run=run, seconds=9),
    ]
    found = []
    for order in permutations(events):
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT before_order")
        for event in order:
            api.sends(event)
        job = api.get("namespaces", "airflow", "jobs", "load")
        found.append((job["latestRun"]["state"], job["inputs"], job["outputs"], sorted(graph_of(api, "units"))))
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK TO SAVEPOINT before_order")
    assert len(found) == 6 and all(one == found[0] for one in found)


def test_issue_1973_owners_and_followers_are_told_of_schema_changes_and_failures(api: Api) -> None:
    owner, follower = person("olga"), person("felix")

    def sentences(one: Principal) -> list[str]:
        look_at_all()
        deliver_pending()
        rows = Notification.objects.filter(receiver=one).select_related("record__actor").order_by("pk")
        return [line.sentence for line in lines_of(one, rows)]

    api.sends(complete("load", [], [dataset("units", fields=["id"])]))
    units = Dataset.objects.get(name="units")
    ownership(units, owner)
    assign_perm("read_dataset_metadata", follower.user, units)
    follow(dataset=units, by=follower)
    api.sends(complete("load", [], [dataset("units", fields=["id", "email"])], seconds=60))
    api.sends(run_event("FAIL", job="load", outputs=["units"], seconds=90))
    for one in (owner, follower):
        assert sentences(one) == [
            "A pipeline changed the schema of units.",
            "The job load, which writes units, failed.",
        ]
