"""Marquez shows everything to everybody; here each reader sees what the catalog shows them, and counts count that."""

from __future__ import annotations

import json

import pytest

from accounts.models import DomainRole
from accounts.tokens import mint
from catalog.models import Dataset, Tier
from lineage.draining import drain
from lineage.intake import accept_batch
from tests import factories
from tests.lineage.events import dataset as told_dataset
from tests.lineage.events import run_event, run_id
from tests.lineage.marquez.conftest import Api
from tests.lineage.marquez.world import column_lineage, facets

pytestmark = pytest.mark.django_db

RUN = "00000000-0000-7000-8000-0000000000f1"


class Place:
    """A secret dataset that flows into one which everybody may discover, and on into one that the analyst reads."""

    def __init__(self) -> None:
        payroll = factories.domain("Payroll", open_tier=Tier.NONE)
        teaching = factories.domain("Teaching", open_tier=Tier.DISCOVER)
        self.secret = factories.dataset("salaries", domain=payroll)
        self.open = factories.dataset("units", domain=teaching)
        self.report = factories.dataset("report", domain=teaching)
        self.analyst, self.outsider = factories.person("ana"), factories.person("otto")
        factories.role(teaching, self.analyst, DomainRole.ANALYST)

    def id_of(self, one: Dataset) -> str:
        return f"dataset:{one.namespace}:{one.qualified_name}"


@pytest.fixture
def place(db: None) -> Place:
    found = Place()
    sender = factories.pipeline("nightly")
    token = mint(principal=sender, name="t", scopes=["lineage:write"], by=sender).token

    def named(one: Dataset, **told: object) -> dict:
        return told_dataset(one.qualified_name, namespace=one.namespace, **told)

    source = column_lineage(
        "id", found.secret.qualified_name, "id", type="DIRECT", subtype="IDENTITY", description="as is"
    )
    source["fields"]["id"]["inputFields"][0]["namespace"] = found.secret.namespace
    events = [
        run_event(
            "COMPLETE", job="pay", run=RUN, seconds=1, inputs=[named(found.secret)],
            outputs=[named(found.open, **facets(columnLineage=source))],
            job_facets=facets(sql={"query": "SELECT salary FROM salaries"}),
        ),
        run_event("COMPLETE", job="report", run=run_id(), seconds=2, inputs=[named(found.open)], outputs=[named(found.report)]),
        run_event("COMPLETE", job="payout", run=run_id(), seconds=3, inputs=[named(found.secret)]),
    ]  # fmt: skip
    accept_batch(json.dumps(events).encode(), token=token)
    drain()
    return found


def test_nothing_betrays_what_is_hidden(place: Place) -> None:
    for principal in (place.analyst, place.outsider):
        api = Api(principal)
        answers = [
            api.get("namespaces"), api.get("sources"), api.get("jobs"), api.get("search", q="%"), api.get("search", q="sal"),
            api.get("namespaces", place.open.namespace, "datasets", place.open.qualified_name),
            api.get("namespaces", "airflow", "jobs", "pay"), api.get("namespaces", "airflow", "jobs", "pay", "runs"),
            api.get("namespaces", "airflow", "jobs", "pay", "versions"), api.get("jobs", "runs", RUN),
            api.get("jobs", "runs", RUN, "facets", type="job"), api.get("events", "lineage"),
            api.send("GET", "lineage", nodeId=place.id_of(place.open)).json(), api.get("lineage", nodeId="job:airflow:pay"),
            api.get("lineage", nodeId=f"run:{RUN}"),
        ]  # fmt: skip
        text = json.dumps(answers)
        assert "salar" not in text
        assert place.secret.namespace not in text


def test_what_is_hidden_is_404(place: Place) -> None:
    api = Api(place.outsider)
    secret = place.secret
    for parts in (
        ("namespaces", secret.namespace), ("sources", secret.namespace), ("namespaces", "airflow", "jobs", "payout"),
        ("namespaces", secret.namespace, "datasets", secret.qualified_name),
        ("namespaces", secret.namespace, "datasets", secret.qualified_name, "versions"),
    ):  # fmt: skip
        assert api.send("GET", *parts).status_code == 404, parts
    for address in ("lineage", "column-lineage"):
        assert api.send("GET", address, nodeId=place.id_of(secret)).status_code == 404
        assert api.send("GET", address, nodeId=place.id_of(place.open)).status_code == 403


def test_counts_count_what_is_visible(place: Place) -> None:
    everything, some = Api(factories.person("ada", administrator=True)), Api(place.outsider)
    assert (everything.get("jobs")["totalCount"], some.get("jobs")["totalCount"]) == (3, 2)
    secret = place.secret.namespace
    assert everything.get("namespaces", secret, "datasets")["totalCount"] == 1
    assert some.get("namespaces", secret, "datasets") == {"datasets": [], "totalCount": 0}
    assert (everything.get("search", q="%")["totalCount"], some.get("search", q="%")["totalCount"]) == (6, 4)
    for what, all_, visible in (("jobs", 3, 2), ("datasets", 3, 2), ("sources", 3, 2)):
        assert everything.get("stats", what)[-1]["count"] == all_
        assert some.get("stats", what)[-1]["count"] == visible
    assert everything.get("events", "lineage")["totalCount"] == 3
    assert some.get("events", "lineage")["totalCount"] == 0
    assert sum(one["complete"] for one in everything.get("stats", "lineage-events")) == 3
    assert sum(one["complete"] for one in some.get("stats", "lineage-events")) == 0


def test_a_hidden_dataset_is_an_anonymous_node(place: Place) -> None:
    graph = Api(place.analyst).get("lineage", nodeId=place.id_of(place.open))["graph"]
    ids = {node["id"] for node in graph}
    assert ids == {
        "dataset:hidden:1", "job:airflow:pay", place.id_of(place.open), "job:airflow:report", place.id_of(place.report)
    }  # fmt: skip


def test_who_may_only_discover_a_dataset_sees_its_name_alone(place: Place) -> None:
    of = ("namespaces", place.open.namespace, "datasets", place.open.qualified_name)
    found = Api(place.outsider).get(*of)
    assert (found["fields"], found["facets"], found["columnLineage"], found["description"]) == ([], {}, [], "")
    read = Api(place.analyst).get(*of)
    assert [field["name"] for field in read["fields"]] == ["id", "name", "email"]


def test_facets_that_name_what_is_hidden_are_left_out(place: Place) -> None:
    of = ("namespaces", place.open.namespace, "datasets", place.open.qualified_name)
    assert "columnLineage" not in Api(place.analyst).get(*of)["facets"]
    everything = Api(factories.person("ada", administrator=True)).get(*of)
    assert everything["facets"]["columnLineage"]["fields"]
    assert everything["columnLineage"][0]["inputFields"][0]["transformationDescription"] == "as is"


def test_the_code_of_a_job_is_for_those_who_may_read_all_of_it(place: Place) -> None:
    steward = factories.person("stella")
    factories.role(place.open.domain, steward, DomainRole.STEWARD)
    assert Api(steward).get("namespaces", "airflow", "jobs", "pay")["facets"] == {}
    factories.role(place.secret.domain, steward, DomainRole.STEWARD)
    again = Api(type(steward).objects.get(pk=steward.pk))
    assert "sql" in again.get("namespaces", "airflow", "jobs", "pay")["facets"]


def test_a_noted_namespace_does_not_betray_its_datasets(place: Place) -> None:
    everything = Api(factories.person("ada", administrator=True))
    everything.put("namespaces", place.secret.namespace, body={"ownerName": "payroll"})
    everything.put("namespaces", "empty", body={"ownerName": "nobody"})
    names = [one["name"] for one in Api(place.outsider).get("namespaces")["namespaces"]]
    assert "empty" in names and place.secret.namespace not in names


def test_a_session_reads(place: Place, client: object) -> None:
    client.force_login(place.analyst.user)  # type: ignore[attr-defined]
    answer = client.get("/api/v1/jobs")  # type: ignore[attr-defined]
    assert answer.status_code == 200 and answer.json()["totalCount"] == 2


def test_whoever_notes_a_namespace_or_a_source_does_not_learn_whether_anything_is_there(place: Place) -> None:
    api, other = Api(place.outsider), Api(place.analyst)
    bodies = {"namespaces": {"ownerName": "otto"}, "sources": {"type": "POSTGRESQL", "connectionUrl": "x"}}
    for what, body in bodies.items():
        for name in (place.secret.namespace, "postgres://nowhere:5432"):
            api.put(what, name, body=body)
            assert api.send("GET", what, name).status_code == 200
            assert name in {one["name"] for one in api.get(what)[what]}
        assert place.secret.namespace not in {one["name"] for one in other.get(what)[what]}
