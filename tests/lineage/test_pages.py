"""Jobs, runs and lineage as pages and REST, for those who may see much, little and nothing."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.tokens import mint
from catalog.models import Dataset, Tier
from lineage.draining import drain, send_again
from lineage.intake import accept_batch
from lineage.models import Job, PendingEvent, Run, SetAsideEvent
from tests import factories
from tests.lineage.events import run_event, run_id

pytestmark = pytest.mark.django_db

PARENT = run_id()
SQL = {"sql": {"query": "SELECT salary FROM staff"}}


@pytest.fixture(autouse=True)
def folded(db):
    """Two runs of a job that reads "open" and writes "closed", one failed, and a job that only touches "closed"."""
    sender = factories.pipeline()
    token = mint(principal=sender, name="pages", scopes=["lineage:write"], by=sender).token
    done = run_id()
    parent = {"parent": {"run": {"runId": PARENT}, "job": {"namespace": "airflow", "name": "dag"}}}
    error = {"errorMessage": {"message": "no such table", "programmingLanguage": "SQL"}}
    events = [
        run_event("START", job="dag", run=PARENT, seconds=-5),
        run_event("START", job="pay/roll 100%", run=done, inputs=["open"], job_facets=SQL, run_facets=parent),
        run_event("COMPLETE", job="pay/roll 100%", run=done, outputs=["closed"], seconds=60),
        run_event("FAIL", job="pay/roll 100%", inputs=["open"], seconds=120, run_facets=error),
        run_event("COMPLETE", job="inner", inputs=["closed"], outputs=["closed2"]),
    ]
    accept_batch(json.dumps(events).encode(), token=token)
    drain()
    closed = factories.domain("Closed", open_tier=Tier.NONE)
    Dataset.objects.filter(qualified_name__startswith="closed").update(domain=closed)
    Dataset.objects.filter(qualified_name="open").update(domain=factories.domain("Open", open_tier=Tier.METADATA))


@pytest.fixture
def admin():
    return factories.person(administrator=True)


@pytest.fixture
def outsider():
    return factories.person("outsider")


def page(client, principal, name, *args, **query) -> str:
    client.force_login(principal.user)
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def payroll() -> Job:
    return Job.objects.get(name="pay/roll 100%")


def test_jobs_are_listed_and_narrowed(client, admin):
    assert "inner" in page(client, admin, "lineage:job_list")
    assert "inner" not in page(client, admin, "lineage:job_list", q="PAY")
    assert "inner" not in page(client, admin, "lineage:job_list", state="failed")
    assert "No job is like that" in page(client, admin, "lineage:job_list", namespace="elsewhere")


def test_a_filter_that_cannot_be_read_is_422(client, admin):
    client.force_login(admin.user)
    assert client.get("/jobs/?state=odd").status_code == 422
    assert client.get("/jobs/?cursor=odd").status_code == 422
    assert client.get("/jobs/?q=a%00b").status_code == 422


def test_a_job_without_any_visible_dataset_is_hidden(client, outsider):
    assert "inner" not in page(client, outsider, "lineage:job_list")
    assert client.get(reverse("lineage:job", args=[Job.objects.get(name="inner").pk])).status_code == 404
    run = Run.objects.get(job__name="inner")
    assert client.get(reverse("lineage:run", args=[run.pk])).status_code == 404


def test_a_job_page_shows_runs_durations_datasets_and_code(client, admin):
    html = page(client, admin, "lineage:job", payroll().pk)
    assert "SELECT salary" in html
    assert "1 min" in html and "Failed" in html
    assert ">open<" in html and ">closed<" in html


def test_code_and_hidden_names_are_not_shown_to_who_may_not_read_them(client, outsider):
    html = page(client, outsider, "lineage:job", payroll().pk)
    assert "salary" not in html and ">closed<" not in html
    assert "Hidden dataset" in html and ">open<" in html


def test_a_run_page_shows_its_parent_its_error_and_its_events(client, admin):
    done = Run.objects.get(state="completed", job=payroll())
    assert reverse("lineage:run", args=[PARENT]) in page(client, admin, "lineage:run", done.pk)
    failed = Run.objects.get(state="failed")
    html = page(client, admin, "lineage:run", failed.pk)
    assert "no such table" in html and "eventTime" in html
    assert reverse("lineage:run", args=[done.pk]) in page(client, admin, "lineage:run", PARENT)


def test_raw_events_are_for_the_third_tier_only(client, outsider):
    html = page(client, outsider, "lineage:run", Run.objects.get(state="failed").pk)
    assert "eventTime" not in html and "no such table" not in html


def test_the_lineage_tab_shows_the_graph_as_a_table_too(client, admin):
    shown = Dataset.objects.get(qualified_name="closed")
    client.force_login(admin.user)
    html = client.get(f"/datasets/{shown.pk}/lineage/").content.decode()
    assert "Lineage of closed" in html and "pay/roll 100%" in html


def test_nobody_reads_without_signing_in(client):
    assert client.get("/jobs/").status_code == 302
    assert client.get("/api/v2/jobs/").status_code == 401


def rest(client, principal, path, **query):
    response = client.get(path, query, headers=factories.bearer(principal, "lineage:read"))
    assert response.status_code == 200, response.content
    return response.json()


def test_rest_lists_jobs_and_runs_in_pages(client, admin):
    first = rest(client, admin, "/api/v2/jobs/", limit=2)
    assert [job["name"] for job in first["results"]] == ["dag", "inner"]
    assert [job["name"] for job in rest(client, admin, first["next"])["results"]] == ["pay/roll 100%"]
    runs = rest(client, admin, "/api/v2/job-runs/", job=payroll().pk)["results"]
    assert [run["state"] for run in runs] == ["failed", "completed"]
    assert len(rest(client, admin, "/api/v2/job-runs/", parent=PARENT)["results"]) == 1


def test_rest_shows_facets_and_names_by_tier(client, admin, outsider):
    path = f"/api/v2/jobs/{payroll().pk}/"
    full, little = rest(client, admin, path), rest(client, outsider, path)
    assert full["facets"]["sql"]["query"].startswith("SELECT")
    assert little["facets"] is None
    assert [use["name"] for use in little["datasets"]] == ["open", None]
    run = Run.objects.get(state="failed")
    assert rest(client, outsider, f"/api/v2/job-runs/{run.pk}/")["facets"] is None
    assert "errorMessage" in rest(client, admin, f"/api/v2/job-runs/{run.pk}/")["facets"]


def test_rest_gives_the_graph_of_a_dataset(client, admin):
    shown = Dataset.objects.get(qualified_name="closed")
    answer = rest(client, admin, f"/api/v2/datasets/{shown.pk}/lineage/", direction="both", depth=2)
    around = {(node["up"], node["down"]) for node in answer["nodes"] if node["id"] != shown.pk}
    assert around == {(1, None), (None, 1)}
    assert {edge["job"] for edge in answer["edges"]} == {job["id"] for job in answer["jobs"]}


def test_a_catalog_token_without_the_lineage_scope_is_refused(client, admin):
    assert client.get("/api/v2/jobs/", headers=factories.bearer(admin, "catalog:read")).status_code == 403


def test_an_administrator_sends_what_was_set_aside_again(admin, client):
    SetAsideEvent.objects.create(event_id=7, received_at="2026-11-23T00:00Z", reason="was odd")
    client.force_login(admin.user)
    assert "was odd" in client.get("/admin/lineage/setasideevent/").content.decode()
    assert send_again([7]) == 1
    assert PendingEvent.objects.get().event_id == 7 and not SetAsideEvent.objects.exists()
