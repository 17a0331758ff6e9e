"""One rule says what of lineage is told to whom, whichever door it is asked at."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from accounts.models import DomainRole, Principal
from accounts.tokens import mint
from catalog.models import Dataset, Tier
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.models import Job
from tests import factories
from tests.factories import bearer
from tests.lineage.events import NAMESPACE, run_event, run_id
from tests.lineage.marquez.conftest import Api

pytestmark = pytest.mark.django_db

RUNS = {"inside": run_id(), "out": run_id(), "in": run_id(), "reads": run_id(), "before": run_id()}
USES = {
    "inside": {"known", "known too"},
    "out": {"known", "open"},
    "in": {"hidden", "open"},
    "reads": {"known"},
    "before": {"hidden", "known"},
}
"""What each job touches: `known` and `known too` may be discovered by all, `open` is read by all, `hidden` by few."""


@pytest.fixture
def cast(db: None) -> dict[str, Principal]:
    sender = factories.pipeline("nightly")
    token = mint(principal=sender, name="t", scopes=["lineage:write"], by=sender).token
    events = [
        run_event("COMPLETE", job="before", run=RUNS["before"], inputs=["hidden"], outputs=["known"], seconds=-9),
        run_event("COMPLETE", job="inside", run=RUNS["inside"], inputs=["known"], outputs=["known too"]),
        run_event("COMPLETE", job="out", run=RUNS["out"], inputs=["known"], outputs=["open"]),
        run_event("COMPLETE", job="in", run=RUNS["in"], inputs=["hidden"], outputs=["open"]),
        run_event("COMPLETE", job="reads", run=RUNS["reads"], inputs=["known"]),
    ]
    accept_batch(json.dumps(events).encode(), token=token)
    drain()
    teaching = factories.domain("Teaching", open_tier=Tier.DISCOVER)
    rest = {"open": factories.domain("Open", open_tier=Tier.METADATA), "hidden": factories.domain("H", open_tier=0)}
    for one in Dataset.objects.all():
        Dataset.objects.filter(pk=one.pk).update(domain=rest.get(one.qualified_name, teaching))
    people = {name: factories.person(name) for name in ("outsider", "analyst", "steward")}
    factories.role(teaching, people["analyst"], DomainRole.ANALYST)
    factories.role(teaching, people["steward"], DomainRole.STEWARD)
    factories.role(rest["hidden"], people["steward"], DomainRole.STEWARD)
    return people | {"administrator": factories.person("ada", administrator=True), "pipeline": sender}


NOBODY = {"outsider", "pipeline"}
"""Those without a role, of whom one is the pipeline that told all of it."""


def told(persona: str) -> dict[str, set[str]]:
    """What each job is told to touch."""
    if persona in NOBODY:
        return {"inside": set(), "out": {"known", "open"}, "in": {"", "open"}, "reads": set(), "before": set()}
    if persona == "analyst":
        return USES | {"in": {"", "open"}, "before": {"", "known"}}
    return USES


PERSONAS = ["outsider", "pipeline", "analyst", "steward", "administrator"]


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_lineage_of_a_dataset_is_answered_or_refused_at_every_door_alike(cast, client, persona) -> None:
    principal = cast[persona]
    expected = {"open": 200, "known": 403, "hidden": 404}
    if persona not in NOBODY:
        expected["known"] = 200
    if persona in ("steward", "administrator"):
        expected["hidden"] = 200
    for name, status in expected.items():
        pk = Dataset.objects.get(qualified_name=name).pk
        api, node = Api(principal), f"dataset:{NAMESPACE}:{name}"
        answers = {
            "graph": api.send("GET", "lineage", nodeId=node),
            "columns": api.send("GET", "column-lineage", nodeId=node),
        }
        for door in ("lineage", "column-lineage", "neighbours"):
            query = {"direction": "up"} if door == "neighbours" else {}
            path = f"/api/v2/datasets/{pk}/{door}/"
            answers[f"rest {door}"] = client.get(path, query, headers=bearer(principal, "lineage:read"))
        if principal.user is not None:
            client.force_login(principal.user)
            answers["page"] = client.get(f"/datasets/{pk}/lineage/")
            answers["picture"] = client.get(f"/datasets/{pk}/lineage/picture.json")
            client.logout()
        assert {door: answer.status_code for door, answer in answers.items()} == dict.fromkeys(answers, status), name


@pytest.mark.parametrize("persona", PERSONAS)
def test_what_a_job_touches_is_told_at_every_door_alike(cast, client, persona) -> None:
    principal, expected = cast[persona], told(persona)
    api, headers = Api(principal), bearer(principal, "lineage:read")
    for job in USES:
        row, run = Job.objects.get(name=job), RUNS[job]
        if not Job.objects.visible_to(principal).filter(pk=row.pk).exists():
            assert not expected[job]
            continue
        named = expected[job] - {""}
        one, ran = api.get("namespaces", "airflow", "jobs", job), api.get("jobs", "runs", run)
        (listed,) = (found for found in api.get("jobs")["jobs"] if found["name"] == job)
        for found in (one, listed):
            assert {use["name"] for use in (*found["inputs"], *found["outputs"])} == named, job
            latest = found["latestRun"]
            versions = (*latest["inputDatasetVersions"], *latest["outputDatasetVersions"])
            assert {version["datasetVersionId"]["name"] for version in versions} == named, job
        versions = (*ran["inputDatasetVersions"], *ran["outputDatasetVersions"])
        assert {version["datasetVersionId"]["name"] for version in versions} == named, job
        (first, *_) = api.get("runlineage", "upstream", runId=run)["runs"]
        assert {read["name"] for read in first["inputs"]} <= named
        for node in (f"job:airflow:{job}", f"run:{run}"):
            assert _touched(api.get("lineage", nodeId=node, depth=0)["graph"], job) == expected[job], (job, node)
        for path in (f"/api/v2/jobs/{row.pk}/", f"/api/v2/job-runs/{run}/"):
            uses = client.get(path, headers=headers).json()["datasets"]
            assert {use["name"] or "" for use in uses} == expected[job], path
        if principal.user is None:
            continue
        client.force_login(principal.user)
        for path in (reverse("lineage:job", args=[row.pk]), reverse("lineage:run", args=[run])):
            html = client.get(path).content.decode()
            shown = set(re.findall(r'<a class="dc-name" href="/datasets/\d+/">([^<]*)</a>', html))
            assert {name.replace("<wbr>", "") for name in shown} == named, path
            assert ("Hidden dataset" in html) == ("" in expected[job]), path
            assert ("Nothing that you may be told" in html) == (not expected[job]), path
        client.logout()


def _touched(graph: list[dict], job: str) -> set[str]:
    """What the edges of the job's node lead to or from; a hidden one has no name."""
    (node,) = (one for one in graph if one["id"] == f"job:airflow:{job}")
    ends = {edge["origin"] for edge in node["inEdges"]} | {edge["destination"] for edge in node["outEdges"]}
    return {"" if end.startswith("dataset:hidden:") else end.rpartition(":")[2] for end in ends}


def test_the_runs_before_a_reading_that_is_not_told_are_not_told(cast) -> None:
    """`before` made what `inside` read; the outsider may know both jobs, and of no dataset that joins them."""
    of = {"runId": RUNS["inside"]}
    assert [run["run"]["id"] for run in Api(cast["outsider"]).get("runlineage", "upstream", **of)["runs"]] == [
        RUNS["inside"]
    ]
    assert RUNS["before"] in {
        run["run"]["id"] for run in Api(cast["analyst"]).get("runlineage", "upstream", **of)["runs"]
    }
