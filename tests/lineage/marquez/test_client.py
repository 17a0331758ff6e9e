"""Marquez's own Python client against the real web server."""

from __future__ import annotations

import warnings

import pytest
from marquez_client import MarquezClient
from marquez_client.errors import APIError
from marquez_client.models import DatasetId, DatasetType, JobType

from lineage.draining import drain
from tests.factories import bearer, person
from tests.lineage.marquez import shapes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

SOURCE, DATASET, JOB = "gs://lake/raw", "orders/2026 50% #1:ü", "nightly/load.orders"


@pytest.fixture
def client(server: str) -> MarquezClient:
    header = bearer(person("ada", administrator=True), "lineage:read", "lineage:write")
    # The client keeps its headers in a module, so a key of one test would be another's.
    return MarquezClient(url=server, api_key=header["Authorization"].removeprefix("Bearer "), timeout_ms=30_000)


def test_what_the_client_creates_it_reads_again(client: MarquezClient) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _create_and_read(client)


def _create_and_read(client: MarquezClient) -> None:
    namespace = client.create_namespace(SOURCE, "me", "The lake.")
    shapes.check(namespace, shapes.NAMESPACE)
    assert (namespace["ownerName"], namespace["description"]) == ("me", "The lake.")
    assert client.get_namespace(SOURCE) == namespace
    assert client.list_namespaces()["namespaces"] == [namespace]
    source = client.create_source("lake", "postgresql", "jdbc:postgresql://lake:5432/raw")
    shapes.check(source, shapes.SOURCE)
    assert client.get_source("lake") == source
    assert client.list_sources()["sources"] == [source]

    fields = [{"name": "id", "type": "INTEGER", "tags": ["KEY"]}, {"name": "total", "type": "DECIMAL"}]
    made = client.create_dataset(
        SOURCE, DATASET, DatasetType.DB_TABLE, "orders", "lake", description="Orders.", fields=fields, tags=["GOLD"]
    )
    shapes.check(made, shapes.DATASET)
    assert (made["description"], made["tags"], made["sourceName"]) == ("Orders.", ["GOLD"], "lake")
    assert made["physicalName"] == "orders"
    out = DatasetId(SOURCE, "totals")
    job = client.create_job(
        SOURCE, JOB, JobType.BATCH, location="https://example.org/load.py", inputs=[DatasetId(SOURCE, DATASET)],
        outputs=[out], description="Adds up.", context={"sql": "SELECT 1"},
    )  # fmt: skip
    shapes.check(job, shapes.JOB)
    drain()

    known = client.get_dataset(SOURCE, DATASET)
    shapes.check(known, shapes.DATASET)
    assert [field["name"] for field in known["fields"]] == ["id", "total"]
    assert (known["description"], known["physicalName"]) == ("Orders.", "orders")
    assert not [name for name in (known["facets"] | made["facets"]) if name.startswith("catalog")]
    assert client.list_datasets(SOURCE)["totalCount"] == 2
    versions = client.list_dataset_versions(SOURCE, DATASET)["versions"]
    assert client.get_dataset_version(SOURCE, DATASET, versions[0]["version"]) == versions[0]
    stored = client.get_job(SOURCE, JOB)
    shapes.check(stored, shapes.JOB)
    assert stored["inputs"] == [{"namespace": SOURCE, "name": DATASET}]
    assert stored["outputs"] == [{"namespace": SOURCE, "name": "totals"}]
    assert stored["location"] == "https://example.org/load.py"
    assert [one["name"] for one in client.list_jobs(SOURCE)["jobs"]] == [JOB]

    run = client.create_job_run(SOURCE, JOB, run_args={"day": "monday"}, nominal_start_time="2026-11-01T00:00:00Z")
    shapes.check(run, shapes.RUN)
    assert (run["state"], run["args"]) == ("NEW", {"day": "monday"})
    started = client.mark_job_run_as_started(run["id"], at="2026-11-01T01:00:00Z")
    assert started["state"] == "RUNNING"
    drain()
    done = client.mark_job_run_as_completed(run["id"], at="2026-11-01T01:00:05Z")
    assert (done["state"], done["durationMs"]) == ("COMPLETED", 5000)
    drain()
    read = client.get_job_run(run["id"])
    shapes.check(read, shapes.RUN)
    assert (read["state"], read["durationMs"], read["args"]) == ("COMPLETED", 5000, {"day": "monday"})
    assert [one["id"] for one in client.list_job_runs(SOURCE, JOB)["runs"]] == [run["id"]]

    tag = client.create_tag("SENSITIVE", "Look away.")
    shapes.check(tag, shapes.TAG)
    assert tag in client.list_tags()["tags"]
    assert "SENSITIVE" in client.tag_dataset(SOURCE, DATASET, "SENSITIVE")["tags"]
    tagged = client.tag_dataset_field(SOURCE, DATASET, "total", "SENSITIVE")
    assert tagged["fields"][1]["tags"] == ["SENSITIVE"]
    assert "SENSITIVE" in client.get_dataset(SOURCE, DATASET)["tags"]
    shapes.check(client.get_column_lineage_by_dataset(SOURCE, DATASET, depth=2), shapes.COLUMN_GRAPH)
    (column,) = client.get_column_lineage_by_dataset_field(SOURCE, DATASET, "total")["graph"]
    assert column["data"]["fieldType"] == "DECIMAL"
    shapes.check(client.get_column_lineage_by_job(SOURCE, JOB), shapes.COLUMN_GRAPH)
    assert len(client.list_events()["events"]) == 5
    assert len(client.list_events(SOURCE)["events"]) == 3
    for mark, state in ((client.mark_job_run_as_failed, "FAILED"), (client.mark_job_run_as_aborted, "ABORTED")):
        other = client.create_job_run(SOURCE, JOB, mark_as_running=True)
        assert (other["state"], mark(other["id"])["state"]) == ("RUNNING", state)
    with pytest.raises(APIError):
        client.get_dataset(SOURCE, "nothing")
