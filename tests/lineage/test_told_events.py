"""Whoever sends an event chooses what it names and which run it is about: neither opens what is hidden."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from accounts.models import Principal
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

PARENT = "00000000-0000-7000-8000-0000000000aa"


def _send(by: Principal, *events: Mapping[str, Any]) -> None:
    token = mint(principal=by, name="events", scopes=["lineage:write"], by=by).token
    assert not accept_batch(json.dumps(events).encode(), token=token).failed_events
    drain()


def _named(one: Dataset, **told: Any) -> dict[str, Any]:
    return told_dataset(one.qualified_name, namespace=one.namespace, **told)


@pytest.fixture
def secret(db: None) -> Dataset:
    return factories.dataset("salaries", domain=factories.domain("Payroll", open_tier=Tier.NONE))


@pytest.fixture
def open_(db: None) -> Dataset:
    return factories.dataset("units", domain=factories.domain("Teaching", open_tier=Tier.PROFILE))


@pytest.fixture
def otto(db: None) -> Principal:
    return factories.person("otto")


def _all_that_is_read(reader: Principal, run: str) -> str:
    """The log, and the run on every face."""
    api, client = Api(factories.fresh(reader), "lineage:read"), Client()
    assert reader.user is not None
    client.force_login(reader.user)
    answers = [api.get("events", "lineage"), api.send("GET", "jobs", "runs", run).json()]
    answers += [api.send("GET", "jobs", "runs", run, "facets", type=kind).json() for kind in ("run", "job")]
    pages = [client.get(f"/jobs/runs/{run}/").text, client.get(f"/api/v2/job-runs/{run}/").text]
    return json.dumps(answers) + "".join(pages)


def test_an_earlier_event_about_the_run_of_another_job_does_not_open_it(
    secret: Dataset, open_: Dataset, otto: Principal
) -> None:
    pay = run_event(
        "COMPLETE", job="pay", run=PARENT, seconds=5, inputs=[_named(secret, fields=["iban"])],
        run_facets=facets(errorMessage={"message": "no iban in line 5", "programmingLanguage": "SQL"}),
    )  # fmt: skip
    child = run_event(
        "COMPLETE", job="child", run=run_id(), seconds=6, outputs=[_named(open_)],
        run_facets=facets(parent={"run": {"runId": PARENT}, "job": {"namespace": "airflow", "name": "pay"}}),
    )  # fmt: skip
    _send(factories.pipeline("nightly"), pay, child)
    _send(otto, run_event("START", job="mine", namespace="otto", run=PARENT, seconds=-60))
    found = _all_that_is_read(otto, PARENT)
    assert "mine" in found  # the run is his by now, for the earliest event says so
    assert "salaries" not in found
    assert "iban" not in found


def test_an_event_is_told_without_what_it_names_and_the_reader_may_not_read(
    secret: Dataset, open_: Dataset, otto: Principal
) -> None:
    source = column_lineage("id", secret.qualified_name, "iban", type="DIRECT", subtype="IDENTITY", description="as is")
    source["fields"]["id"]["inputFields"][0]["namespace"] = secret.namespace
    dependencies = {"upstream": [{"job": {"namespace": "airflow", "name": "pay"}}], "downstream": []}
    load = run_event(
        "COMPLETE", job="load", run=PARENT, seconds=5, outputs=[_named(open_, fields=["id"], **facets(columnLineage=source))],
        run_facets=facets(jobDependencies=dependencies),
    )  # fmt: skip
    _send(factories.pipeline("nightly"), run_event("START", job="pay", inputs=[_named(secret)]), load)
    (told,) = Api(otto, "lineage:read").get("events", "lineage")["events"]
    assert told["run"]["runId"] == PARENT
    assert set(told["outputs"][0]["facets"]) == {"schema"}
    assert told["run"]["facets"] == {}
    found = _all_that_is_read(otto, PARENT)
    assert "salaries" not in found
    assert "iban" not in found
    everything = _all_that_is_read(factories.person("ada", administrator=True), PARENT)
    assert "iban" in everything


def test_whoever_sent_an_event_reads_it_whole(secret: Dataset, otto: Principal) -> None:
    _send(otto, run_event("START", job="mine", namespace="otto", run=PARENT, inputs=[_named(secret, fields=["iban"])]))
    (told,) = Api(otto, "lineage:read").get("events", "lineage")["events"]
    assert told["inputs"][0]["facets"]["schema"]["fields"] == [{"name": "iban", "type": "text"}]
