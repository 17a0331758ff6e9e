"""Figures for Prometheus: who reads them, what they say, what they cost."""

from __future__ import annotations

import json
import math

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from access.actions import approve_request, request_access
from accounts.tokens import mint
from audit.models import Delivery
from config.heartbeats import WORKER_KEY_PREFIX
from lineage.draining import drain
from lineage.intake import accept_batch
from tests.config.test_watching import Signs, signs
from tests.factories import Cast, bearer, personas, pipeline, service
from tests.lineage.events import run_event

__all__ = ["signs"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    return personas()


def scraped(client: Client) -> dict[str, float]:
    answer = client.get("/metrics", headers=bearer(service(), "metrics:read"))
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain; version=")
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            label = ",".join(sample.labels.values())
            found[f"{sample.name}{{{label}}}" if label else sample.name] = sample.value
    return found


def send(*events: dict) -> None:
    sender = pipeline()
    token = mint(principal=sender, name="x", scopes=["lineage:write"], by=sender).token
    accept_batch(json.dumps(list(events)).encode(), token=token)


def test_services_with_the_scope_and_administrators_read_them(cast: Cast, client: Client, signs: Signs) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer(service(), "catalog:read")).status_code == 403
    assert client.get("/metrics", headers=bearer(cast.steward, "metrics:read")).status_code == 403
    assert client.get("/metrics", headers=bearer(cast.administrator, "metrics:read")).status_code == 200
    client.force_login(cast.steward.user)
    assert client.get("/metrics").status_code == 403
    client.force_login(cast.administrator.user)
    assert client.get("/metrics").status_code == 200


def test_they_tell_of_events_and_jobs(cast: Cast, client: Client, signs: Signs) -> None:
    before = scraped(client)
    send(run_event("FAIL", job="a", outputs=["x"]), run_event("COMPLETE", job="b", outputs=["y"]))
    waiting = scraped(client)
    assert waiting["catalog_events_accepted_total"] == before["catalog_events_accepted_total"] + 2
    assert (waiting["catalog_events_pending"], waiting["catalog_fold_lag_seconds"] > 0) == (2, True)
    drain()
    folded = scraped(client)
    assert (folded["catalog_events_pending"], folded["catalog_fold_lag_seconds"]) == (0, 0)
    assert folded["catalog_events_folded_total"] == folded["catalog_events_accepted_total"]
    assert (folded["catalog_jobs{failed}"], folded["catalog_jobs{completed}"]) == (1, 1)
    send(
        run_event("START", job="c", outputs=["z"]),
        *(run_event(kind, job="d", outputs=["z"]) for kind in ("FAIL", "COMPLETE") for _ in range(9)),
    )
    drain()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE lineage_run")
    found = scraped(client)
    assert found["catalog_runs{running}"] == 1
    assert (found["catalog_runs{failed}"], found["catalog_runs{completed}"]) == (10, 10)
    assert found["catalog_jobs_overdue"] == 1


def test_they_tell_of_access_and_deliveries(cast: Cast, client: Client, signs: Signs) -> None:
    request = request_access(dataset=cast.dataset, purpose="To see.", days=3, by=cast.analyst)
    found = scraped(client)
    assert found["catalog_access_requests{pending}"] == 1
    assert found["catalog_deliveries{pending}"] == Delivery.objects.filter(state="pending").count() > 0
    approve_request(request=request, by=cast.owner)
    assert sum(value for name, value in scraped(client).items() if name.startswith("catalog_grants{")) == 1


def test_they_tell_how_long_ago_workers_were_heard_of(cast: Cast, client: Client, signs: Signs) -> None:
    signs.worker("long", "crawl,analytics", seconds_ago=60)
    found = scraped(client)
    assert found["catalog_broker_up"] == 1
    assert found["catalog_worker_heard_seconds{prompt}"] < 30 < found["catalog_worker_heard_seconds{long}"] < 90
    assert found["catalog_queue_heard_seconds{fold}"] < 30 < found["catalog_queue_heard_seconds{crawl}"] < 90
    assert found["catalog_swept_seconds{access.tasks.expire}"] < 30
    signs.client.delete(f"{WORKER_KEY_PREFIX}long")
    signs.worker("spare", "analytics", seconds_ago=60)
    signs.worker("fresh", "analytics")
    found = scraped(client)
    assert found["catalog_queue_heard_seconds{crawl}"] == math.inf, "nobody is left whose age could pass a limit"
    assert found["catalog_queue_heard_seconds{analytics}"] < 30


def test_without_the_broker_the_other_figures_are_told(cast: Cast, client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    found = scraped(client)
    assert found["catalog_broker_up"] == 0 and "catalog_events_pending" in found


def test_they_cost_as_many_statements_however_much_there_is(cast: Cast, client: Client, signs: Signs) -> None:
    headers = bearer(service(), "metrics:read")

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/metrics", headers=headers).status_code == 200
        return len(captured)

    cost()
    few = cost()
    send(*(run_event("COMPLETE", job=f"job_{n}", outputs=[f"t_{n}"]) for n in range(50)))
    drain()
    assert cost() == few <= 14
