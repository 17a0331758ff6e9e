"""Crawls over REST: asked for, watched, cancelled, scheduled, and pushed by connectors that run elsewhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.test import Client

from accounts.models import DomainRole, Principal
from accounts.tokens import Scope
from catalog.models import Dataset, Domain, Source
from catalog.snapshots import DatasetKind, DatasetSnapshot, SchemaRead, SchemasListed
from ingestion.crawling import run_crawl
from ingestion.models import Run, RunState
from tests.factories import bearer, domain, person, pipeline, role, source

SCHEMA = ("shop", "public")
READING = b"\n".join(
    msgspec.json.encode(value)
    for value in (
        SchemasListed(schemas=(SCHEMA,)),
        DatasetSnapshot(path=(*SCHEMA, "orders"), kind=DatasetKind.TABLE),
        SchemaRead(schema=SCHEMA, datasets=1),
    )
)


@pytest.fixture
def shop(transactional_db: None) -> Source:
    return source("shop", of=domain("Sales"))


@pytest.fixture
def steward(shop: Source) -> Principal:
    keeper = person("keeper")
    role(shop.domain, keeper)
    return keeper


def post(client: Client, url: str, by: Principal, body: object = None, *scopes: str):
    return client.post(url, body or {}, content_type="application/json", headers=bearer(by, *scopes))


def push(client: Client, body: bytes, by: Principal, content_type: str = "application/x-ndjson", *scopes: str):
    headers = bearer(by, *(scopes or (Scope.SNAPSHOT_WRITE,)))
    return client.post("/api/v2/sources/shop/snapshots/", body, content_type=content_type, headers=headers)


def test_pushed_reading_becomes_datasets(client, shop):
    answer = push(client, READING, pipeline("elsewhere"))
    assert answer.status_code == 202, answer.content
    run_crawl(answer.json()["id"])
    assert Run.objects.get().state == RunState.SUCCEEDED
    assert Dataset.objects.get().qualified_name == "shop.public.orders"


def test_push_needs_the_scope_and_the_namespace(client, shop):
    assert push(client, READING, pipeline("reader"), "application/x-ndjson", Scope.CATALOG_READ).status_code == 403
    other = pipeline("other")
    headers = bearer(other, Scope.SNAPSHOT_WRITE)
    other.tokens.update(namespaces=["postgres://elsewhere:5432"])
    url = "/api/v2/sources/shop/snapshots/"
    assert client.post(url, READING, content_type="application/x-ndjson", headers=headers).status_code == 404
    assert not Run.objects.exists()


def test_another_token_of_the_same_pipeline_or_person_opens_no_namespace(client, shop, steward):
    two = pipeline("two")
    for by in (two, steward):
        headers = bearer(by, Scope.SNAPSHOT_WRITE)
        by.tokens.update(namespaces=["postgres://elsewhere:5432"])
        bearer(by, Scope.SNAPSHOT_WRITE)
        url = "/api/v2/sources/shop/snapshots/"
        refused = client.post(url, READING, content_type="application/x-ndjson", headers=headers)
        assert refused.status_code == 403
        assert "may not speak of" in refused.json()["detail"]
    assert not Run.objects.exists()


def test_a_source_that_a_pipeline_may_neither_see_nor_push_to_is_not_there(client, shop):
    Domain.objects.update(open_tier=0)
    other = pipeline("other")
    headers = bearer(other, Scope.SNAPSHOT_WRITE)
    other.tokens.update(namespaces=["postgres://elsewhere:5432"])
    answers = [
        client.post(f"/api/v2/sources/{slug}/snapshots/", READING, content_type="application/x-ndjson", headers=headers)
        for slug in ("shop", "nowhere")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_push_of_something_else_says_what_is_wrong(client, shop):
    by = pipeline("elsewhere")
    assert push(client, b"[]", by, "application/json").status_code in (415, 422)
    broken = push(client, READING + b"\n{oops", by)
    assert broken.status_code == 422
    assert "line 4" in str(broken.json()["errors"])
    assert not Dataset.objects.exists()


def test_steward_asks_for_a_crawl_watches_and_cancels_it(client, shop, steward):
    asked = post(client, "/api/v2/sources/shop/crawl/", steward, {"dry_run": True})
    assert asked.status_code == 202
    run = asked.json()["id"]
    headers = bearer(steward)
    assert client.get(f"/api/v2/runs/{run}/", headers=headers).json()["state"] == "queued"
    assert client.get("/api/v2/runs/?state=queued&source=shop", headers=headers).json()["results"][0]["id"] == run
    assert client.get(f"/api/v2/runs/{run}/log/", headers=headers).json() == []
    assert post(client, "/api/v2/sources/shop/crawl/", steward).status_code == 409
    assert post(client, f"/api/v2/runs/{run}/cancel/", steward).json()["state"] == "cancelled"
    assert post(client, f"/api/v2/runs/{run}/cancel/", steward).status_code == 409
    assert post(client, f"/api/v2/runs/{run}/confirm/", steward).status_code == 409


def test_outsider_knows_nothing_of_runs(client, shop, steward):
    run = post(client, "/api/v2/sources/shop/crawl/", steward).json()["id"]
    outsider = person("outsider")
    assert client.get(f"/api/v2/runs/{run}/", headers=bearer(outsider)).status_code == 404
    assert client.get("/api/v2/runs/", headers=bearer(outsider)).json()["results"] == []
    assert post(client, f"/api/v2/runs/{run}/cancel/", outsider).status_code == 404
    assert post(client, "/api/v2/sources/shop/crawl/", outsider).status_code == 404


def test_owner_sets_the_schedule(client, shop):
    owner = person("owner")
    role(shop.domain, owner, DomainRole.OWNER)
    url = "/api/v2/sources/shop/schedule/"

    def put(body: object) -> Any:
        return client.put(url, body, content_type="application/json", headers=bearer(owner))

    assert put({"cron": "*/5 * * * *"}).json() == {"cron": "*/5 * * * *", "enabled": True}
    assert client.get(url, headers=bearer(owner)).json()["cron"] == "*/5 * * * *"
    assert put({"cron": "often"}).status_code == 422
    assert put({"cron": ""}).json() == {"cron": "", "enabled": False}


def test_source_without_a_connection_says_so(client, shop, steward):
    run = post(client, "/api/v2/sources/shop/crawl/", steward).json()["id"]
    run_crawl(run)
    ended = client.get(f"/api/v2/runs/{run}/", headers=bearer(steward)).json()
    assert (ended["state"], "pushed snapshots" in ended["message"]) == ("failed", True)
