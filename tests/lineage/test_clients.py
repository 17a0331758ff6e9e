"""Real clients against the real web server: granian, as in production, on the test's own database."""

from __future__ import annotations

import datetime as dt
import gzip
import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, JobEvent, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    documentation_job,
    environment_variables_run,
    error_message_run,
    nominal_time_run,
    output_statistics_output_dataset,
    parent_run,
    schema_dataset,
    sql_job,
)
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

from lineage.draining import drain
from lineage.models import DatasetEdge, Event, PendingEvent, RunDatasetFacet
from lineage.models import Job as StoredJob
from lineage.models import Run as StoredRun
from tests.factories import bearer, pipeline
from tests.lineage.events import run_event, run_id

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def authorization(transactional_db) -> dict[str, str]:
    return bearer(pipeline(), "lineage:write")


def client_of(server: str, authorization: dict[str, str], **options) -> OpenLineageClient:
    key = ApiKeyTokenProvider({"apiKey": authorization["Authorization"].removeprefix("Bearer ")})
    return OpenLineageClient(transport=HttpTransport(HttpConfig(url=server, auth=key, **options)))


def time(seconds: int) -> str:
    return (dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_openlineage_python_tells_of_a_run(server, authorization, compression):
    client = client_of(server, authorization, compression=compression)
    run = Run(
        run_id(),
        {
            "nominalTime": nominal_time_run.NominalTimeRunFacet(nominalStartTime=time(0)),
            "parent": parent_run.ParentRunFacet(
                run=parent_run.Run(runId=run_id()), job=parent_run.Job(namespace="airflow", name="dag")
            ),
            "environmentVariables": environment_variables_run.EnvironmentVariablesRunFacet(
                [environment_variables_run.EnvironmentVariable(name="PGPASSWORD", value="hunter22")]
            ),
        },
    )
    job = Job(
        "airflow", "dag/load units 100%",
        {"sql": sql_job.SQLJobFacet(query="INSERT INTO units SELECT 1"),
         "documentation": documentation_job.DocumentationJobFacet(description="Loads units.")},
    )  # fmt: skip
    fields = [schema_dataset.SchemaDatasetFacetFields(name="id", type="int")]
    schema = {"schema": schema_dataset.SchemaDatasetFacet(fields)}
    read = InputDataset("postgres://db:5432", "ontrack.public.units", facets=schema)
    statistics = {"outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=3)}
    written = OutputDataset("duckdb:///w.duckdb", "main.units", outputFacets=statistics)
    client.emit(RunEvent(eventTime=time(0), run=run, job=job, eventType=RunState.START, inputs=[read]))
    client.emit(RunEvent(eventTime=time(9), run=run, job=job, eventType=RunState.COMPLETE, outputs=[written]))
    client.close()
    assert drain() == 2
    edge = DatasetEdge.objects.select_related("upstream", "downstream", "job").get()
    assert (edge.upstream.qualified_name, edge.downstream.qualified_name) == ("ontrack.public.units", "main.units")
    assert edge.job.name == "dag/load units 100%"
    assert StoredRun.objects.get().duration == dt.timedelta(seconds=9)
    assert RunDatasetFacet.objects.get().content.value["rowCount"] == 3
    assert not Event.objects.filter(body__contains="hunter22").exists()


def test_openlineage_python_tells_of_a_failure_and_of_a_design(server, authorization):
    client = client_of(server, authorization)
    failed = Run(
        run_id(), {"errorMessage": error_message_run.ErrorMessageRunFacet(message="no", programmingLanguage="SQL")}
    )
    client.emit(RunEvent(eventTime=time(0), run=failed, job=Job("dbt", "model"), eventType=RunState.FAIL))
    client.emit(JobEvent(eventTime=time(0), job=Job("dbt", "design"), outputs=[OutputDataset("file", "/srv/x.csv")]))
    client.close()
    drain()
    assert StoredJob.objects.get(name="model").latest_state == "failed"
    assert StoredJob.objects.get(name="design").links.count() == 1


def test_openlineage_python_is_told_what_is_wrong(server, authorization):
    client = client_of(server, {"Authorization": "Bearer nobody"})
    with pytest.raises(Exception, match="401"):
        client.emit(RunEvent(eventTime=time(0), run=Run(run_id()), job=Job("n", "j"), eventType=RunState.START))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_chunked_body_without_a_length_is_read(server, authorization, compressed):
    body = json.dumps(run_event(job="chunked")).encode()
    headers = authorization | {"Content-Type": "application/json; charset=UTF-8"}
    if compressed:
        body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
    pieces = (body[start : start + 50] for start in range(0, len(body), 50))
    with closing(http.client.HTTPConnection(urlsplit(server).netloc, timeout=20)) as client:
        client.request("POST", "/api/v1/lineage", pieces, headers, encode_chunked=True)
        response = client.getresponse()
        assert (response.status, response.read()) == (201, b"")
    assert PendingEvent.objects.count() == 1


def test_an_endless_chunked_body_is_413(server, authorization):
    pieces = (b" " * 65_536 for _ in range(2 * settings.LINEAGE_MAX_EVENT_BYTES // 65_536))
    with closing(http.client.HTTPConnection(urlsplit(server).netloc, timeout=20)) as client:
        try:
            client.request("POST", "/api/v1/lineage", pieces, authorization, encode_chunked=True)
        except (BrokenPipeError, ConnectionResetError):
            return  # the server answered and hung up while we were still sending
        assert client.getresponse().status == 413
