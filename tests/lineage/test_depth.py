"""What the graph is made of: the latest run, columns, other names, deletions, versions, inputs told one by one."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tokens import mint
from catalog.actions import accept_proposal
from catalog.models import Dataset, Proposal
from lineage.draining import drain
from lineage.intake import accept
from lineage.job_sql import read_jobs_sql
from lineage.merging import separate
from lineage.models import ColumnEdge, DatasetEdge, Explanation, Job, JobEdge, Run
from lineage.told import DELETION
from tests.factories import dataset as crawled
from tests.factories import person, pipeline
from tests.lineage.events import NAMESPACE, dataset, dataset_event, job_event, run_event, run_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(db):
    principal = pipeline("depth")
    token = mint(principal=principal, name="depth", scopes=["lineage:write"], by=principal).token

    def sent(*events) -> None:
        for event in events:
            accept(json.dumps(event).encode(), token=token)
        drain()

    return sent


def edges(*, current: bool = True) -> set[tuple[str, str]]:
    rows = DatasetEdge.objects.filter(current=current).select_related("upstream", "downstream")
    return {(row.upstream.qualified_name, row.downstream.qualified_name) for row in rows}


def columns(*, current: bool = True) -> set[tuple[str, str, str, str, bool]]:
    rows = ColumnEdge.objects.filter(current=current).select_related("upstream__dataset", "downstream__dataset")
    return {
        (f"{row.upstream.dataset.qualified_name}.{row.upstream.name}",
         f"{row.downstream.dataset.qualified_name}.{row.downstream.name}",
         row.get_type_display(), row.subtype, row.masking)
        for row in rows
    }  # fmt: skip


def told_columns(source: str, masking: bool = False, **fields: str) -> dict:
    """The facet in which each field comes, unchanged, from a field of one source."""
    return {
        "fields": {
            name: {
                "inputFields": [
                    {
                        "namespace": NAMESPACE, "name": source, "field": field,
                        "transformations": [{"type": "DIRECT", "subtype": "IDENTITY", "masking": masking}],
                    }
                ]
            }
            for name, field in fields.items()
        }
    }  # fmt: skip


def test_a_dataset_comes_from_what_the_latest_run_that_wrote_it_read(send):
    send(run_event("COMPLETE", inputs=["a", "b"], outputs=["z"], seconds=0))
    send(run_event("COMPLETE", inputs=["a", "c"], outputs=["z"], seconds=60))
    assert edges() == {("a", "z"), ("c", "z")}
    assert edges(current=False) == {("b", "z")}


def test_a_late_event_of_an_older_run_does_not_bring_its_edges_back(send):
    send(run_event("COMPLETE", inputs=["c"], outputs=["z"], seconds=60))
    send(run_event("COMPLETE", inputs=["b"], outputs=["z"], seconds=0))
    assert edges() == {("c", "z")}


def test_a_failed_run_replaces_nothing(send):
    send(run_event("COMPLETE", inputs=["a"], outputs=["z"], seconds=0))
    failing = run_id()
    send(run_event("START", run=failing, inputs=["b"], outputs=["z"], seconds=60))
    assert edges() == {("b", "z")}
    send(run_event("FAIL", run=failing, seconds=61))
    assert edges() == {("a", "z")}


def test_a_run_that_tells_no_inputs_leaves_the_edges_that_are_known(send):
    send(run_event("COMPLETE", inputs=["a"], outputs=["z"], seconds=0))
    send(run_event("COMPLETE", outputs=["z"], seconds=60))
    assert edges() == {("a", "z")}


def test_a_deleted_job_takes_its_edges_along_and_a_later_run_brings_new_ones(send):
    send(run_event("COMPLETE", inputs=["a"], outputs=["z"], seconds=0))
    send(job_event(seconds=10, job_facets={DELETION: {"_producer": "p"}}))
    job = Job.objects.get()
    assert edges() == set() and job.deleted_at == job.last_seen
    send(run_event("COMPLETE", inputs=["b"], outputs=["z"], seconds=20))
    assert edges() == {("b", "z")}


def test_columns_flow_with_their_transformations(send):
    facet = told_columns("a", id="id", mail="email")
    facet["fields"]["mail"]["inputFields"][0]["transformations"] = [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True, "description": "sha256"},
        {"type": "INDIRECT", "subtype": "CONDITIONAL", "masking": False},
    ]
    facet["dataset"] = [
        {"namespace": NAMESPACE, "name": "b", "field": "active",
         "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}]}
    ]  # fmt: skip
    send(run_event("COMPLETE", inputs=["a", "b"], outputs=[dataset("z", columnLineage=facet)]))
    assert columns() == {
        ("a.id", "z.id", "DIRECT", "IDENTITY", False),
        ("a.email", "z.mail", "DIRECT", "TRANSFORMATION", True),
        ("a.email", "z.mail", "INDIRECT", "CONDITIONAL", False),
        ("b.active", "z.", "INDIRECT", "FILTER", False),
    }


def test_columns_are_those_of_the_latest_facet_and_the_others_are_history(send):
    send(run_event("COMPLETE", inputs=["a"], outputs=[dataset("z", columnLineage=told_columns("a", x="x"))], seconds=0))
    send(run_event("COMPLETE", inputs=["a"], outputs=[dataset("z", columnLineage=told_columns("a", x="y"))], seconds=9))
    send(run_event("COMPLETE", inputs=["a"], outputs=["z"], seconds=20))
    assert columns() == {("a.y", "z.x", "DIRECT", "IDENTITY", False)}
    assert columns(current=False) == {("a.x", "z.x", "DIRECT", "IDENTITY", False)}


def test_the_old_description_of_a_transformation_is_read(send):
    told = {"inputFields": [{"namespace": NAMESPACE, "name": "a", "field": "x"}], "transformationType": "MASKED"}
    send(run_event("COMPLETE", outputs=[dataset("z", columnLineage={"fields": {"x": told}})]))
    assert columns() == {("a.x", "z.x", "DIRECT", "TRANSFORMATION", True)}


def test_a_lineage_facet_tells_inputs_one_by_one(send):
    facet = {
        "inputs": [{"namespace": NAMESPACE, "name": "b", "type": "DATASET"}],
        "fields": {"x": {"inputs": [{"namespace": NAMESPACE, "name": "b", "type": "DATASET", "field": "y"}]}},
    }
    send(run_event("COMPLETE", inputs=["a", "b"], outputs=[dataset("z", lineage=facet), "y"]))
    assert edges() == {("b", "z"), ("a", "y"), ("b", "y")}
    assert columns() == {("b.y", "z.x", "unknown", "", False)}


def test_a_lineage_facet_without_inputs_means_no_upstream(send):
    send(run_event("COMPLETE", inputs=["a"], outputs=[dataset("z", lineage={"inputs": [], "fields": {}})]))
    assert edges() == set()


def test_a_lineage_facet_of_a_job_names_datasets_and_jobs(send):
    entries = [
        {"type": "DATASET", "namespace": NAMESPACE, "name": "z",
         "inputs": [{"namespace": NAMESPACE, "name": "a", "type": "DATASET"}]},
        {"type": "JOB", "inputs": [{"type": "JOB", "namespace": "airflow", "name": "before"}]},
    ]  # fmt: skip
    send(job_event(job="declared", job_facets={"lineage": {"entries": entries}}))
    assert edges() == {("a", "z")}
    edge = JobEdge.objects.select_related("upstream", "downstream").get()
    assert (edge.upstream.name, edge.downstream.name) == ("before", "declared")


def symlinks(*names: str) -> dict:
    return {"identifiers": [{"namespace": NAMESPACE, "name": name, "type": "TABLE"} for name in names]}


def test_a_late_symlink_merges_two_datasets_and_both_keep_their_lineage(send):
    send(run_event("COMPLETE", job="one", inputs=["a"], outputs=["z"]))
    send(run_event("COMPLETE", job="two", inputs=["other_z"], outputs=["end"]))
    assert edges() == {("a", "z"), ("other_z", "end")}
    send(dataset_event(dataset("z", symlinks=symlinks("other_z"))))
    merged = Dataset.objects.get(merged_into__isnull=False)
    assert {merged.qualified_name, merged.merged_into.qualified_name} == {"z", "other_z"}
    stands = merged.merged_into.qualified_name
    assert edges() == {("a", stands), (stands, "end")}


def test_taking_the_symlink_back_undoes_the_merge(send):
    send(
        run_event("COMPLETE", job="one", inputs=["a"], outputs=[dataset("z", symlinks=symlinks("other_z"))], seconds=0)
    )
    send(run_event("COMPLETE", job="two", inputs=["other_z"], outputs=["end"], seconds=1))
    send(dataset_event(dataset("z", symlinks={"_deleted": True}), seconds=5))
    assert edges() == {("a", "z"), ("other_z", "end")}
    assert not Dataset.objects.filter(merged_into__isnull=False).exists()


def test_a_person_undoes_a_merge_and_no_pipeline_does_it_again(send):
    told = run_event("COMPLETE", inputs=["a"], outputs=[dataset("z", symlinks=symlinks("other_z"))], seconds=0)
    send(told, run_event("COMPLETE", job="two", inputs=["other_z"], outputs=["end"], seconds=1))
    admin = person(administrator=True)
    separate(dataset=Dataset.objects.get(merged_into__isnull=False), by=admin)
    drain()
    assert edges() == {("a", "z"), ("other_z", "end")}
    send(run_event("COMPLETE", inputs=["a"], outputs=[dataset("z", symlinks=symlinks("other_z", "x"))], seconds=9))
    assert ("other_z", "end") in edges()


def test_a_governed_dataset_merges_only_when_somebody_says_so(send, db):
    known = crawled("units")
    Dataset.objects.filter(pk=known.pk).update(level=3)
    here = dataset(known.qualified_name, namespace=known.namespace, symlinks=symlinks("s3_units"))
    send(run_event("COMPLETE", inputs=["a"], outputs=[here]))
    assert not Dataset.objects.filter(merged_into__isnull=False).exists()
    asked = Proposal.objects.get(kind="same_as")
    assert asked.dataset_id == known.pk
    accept_proposal(proposal=asked, by=person(administrator=True))
    assert Dataset.objects.get(merged_into__isnull=False).merged_into_id == known.pk


def test_a_renamed_dataset_keeps_its_history(send):
    send(run_event("COMPLETE", job="one", inputs=["a"], outputs=["old"], seconds=0))
    renamed = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": NAMESPACE, "name": "old"}}
    send(dataset_event(dataset("new", lifecycleStateChange=renamed), seconds=5))
    send(dataset_event(dataset("new", lifecycleStateChange={"lifecycleStateChange": "TRUNCATE"}), seconds=9))
    assert Dataset.objects.filter(merged_into__isnull=False).count() == 1


def test_a_job_has_a_version_for_what_it_reads_writes_and_executes_never_for_its_runs(send):
    for second in range(3):
        send(
            run_event(
                "COMPLETE", inputs=["a"], outputs=["z"], seconds=second, job_facets={"sql": {"query": "SELECT 1"}}
            )
        )
    assert Run.objects.values("version").distinct().count() == 1
    send(run_event("COMPLETE", inputs=["a"], outputs=["z"], seconds=9, job_facets={"sql": {"query": "SELECT 2"}}))
    send(run_event("COMPLETE", inputs=["a", "b"], outputs=["z"], seconds=10, job_facets={"sql": {"query": "SELECT 2"}}))
    assert Run.objects.values("version").distinct().count() == 3


def test_types_that_a_producer_leaves_out_are_no_change(send):
    def told(type_: str | None) -> dict:
        return {"fields": [{"name": "id", "type": type_}, {"name": "name", "type": "text"}]}

    for second, type_ in enumerate([None, "int", None, "int"]):
        send(dataset_event(dataset("a", schema=told(type_)), seconds=second))
    found = Dataset.objects.get()
    assert [version.content["fields"][0]["native_type"] for version in found.versions.all()] == ["int"]
    assert found.fields.count() == 2


def test_the_usual_duration_of_a_job_is_the_median_of_its_completed_runs(send):
    for seconds in (10, 30, 20):
        run = run_id()
        send(run_event("START", run=run, seconds=0), run_event("COMPLETE", run=run, seconds=seconds))
    assert Job.objects.get().usual_seconds == 20


def test_the_sql_of_a_job_explains_columns_that_nobody_tells(send):
    query = {"sql": {"query": "INSERT INTO app.public.mails SELECT id, lower(email) AS mail FROM app.public.people"}}
    people = dataset("app.public.people", fields=["id", "email"])
    written = dataset("app.public.mails", fields=["id", "mail"])
    send(run_event("COMPLETE", inputs=[people], outputs=[written], job_facets=query))
    assert read_jobs_sql() == 1 and read_jobs_sql() == 0
    assert columns() == {
        ("app.public.people.id", "app.public.mails.id", "DIRECT", "IDENTITY", False),
        ("app.public.people.email", "app.public.mails.mail", "DIRECT", "TRANSFORMATION", False),
    }
    facet = told_columns("app.public.people", id="id")
    send(run_event("COMPLETE", inputs=[people], outputs=[written | {"facets": {"columnLineage": facet}}],
                   job_facets=query, seconds=9))  # fmt: skip
    read_jobs_sql()
    assert columns() == {("app.public.people.id", "app.public.mails.id", "DIRECT", "IDENTITY", False)}


def test_reading_sql_and_forgetting_it_cost_no_more_for_many_outputs(send):
    query = {"sql": {"query": "INSERT INTO app.public.mails SELECT id FROM app.public.people"}}
    people = dataset("app.public.people", fields=["id"])
    facet = told_columns("app.public.people", id="id")
    costs = []
    for letter, count in (("p", 1), ("q", 12)):
        outputs = [dataset(f"app.public.{letter}{number}") for number in range(count)]
        send(run_event("COMPLETE", job=letter, inputs=[people], outputs=outputs, job_facets=query))
        with CaptureQueriesContext(connection) as reading:
            assert read_jobs_sql() == count
        explained = [one | {"facets": {"columnLineage": facet}} for one in outputs]
        send(run_event("COMPLETE", job=letter, inputs=[people], outputs=explained, job_facets=query, seconds=9))
        with CaptureQueriesContext(connection) as forgetting:
            assert read_jobs_sql() == 0
        costs.append((len(reading), len(forgetting)))
        assert not Explanation.objects.filter(origin="sql").exists()
    assert costs[0] == costs[1]


def test_what_is_outdated_is_forgotten_in_batches_until_none_is_left(send):
    query = {"sql": {"query": "INSERT INTO app.public.mails SELECT id FROM app.public.people"}}
    outputs = [dataset(f"app.public.t{number}") for number in range(5)]
    send(run_event("COMPLETE", outputs=outputs, job_facets=query))
    while read_jobs_sql(2):
        pass
    assert Explanation.objects.filter(origin="sql").count() == 5
    facet = told_columns("app.public.people", id="id")
    explained = [one | {"facets": {"columnLineage": facet}} for one in outputs]
    send(run_event("COMPLETE", outputs=explained, job_facets=query, seconds=9))
    read_jobs_sql(2)
    assert not Explanation.objects.filter(origin="sql").exists()


def test_the_sql_of_a_job_adds_the_inputs_that_it_did_not_tell(send):
    send(dataset_event(dataset("app.public.people", fields=["id"])))
    query = {"sql": {"query": "CREATE TABLE public.ids AS SELECT id FROM people", "dialect": "postgres"}}
    send(run_event("COMPLETE", outputs=["app.public.ids"], job_facets=query))
    read_jobs_sql()
    edge = DatasetEdge.objects.select_related("upstream").get()
    assert (edge.upstream.qualified_name, edge.origin) == ("app.public.people", "sql")
