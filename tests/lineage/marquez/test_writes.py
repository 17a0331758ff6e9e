"""Writes become events in the log; what comes back is what was sent, merged into what is known."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.test import Client

from accounts.tokens import mint
from catalog.models import Dataset, Proposal, TagAssignment
from lineage.draining import drain
from lineage.models import Event, Job, MarquezNote, Run
from tests import factories
from tests.factories import bearer, personas, pipeline
from tests.lineage.events import NAMESPACE, run_event, run_id
from tests.lineage.marquez import shapes, world
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import JOB, RAW, SECOND, UNITS

pytestmark = pytest.mark.django_db

DATASET = {
    "type": "DB_TABLE",
    "physicalName": "orders",
    "sourceName": "lake",
    "fields": [{"name": "id", "type": "INT"}],
}
SOURCE = {"type": "POSTGRESQL", "connectionUrl": "postgres://db:5432/x"}
JOB_BODY = {"type": "BATCH", "inputs": [], "outputs": [{"namespace": "lake", "name": "orders"}]}


def _bodies() -> list[dict]:
    return [json.loads(body) for body in Event.objects.order_by("id").values_list("body", flat=True)]


def test_each_write_is_an_event_of_openlineage(api: Api) -> None:
    api.put("namespaces", "lake", "datasets", "orders", body=DATASET)
    api.put("namespaces", "lake", "jobs", "load", body=JOB_BODY)
    run = api.post("namespaces", "lake", "jobs", "load", "runs")
    api.post("jobs", "runs", run["id"], "start")
    drain()
    api.delete("namespaces", "lake", "jobs", "load")
    api.delete("namespaces", "lake", "datasets", "orders")
    kinds = [next(kind for kind in ("run", "dataset", "job") if kind in body) for body in _bodies()]
    assert kinds == ["dataset", "job", "run", "run", "job", "dataset"]
    assert all(body["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/") for body in _bodies())


def test_the_answer_to_a_new_dataset_is_what_was_sent(api: Api) -> None:
    sent = api.put("namespaces", "lake", "datasets", "orders", body=DATASET | {"description": "All.", "tags": ["GOLD"]})
    shapes.check(sent, shapes.DATASET)
    assert (sent["physicalName"], sent["sourceName"], sent["description"]) == ("orders", "lake", "All.")
    assert (sent["tags"], [field["name"] for field in sent["fields"]]) == (["GOLD"], ["id"])
    drain()
    read = api.get("namespaces", "lake", "datasets", "orders")
    assert (read["description"], read["tags"], read["fields"]) == ("All.", ["GOLD"], sent["fields"])


def test_a_stream_is_a_stream(api: Api) -> None:
    body = {"type": "STREAM", "physicalName": "t", "sourceName": "kafka", "fields": [], "schemaLocation": "http://x/1"}
    assert api.put("namespaces", "kafka://k:9", "datasets", "t", body=body)["type"] == "STREAM"
    drain()
    assert api.get("namespaces", "kafka://k:9", "datasets", "t")["type"] == "STREAM"


def test_a_dataset_that_a_run_wrote_is_the_runs_output(api: Api) -> None:
    run = api.post("namespaces", "lake", "jobs", "load", "runs")
    api.put("namespaces", "lake", "datasets", "orders", body=DATASET | {"runId": run["id"]})
    drain()
    (written,) = api.get("jobs", "runs", run["id"])["outputDatasetVersions"]
    assert written["datasetVersionId"]["name"] == "orders"


@pytest.mark.parametrize(
    ("action", "state"), [("complete", "COMPLETED"), ("fail", "FAILED"), ("abort", "ABORTED"), ("start", "RUNNING")]
)
def test_a_run_goes_through_its_states_before_anything_is_folded(api: Api, action: str, state: str) -> None:
    run = api.post("namespaces", "airflow", "jobs", "load", "runs", body={"id": str(uuid4())})
    shapes.check(run, shapes.RUN)
    api.post("jobs", "runs", run["id"], "start", at="2026-11-01T00:00:00Z")
    marked = api.post("jobs", "runs", run["id"], action, at="2026-11-01T00:00:09Z")
    assert (marked["id"], marked["state"]) == (run["id"], state)
    drain()
    assert api.get("jobs", "runs", run["id"])["state"] == state
    assert Run.objects.get().job.name == "load"


def test_a_created_run_is_new_until_it_starts(api: Api) -> None:
    run = api.post("namespaces", "airflow", "jobs", "load", "runs")
    drain()
    assert api.get("jobs", "runs", run["id"])["state"] == "NEW"
    api.post("jobs", "runs", run["id"], "start")
    drain()
    read = api.get("jobs", "runs", run["id"])
    assert (read["state"], read["facets"]) == ("RUNNING", {})


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-11-01T00:00:00", "2026-11-01T00:00:00.000000Z"), ("2026-11-01", "2026-11-01T00:00:00.000000Z"),
        ("2026-11-01T02:00:00+02:00", "2026-11-01T00:00:00.000000Z"), ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("0001-01-01T00:00:00+14:00", None), ("at night", None),
    ],
)  # fmt: skip
def test_a_nominal_time_is_a_time_in_the_answer_and_afterwards(api: Api, told: str, shown: str | None) -> None:
    run = api.post("namespaces", "airflow", "jobs", "load", "runs", body={"nominalStartTime": told})
    shapes.check(run, shapes.RUN)
    drain()
    read = api.get("jobs", "runs", run["id"])
    shapes.check(read, shapes.RUN)
    assert run.get("nominalStartTime") == read.get("nominalStartTime") == shown


def test_marking_a_run_that_nobody_knows_is_404(api: Api) -> None:
    assert api.send("POST", "jobs", "runs", str(uuid4()), "complete").status_code == 404
    assert api.send("POST", "jobs", "runs", "seven", "complete").status_code == 422
    assert not Event.objects.exists()


def test_deleted_is_deleted_until_it_is_told_of_again(api: Api) -> None:
    api.sends(*world.events())
    gone = api.delete("namespaces", "airflow", "jobs", JOB)
    shapes.check(gone, shapes.JOB)
    dropped = api.delete("namespaces", NAMESPACE, "datasets", RAW)
    assert dropped["deleted"] is True
    drain()
    assert api.send("GET", "namespaces", "airflow", "jobs", JOB).status_code == 404
    assert JOB not in [job["name"] for job in api.get("jobs")["jobs"]]
    assert api.get("namespaces", NAMESPACE, "datasets", RAW)["deleted"] is True
    assert RAW not in [one["name"] for one in api.get("namespaces", NAMESPACE, "datasets")["datasets"]]
    later = run_event("COMPLETE", job=JOB, run=run_id(), seconds=40_000_000, outputs=[RAW])
    api.sends(later)
    assert api.get("namespaces", "airflow", "jobs", JOB)["name"] == JOB
    assert api.get("namespaces", NAMESPACE, "datasets", RAW)["deleted"] is False


def test_a_namespace_goes_with_all_that_is_in_it(api: Api) -> None:
    api.sends(*world.events())
    assert api.delete("namespaces", "airflow")["isHidden"] is True
    drain()
    assert api.get("jobs")["totalCount"] == 0
    assert api.send("GET", "namespaces", "airflow").status_code == 404
    assert api.get("namespaces", NAMESPACE, "datasets")["totalCount"] == 3
    api.delete("namespaces", NAMESPACE)
    drain()
    assert api.get("namespaces") == {"namespaces": []}


def test_a_curators_tag_is_the_catalogs_at_once(api: Api) -> None:
    api.sends(*world.events())
    api.put("tags", "SENSITIVE", body={"description": "Look away."})
    tagged = api.post("namespaces", NAMESPACE, "datasets", UNITS, "tags", "SENSITIVE")
    shapes.check(tagged, shapes.DATASET)
    assert tagged["tags"] == ["SENSITIVE", "gold"]
    field = api.post("namespaces", NAMESPACE, "datasets", UNITS, "fields", "id", "tags", "SENSITIVE")
    assert field["fields"][0]["tags"] == ["SENSITIVE"]
    assert TagAssignment.objects.filter(tag__name="SENSITIVE", asserted_by=api.principal, valid_to=None).count() == 2
    api.delete("namespaces", NAMESPACE, "datasets", UNITS, "fields", "id", "tags", "SENSITIVE")
    assert api.delete("namespaces", NAMESPACE, "datasets", UNITS, "tags", "SENSITIVE")["tags"] == ["gold"]
    assert not TagAssignment.objects.filter(tag__name="SENSITIVE", valid_to=None).exists()
    missing = api.send("POST", "namespaces", NAMESPACE, "datasets", UNITS, "fields", "nothing", "tags", "SENSITIVE")
    assert missing.status_code == 404


def test_a_pipelines_tag_is_what_a_pipeline_says(api: Api) -> None:
    api.sends(*world.events())
    sender = Api(pipeline("nightly"))
    assert "BRONZE" in sender.post("namespaces", NAMESPACE, "datasets", UNITS, "tags", "BRONZE")["tags"]
    drain()
    assert api.get("namespaces", NAMESPACE, "datasets", UNITS)["tags"] == ["BRONZE", "gold"]
    sender.delete("namespaces", NAMESPACE, "datasets", UNITS, "tags", "BRONZE")
    drain()
    assert api.get("namespaces", NAMESPACE, "datasets", UNITS)["tags"] == ["gold"]


def test_a_pipeline_only_proposes_tags_of_what_people_govern(db: None) -> None:
    cast = personas()
    dataset = cast.dataset
    sender = Api(pipeline("nightly"))
    sender.post("namespaces", dataset.namespace, "datasets", dataset.qualified_name, "tags", "BRONZE")
    drain()
    assert not TagAssignment.objects.exists()
    assert Proposal.objects.get(dataset=dataset).payload["tag"] == "BRONZE"


def test_a_job_is_tagged_by_its_facet(api: Api) -> None:
    api.sends(*world.events())
    assert api.post("namespaces", "airflow", "jobs", JOB, "tags", "slow")["tags"] == ["nightly", "slow"]
    drain()
    assert api.get("namespaces", "airflow", "jobs", JOB)["tags"] == ["nightly", "slow"]
    assert api.delete("namespaces", "airflow", "jobs", JOB, "tags", "slow")["tags"] == ["nightly"]


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("PUT", "namespaces/a"), ("PUT", "namespaces/a/datasets/b"), ("PUT", "namespaces/a/jobs/b"), ("PUT", "sources/a"),
        ("PUT", "tags/a"), ("POST", "namespaces/a/jobs/b/runs"), ("POST", "lineage"),
    ],
)  # fmt: skip
def test_malformed_json_is_400(api: Api, method: str, address: str) -> None:
    answer = api.send(method, *address.split("/"), body=b'{"type": ')
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("address", "body", "member"),
    [
        ("namespaces/a", {}, ""), ("namespaces/a", {"ownerName": 5}, "ownerName"), ("sources/a", {"type": "X"}, ""),
        ("namespaces/a/datasets/b", {"type": "VIEW"}, "type"),
        ("namespaces/a/datasets/b", {"type": "STREAM", "fields": [{"type": "INT"}]}, "fields[0]"),
        ("namespaces/a/jobs/b", {"type": "BATCH", "inputs": [{"name": "c"}]}, "inputs[0]"),
        ("namespaces/a/jobs/b", {"type": "BATCH", "runId": "7"}, "id"),
    ],
)  # fmt: skip
def test_another_shape_is_422_and_named(api: Api, address: str, body: dict, member: str) -> None:
    answer = api.send("PUT", *address.split("/"), body=body)
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["errors"]) == [member]
    assert not Event.objects.exists()


def test_a_token_speaks_of_its_namespaces_only(db: None) -> None:
    sender = pipeline("nightly")
    issued = mint(principal=sender, name="t", scopes=["lineage:write"], namespaces=["lake"], by=sender)
    headers = {"Authorization": f"Bearer {issued.text}"}

    def put(address: str, body: dict) -> int:
        answer = Client().put(f"/api/v1/{address}", json.dumps(body), "application/json", headers=headers)
        return answer.status_code

    assert put("namespaces/lake", {"ownerName": "me"}) == 200
    assert put("namespaces/lake/datasets/a", DATASET) == 200
    assert put("namespaces/other", {"ownerName": "me"}) == 403
    assert put("namespaces/other/datasets/a", DATASET) == 403
    assert put("sources/lake", SOURCE) == 200
    assert put("sources/other", SOURCE) == 403
    assert put("tags/SENSITIVE", {"description": "Whatever I like."}) == 403
    foreign = JOB_BODY | {"inputs": [{"namespace": "other", "name": "a"}]}
    assert put("namespaces/lake/jobs/a", foreign) in (403, 422)
    assert Event.objects.count() == 1
    noted = MarquezNote.objects.order_by("kind", "name").values_list("kind", "name")
    assert list(noted) == [("namespace", "lake"), ("source", "lake")]


def test_secrets_in_addresses_are_not_kept(api: Api) -> None:
    body = {"type": "POSTGRESQL", "connectionUrl": "postgres://me:canary-42@db/x"}
    assert "canary" not in json.dumps(api.put("sources", "lake", body=body))
    assert "canary" not in json.dumps(api.get("sources"))


def test_a_session_writes_nothing(client: Client, db: None) -> None:
    client.force_login(factories.person("ada", administrator=True).user)
    assert client.put("/api/v1/namespaces/a", "{}", "application/json").status_code == 401
    assert client.delete(f"/api/v1/jobs/runs/{SECOND}").status_code == 405
    headers = bearer(factories.person(), "lineage:read")
    assert client.put("/api/v1/namespaces/a", "{}", "application/json", headers=headers).status_code == 403


def test_deleting_what_one_may_not_see_is_404(db: None) -> None:
    secret = factories.domain("Payroll", open_tier=0)
    hidden = factories.dataset("salaries", domain=secret)
    sender = Api(pipeline("nightly"))
    answer = sender.send("DELETE", "namespaces", hidden.namespace, "datasets", hidden.qualified_name)
    assert answer.status_code == 404
    assert not Event.objects.exists()
    assert Dataset.objects.get(pk=hidden.pk).gone_since is None


def test_a_job_without_runs_shows_its_latest_declaration(api: Api) -> None:
    api.put("namespaces", "lake", "jobs", "load", body=JOB_BODY)
    drain()
    other = JOB_BODY | {"outputs": [{"namespace": "lake", "name": "totals"}]}
    assert api.put("namespaces", "lake", "jobs", "load", body=other)["outputs"] == other["outputs"]
    drain()
    assert api.get("namespaces", "lake", "jobs", "load")["outputs"] == other["outputs"]
    assert Job.objects.get().latest_state == ""
