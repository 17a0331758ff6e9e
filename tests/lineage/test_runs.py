"""The list of all jobs' runs, narrowed and in order, and the tree of runs that a run is part of."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.tokens import mint
from catalog.models import Dataset, Tier
from lineage import reading
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.models import Run
from tests import factories
from tests.lineage.events import BEGIN, at, run_event, run_id

pytestmark = pytest.mark.django_db

DAG, TASK, LOAD, STRAY = (run_id() for _ in range(4))


def parent(run: str) -> dict:
    return {"parent": {"run": {"runId": run}, "job": {"namespace": "airflow", "name": "whoever"}}}


@pytest.fixture
def told():
    """Have a pipeline tell these events."""
    sender = factories.pipeline()
    token = mint(principal=sender, name="runs", scopes=["lineage:write"], by=sender).token

    def tell(*events: dict) -> None:
        accept_batch(json.dumps(events).encode(), token=token)
        drain()

    return tell


@pytest.fixture
def tree(told):
    """A DAG that started a task, which started a load and a check; a stray run of another job, which nobody started."""
    told(
        run_event("COMPLETE", job="check", seconds=95, run=run_id(), run_facets=parent(TASK)),
        run_event("START", job="load", run=LOAD, seconds=20, inputs=["secret"], run_facets=parent(TASK)),
        run_event("FAIL", job="load", run=LOAD, seconds=80, outputs=["secret too"]),
        run_event("START", job="task", run=TASK, seconds=10, inputs=["open"], run_facets=parent(DAG)),
        run_event("START", job="dag", run=DAG),
        run_event("COMPLETE", job="dag", run=DAG, seconds=120),
        run_event("COMPLETE", job="stray", namespace="cron", run=STRAY, seconds=500),
    )
    closed = factories.domain("Closed", open_tier=Tier.NONE)
    Dataset.objects.filter(qualified_name__startswith="secret").update(domain=closed)
    Dataset.objects.filter(qualified_name="open").update(domain=factories.domain("Open", open_tier=Tier.METADATA))


@pytest.fixture
def admin():
    return factories.person(administrator=True)


def page(client, principal, path: str, **query) -> str:
    client.force_login(principal.user)
    response = client.get(path, query)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def rest(client, principal, path: str, **query):
    response = client.get(path, query, headers=factories.bearer(principal, "lineage:read"))
    assert response.status_code == 200, response.content
    return response.json()


def listed(client, principal, **query) -> list[str]:
    """The names of the jobs whose runs REST lists."""
    names = dict(Run.objects.values_list("pk", "job__name"))
    return [names[uuid.UUID(run["id"])] for run in rest(client, principal, "/api/v2/job-runs/", **query)["results"]]


def test_runs_of_all_jobs_are_listed_what_needs_somebody_first(client, admin, tree):
    html = page(client, admin, "/jobs/runs/")
    # The task began weeks ago and never ended.
    order = [html.index(f">{name}</a>") for name in ("task", "load", "stray", "check", "dag")]
    assert order == sorted(order)
    assert "Overdue" in html
    assert listed(client, admin) == ["stray", "check", "load", "task", "dag"]
    assert listed(client, admin, order="attention") == ["task", "load", "stray", "check", "dag"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "ROAD"}, []),
        ({"q": "LOA"}, ["load"]),
        ({"namespace": "cron"}, ["stray"]),
        ({"state": "overdue"}, ["task"]),
        ({"state": "running"}, ["task"]),
        ({"state": "failed"}, ["load"]),
        ({"state": "completed"}, ["stray", "check", "dag"]),
        ({"since": at(20)}, ["stray", "check", "load"]),
        ({"until": at(20)}, ["task", "dag"]),
        ({"since": at(20), "until": at(95)}, ["load"]),
        ({"parent": TASK}, ["check", "load"]),
    ],
)
def test_runs_are_narrowed_alike_as_a_page_and_by_rest(client, admin, tree, query, names):
    assert listed(client, admin, **query) == names
    html = page(client, admin, "/jobs/runs/", **query, order="latest")
    found = [name for name in ("stray", "check", "load", "task", "dag") if f">{name}</a>" in html]
    assert found == names


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-23:59", "2026-11-01t06:00:00z",
        "2026-11-01T06:00:00.123456789Z", "2026-11-01T06:00:00+00:00",
    ],
)  # fmt: skip
def test_times_that_rest_describes_are_times_that_it_reads(client, admin, tree, name, moment):
    rest(client, admin, "/api/v2/job-runs/", **{name: moment})
    assert page(client, admin, "/jobs/runs/", **{name: moment})


@pytest.mark.parametrize(
    "moment", ["tomorrow", "2026-13-01T00:00:00Z", "2026-11-01T06:00:61Z", "99999-01-01T00:00:00Z"]
)
def test_times_that_are_none_are_422_on_both_faces(client, admin, moment):
    client.force_login(admin.user)
    assert client.get("/jobs/runs/", {"since": moment}).status_code == 422
    headers = factories.bearer(admin, "lineage:read")
    assert client.get("/api/v2/job-runs/", {"since": moment}, headers=headers).status_code == 422


def test_a_form_of_a_browser_is_read_and_comes_back_filled(client, admin, tree):
    query = {"q": "", "namespace": "", "state": "", "since": "2026-11-01T06:01", "until": "", "order": ""}
    html = page(client, admin, "/jobs/runs/", **query)
    assert 'value="2026-11-01T06:01"' in html
    assert ">stray</a>" in html and ">dag</a>" not in html


def test_whoever_sees_little_sees_the_runs_of_those_jobs_only(client, tree):
    html = page(client, factories.person("outsider"), "/jobs/runs/")
    assert ">task</a>" in html and ">load</a>" not in html


def test_an_empty_list_says_what_to_do_next(client, admin):
    assert "/api/v1/lineage" in page(client, admin, "/jobs/runs/")
    assert "No run is like that" in page(client, admin, "/jobs/runs/", state="failed")


def test_a_run_shows_the_whole_tree_below_its_root(client, admin, tree):
    for run in (DAG, TASK, LOAD):
        html = page(client, admin, reverse("lineage:run", args=[run]))
        assert "Runs of the same root" in html
        order = [html.index(f"/jobs/runs/{one}/", html.index("Began after")) for one in (DAG, TASK, LOAD) if one != run]
        assert order == sorted(order)
        assert html.count("this run") == 1
    assert "Runs of the same root" not in page(client, admin, reverse("lineage:run", args=[STRAY]))


def test_runs_that_a_reader_may_not_see_stand_in_no_tree(client, tree):
    html = page(client, factories.person("outsider"), reverse("lineage:run", args=[TASK]))
    assert ">check</a>" in html and "load" not in html.split("Runs of the same root")[1]
    family = rest(client, factories.person("other"), f"/api/v2/job-runs/{TASK}/family/")
    assert LOAD not in {run["id"] for run in family["runs"]}


def test_rest_gives_the_tree(client, admin, tree):
    family = rest(client, admin, f"/api/v2/job-runs/{LOAD}/family/")
    assert (family["first"], family["more"]) == (DAG, False)
    assert [run["name"] for run in family["runs"]] == ["dag", "task", "load", "check"]
    assert {run["name"]: run["parent"] for run in family["runs"]} == {
        "dag": None, "task": DAG, "load": TASK, "check": TASK,
    }  # fmt: skip


def test_a_root_that_never_reported_is_named_by_those_it_started(client, admin, told):
    root, first, second = run_id(), run_id(), run_id()
    told(
        run_event("COMPLETE", job="first", run=first, run_facets=parent(root)),
        run_event("COMPLETE", job="second", run=second, seconds=5, run_facets=parent(root)),
    )
    html = page(client, admin, reverse("lineage:run", args=[first]))
    assert f'{root}</span> <span class="dc-muted">not heard of' in html
    assert ">second</a>" in html


def rooted(run: str, root: str) -> dict:
    named = {"run": {"runId": root}, "job": {"namespace": "airflow", "name": "dag"}}
    return {"parent": parent(run)["parent"] | {"root": named}}


def test_runs_whose_parents_never_reported_hang_below_the_root_that_they_name(client, admin, told):
    root, unheard, first, second, below = (run_id() for _ in range(5))
    told(
        run_event("COMPLETE", job="below", run=below, seconds=9, run_facets=rooted(second, root)),
        run_event("COMPLETE", job="first", run=first, seconds=4, run_facets=rooted(unheard, root)),
        run_event("COMPLETE", job="second", run=second, seconds=5, run_facets=rooted(unheard, root)),
    )
    html = page(client, admin, reverse("lineage:run", args=[below]))
    assert f'{root}</span> <span class="dc-muted">not heard of' in html
    told(run_event("COMPLETE", job="dag", run=root, seconds=20, run_facets=rooted(root, root)))
    for run in (root, first, below):
        family = rest(client, admin, f"/api/v2/job-runs/{run}/family/")
        assert (family["first"], [found["name"] for found in family["runs"]]) == (
            root,
            ["first", "second", "below", "dag"],
        )
        assert [found["root"] for found in family["runs"]] == [root, root, root, None]
    html = page(client, admin, reverse("lineage:run", args=[first]))
    levels = re.findall(r"dc-gantt-name( dc-depth-\d)?", html)
    assert levels == ["", " dc-depth-1", " dc-depth-1", " dc-depth-2"]
    told(run_event("COMPLETE", job="middle", run=unheard, seconds=1, run_facets=parent(root)))
    family = reading.family_of(admin, Run.objects.get(pk=first), timezone.now())
    assert family.parents[uuid.UUID(first)] == uuid.UUID(unheard)
    assert family.parents[uuid.UUID(unheard)] == uuid.UUID(root)


def test_runs_that_started_each_other_are_walked_once(client, admin, told):
    one, other = run_id(), run_id()
    told(
        run_event("COMPLETE", job="one", run=one, run_facets=parent(other)),
        run_event("COMPLETE", job="other", run=other, run_facets=parent(one)),
        run_event("COMPLETE", job="itself", run=(itself := run_id()), run_facets=parent(itself)),
    )
    for run in (one, other):
        family = rest(client, admin, f"/api/v2/job-runs/{run}/family/")
        assert {found["name"] for found in family["runs"]} == {"one", "other"}
    assert len(rest(client, admin, f"/api/v2/job-runs/{itself}/family/")["runs"]) == 1


def test_a_large_tree_costs_the_same_statements_and_is_cut_at_the_runs_nearest_to_the_root(admin, tree):
    root = Run.objects.get(pk=DAG)
    costs = []
    for count in (0, reading.MOST_RUNS):
        Run.objects.bulk_create(
            Run(
                id=uuid.uuid4(), job=root.job, parent=root.pk, first_at=BEGIN + dt.timedelta(seconds=number),
                first_digest=uuid.uuid4(), last_at=BEGIN,
            )
            for number in range(count)
        )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            family = reading.family_of(admin, root, timezone.now())
        costs.append(len(queries))
    assert costs == [3, 3]
    assert family.more and len(family.parents) == len(family.runs) == reading.MOST_RUNS + 1
    assert uuid.UUID(LOAD) not in family.runs


def test_a_tree_that_is_cut_says_so_and_leads_on(client, admin, tree, monkeypatch):
    assert "there are more" not in page(client, admin, reverse("lineage:run", args=[LOAD]))
    monkeypatch.setattr("lineage.reading.family.MOST_RUNS", 1)
    html = page(client, admin, reverse("lineage:run", args=[LOAD]))
    assert "The 2 nearest to the root; there are more" in html
    led = re.findall(r"/jobs/runs/\?parent=[0-9a-f-]+", html)
    assert led == [f"/jobs/runs/?parent={DAG}", f"/jobs/runs/?parent={LOAD}"]
    client.force_login(admin.user)
    assert ">task</a>" in client.get(led[0]).content.decode()
    assert "No run is like that" in client.get(led[1]).content.decode()


def test_a_job_shows_how_long_its_runs_took_by_state(client, admin, told):
    for number, kind in enumerate(("COMPLETE", "FAIL", "COMPLETE")):
        told(
            run_event("START", job="nightly", run=(run := run_id()), seconds=number * 1000),
            run_event(kind, job="nightly", run=run, seconds=number * 1000 + 60),
        )
    job = Run.objects.get(pk=run).job
    html = page(client, admin, reverse("lineage:job", args=[job.pk]))
    assert html.count("dc-run-bar is-completed") == 3 and html.count("dc-run-bar is-failed") == 2
    assert "2 completed" in html and "1 failed" in html
    assert client.get(reverse("lineage:job", args=[job.pk]), {"state": "odd"}).status_code == 422
    assert "No run is in this state" in page(client, admin, reverse("lineage:job", args=[job.pk]), state="aborted")
