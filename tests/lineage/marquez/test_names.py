"""Names with slashes, colons, percent signs and letters of any script survive paths, node ids and answers."""

from __future__ import annotations

import pytest

from tests.lineage.events import dataset, run_event, run_id
from tests.lineage.marquez.conftest import Api

pytestmark = pytest.mark.django_db

HARD = [
    ("gs://lake", "raw/orders/2026"), ("s3://bucket/datasets", "a"), ("lake", "a/versions"),
    ("lake", "a/tags/b"), ("lake", "folder/"), ("lake", "100%"), ("lake", "100%25"), ("lake", "a b+c"), ("lake", "注文:売上#1"),
    ("a:b", "c:d"), ("lake", "name?with=query&more"), ("jobs/jobs", "jobs/runs"), ("lake", "#"), ("lake", "é"),
]  # fmt: skip


@pytest.mark.parametrize(("namespace", "name"), HARD)
def test_a_dataset_is_found_by_its_name_whatever_is_in_it(api: Api, namespace: str, name: str) -> None:
    others = [dataset(other, namespace=where) for where, other in HARD]
    own = dataset(name, namespace=namespace, fields=["id"])
    api.sends(run_event("COMPLETE", job="load", run=run_id(), inputs=others, outputs=[own]))
    found = api.get("namespaces", namespace, "datasets", name)
    assert found["id"] == {"namespace": namespace, "name": name}
    assert name in [one["name"] for one in api.get("namespaces", namespace, "datasets")["datasets"]]
    versions = api.get("namespaces", namespace, "datasets", name, "versions")["versions"]
    assert [one["id"]["name"] for one in versions] == [name]
    graph = api.get("lineage", nodeId=f"dataset:{namespace}:{name}", depth=1)["graph"]
    assert f"dataset:{namespace}:{name}" in [node["id"] for node in graph]


@pytest.mark.parametrize(("namespace", "name"), HARD)
def test_a_job_is_found_by_its_name_whatever_is_in_it(api: Api, namespace: str, name: str) -> None:
    run = run_id()
    api.sends(run_event("COMPLETE", job=name, namespace=namespace, run=run, outputs=["units"]))
    assert api.get("namespaces", namespace, "jobs", name)["name"] == name
    assert [one["id"] for one in api.get("namespaces", namespace, "jobs", name, "runs")["runs"]] == [run]
    (node,) = [one for one in api.get("lineage", nodeId=f"job:{namespace}:{name}")["graph"] if one["type"] == "JOB"]
    assert node["id"] == f"job:{namespace}:{name}"


@pytest.mark.parametrize(("namespace", "name"), HARD)
def test_a_name_is_written_as_it_is_sent(api: Api, namespace: str, name: str) -> None:
    if (namespace, name) in (("s3://bucket/datasets", "a"), ("jobs/jobs", "jobs/runs")):
        # Of a namespace that has such a part, the server must have heard.
        api.put("namespaces", namespace, body={"ownerName": "me"})
    body = {"type": "DB_TABLE", "physicalName": name, "sourceName": "lake", "fields": []}
    sent = api.put("namespaces", namespace, "datasets", name, body=body)
    assert sent["id"] == {"namespace": namespace, "name": name}


def test_of_two_meanings_that_are_known_the_versions_are_meant(api: Api) -> None:
    both = [dataset("a", namespace="lake", fields=["id"]), dataset("a/versions", namespace="lake", fields=["id"])]
    api.sends(run_event("COMPLETE", job="load", run=run_id(), outputs=both))
    assert "versions" in api.get("namespaces", "lake", "datasets", "a", "versions")
