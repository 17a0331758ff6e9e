"""What Marquez's web UI and its Java client read without asking whether it is there: one that is missing, or of another
kind, breaks a page or a whole answer."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Dataset, Tier
from catalog.snapshots import DatasetKind
from lineage.marquez.finding import period_of
from lineage.view_lineage import derive_views
from tests.factories import bearer, dataset, domain, person, source
from tests.lineage import events as say
from tests.lineage.events import NAMESPACE, dataset_event, job_event, run_event
from tests.lineage.marquez import shapes
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import facets

pytestmark = pytest.mark.django_db


def test_a_job_that_never_ran_has_no_list_of_runs(api: Api) -> None:
    api.sends(job_event(job="planned", inputs=["raw"], outputs=["units"]))
    (listed,) = api.get("jobs")["jobs"]
    one = api.get("namespaces", "airflow", "jobs", "planned")
    graph = api.get("lineage", nodeId="job:airflow:planned")["graph"]
    (drawn,) = [node["data"] for node in graph if node["type"] == "JOB"]
    assert listed == one
    assert not {"latestRun", "latestRuns"} & (one.keys() | drawn.keys())


def test_the_list_of_events_is_of_runs(api: Api) -> None:
    api.sends(
        run_event("COMPLETE", job="load", seconds=1, outputs=["units"]),
        run_event("START", job="other", namespace="dbt/prod", seconds=2),
        job_event(job="load", seconds=3),
        dataset_event(say.dataset("units", **facets(documentation={"description": "Units."})), seconds=4),
    )
    listed = api.get("events", "lineage")
    assert [one["job"]["name"] for one in listed["events"]] == ["other", "load"]
    assert all(one["run"]["runId"] for one in listed["events"])
    assert listed["totalCount"] == 2
    assert api.get("events")["totalCount"] == 4
    of_one = api.get("events", "dbt/prod")
    assert [one["job"]["name"] for one in of_one["events"]] == ["other"]
    assert of_one["totalCount"] == 1


def found(*, passed: bool) -> dict[str, Any]:
    test = {"assertion": "unique", "column": "id", "success": passed, "actual": "4815"}
    return facets(dataQualityAssertions={"assertions": [test]})


def test_what_the_latest_run_found_in_a_dataset_stands_among_its_facets(api: Api) -> None:
    units = say.dataset("units", fields=["id"])
    api.sends(
        run_event("COMPLETE", job="load", seconds=1, outputs=[units | {"outputFacets": found(passed=False)}]),
        run_event("COMPLETE", job="test", seconds=2, inputs=[units | {"inputFacets": found(passed=False)}]),
        run_event("COMPLETE", job="test", seconds=3, inputs=[units | {"inputFacets": found(passed=True)}]),
    )
    of = ("namespaces", NAMESPACE, "datasets")
    (listed,) = api.get(*of)["datasets"]
    one = api.get(*of, "units")
    (version,) = api.get(*of, "units", "versions")["versions"]
    assert one["facets"]["dataQualityAssertions"] == found(passed=True)["dataQualityAssertions"]
    assert listed["facets"] == one["facets"] == version["facets"]


def test_values_that_a_test_found_are_for_the_third_tier(api: Api) -> None:
    units = dataset("units", domain=domain("Teaching", open_tier=Tier.METADATA))
    told = say.dataset(units.qualified_name, namespace=units.namespace) | {"inputFacets": found(passed=False)}
    api.sends(run_event("COMPLETE", job="test", inputs=[told]))
    of = ("namespaces", units.namespace, "datasets", units.qualified_name)
    assert "dataQualityAssertions" in api.get(*of)["facets"]
    assert "dataQualityAssertions" not in Api(person("ana")).get(*of)["facets"]


def test_a_view_is_a_job_with_times(api: Api) -> None:
    people = dataset("people", source=source("warehouse"))
    view = dataset("contacts", source=people.source, kind=DatasetKind.VIEW)
    Dataset.objects.filter(pk=view.pk).update(definition="SELECT id FROM people")
    assert derive_views([view.pk]) == 1
    graph = api.get("lineage", nodeId=f"dataset:{view.namespace}:{view.qualified_name}")["graph"]
    (drawn,) = [node["data"] for node in graph if node["type"] == "JOB"]
    shapes.check(drawn, shapes.JOB)
    one = api.get("namespaces", drawn["namespace"], "jobs", drawn["name"])
    shapes.check(one, shapes.JOB)
    assert (one["createdAt"], one["updatedAt"]) == (drawn["createdAt"], drawn["updatedAt"])


def test_an_anonymous_node_has_times_that_tell_nothing(api: Api) -> None:
    secret = dataset("salaries", domain=domain("Payroll", open_tier=Tier.NONE))
    report = dataset("report", domain=domain("Teaching", open_tier=Tier.METADATA))
    named = [say.dataset(one.qualified_name, namespace=one.namespace) for one in (secret, report)]
    api.sends(run_event("COMPLETE", job="pay", inputs=named[:1], outputs=named[1:]))
    graph = Api(person("ana")).get("lineage", nodeId=f"dataset:{report.namespace}:{report.qualified_name}")["graph"]
    (hidden,) = [node["data"] for node in graph if node["id"] == "dataset:hidden:1"]
    needed = ("id", "type", "name", "physicalName", "namespace", "sourceName", "fields", "tags")
    assert hidden.keys() >= set(needed)
    assert hidden["createdAt"] == hidden["updatedAt"] == "1970-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("told", "shown"),
    [("https://example.org/load.py", "https://example.org/load.py"), ("git@example.org:load.git", None),
     ("javascript:alert(1)", None), ("", None)],
)  # fmt: skip
def test_a_location_can_be_followed(api: Api, told: str, shown: str | None) -> None:
    given = facets(sourceCodeLocation={"type": "git", "url": told})
    api.sends(run_event("COMPLETE", job="load", outputs=["units"], job_facets=given))
    job = api.get("namespaces", "airflow", "jobs", "load")
    (version,) = api.get("namespaces", "airflow", "jobs", "load", "versions")["versions"]
    assert (job.get("location"), version.get("location")) == (shown, shown)
    assert job["facets"]["sourceCodeLocation"]["url"] == told
    body = {"type": "BATCH", "inputs": [], "outputs": [], "location": told}
    assert api.put("namespaces", "airflow", "jobs", "other", body=body).get("location") == shown


def test_the_address_of_a_source_is_a_url(api: Api) -> None:
    api.sends(run_event("COMPLETE", job="load", outputs=[say.dataset("units", namespace="the lake|50%:ü")]))
    (lake,) = api.get("sources")["sources"]
    assert (lake["name"], lake["connectionUrl"]) == ("the lake|50%:ü", "the%20lake%7C50%25:%C3%BC")


def test_a_plus_in_a_node_id_that_nobody_encoded_is_a_plus(api: Api) -> None:
    written = [say.dataset(name) for name in ("a+b c", "x y")]
    api.sends(run_event("COMPLETE", job="load", outputs=written))
    headers = bearer(api.principal, "lineage:read")
    for sent, name in (("a+b%20c", "a+b c"), ("x+y", "x y"), ("x%20y", "x y")):
        node_id = f"nodeId=dataset:{NAMESPACE}:{sent}"
        graph = Client().get(f"/api/v1/lineage?{node_id}", headers=headers).json()["graph"]
        assert f"dataset:{NAMESPACE}:{name}" in [node["id"] for node in graph]
        assert Client().get(f"/api/v1/column-lineage?{node_id}", headers=headers).status_code == 200


def test_a_day_is_told_by_its_date_wherever_the_reader_is() -> None:
    now = dt.datetime(2026, 10, 5, 22, 30, tzinfo=dt.UTC)
    # In Melbourne it is the sixth, and the fourth had 23 hours.
    week = period_of("WEEK", ZoneInfo("Australia/Melbourne"), now)
    dates = [start.date().day for start, _ in week.intervals]
    assert dates == [30, 1, 2, 3, 4, 5, 6]
    assert {start.time() for interval in week.intervals for start in interval} == {dt.time()}
    assert week.starts[-1] == dt.datetime(2026, 10, 5, 13, tzinfo=dt.UTC)
    assert week.starts[-2] - week.starts[-3] == dt.timedelta(hours=23)
    assert [week.place(at) for at in (week.starts[0], now, week.end)] == [0, 6, 7]
    day = period_of("DAY", ZoneInfo("Australia/Melbourne"), now)
    assert [start for start, _ in day.intervals] == list(day.starts)


@pytest.mark.parametrize("what", ["lineage-events", "jobs", "datasets", "sources"])
def test_a_week_ends_with_the_day_of_the_reader(api: Api, what: str) -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    dates = {timezone.now().astimezone(zone).date()}
    last = api.get("stats", what, period="WEEK", timezone=zone.key)[-1]
    dates.add(timezone.now().astimezone(zone).date())
    assert last["startInterval"] in {f"{date}T00:00:00.000000Z" for date in dates}


def test_a_refusal_tells_its_code_and_message(api: Api) -> None:
    told = api.send("GET", "namespaces", "lake", "datasets", "nothing").json()
    assert told["code"] == told["status"] == 404
    assert told["message"] == told["detail"] != ""
    bad = api.send("PUT", "namespaces", "lake", body={}).json()
    assert (bad["code"], bad["type"]) == (422, "urn:catalog:problem:invalid")
    assert "owner" in bad["details"]
