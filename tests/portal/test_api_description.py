"""The API's description is kept beside the tests: a change of the API is a change of this file, seen in review."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests import factories

SNAPSHOT = Path(__file__).with_name("openapi.json")


@pytest.mark.django_db
def test_the_api_is_described_as_reviewed() -> None:
    client = Client()
    client.force_login(factories.person().user)
    described = client.get("/api/v2/openapi.json").json()
    if os.environ.get("UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    reviewed = json.loads(SNAPSHOT.read_text())
    changed = sorted(
        f"{method} {path}"
        for path in described["paths"].keys() | reviewed["paths"].keys()
        for method in described["paths"].get(path, {}).keys() | reviewed["paths"].get(path, {}).keys()
        if described["paths"].get(path, {}).get(method) != reviewed["paths"].get(path, {}).get(method)
    )
    assert changed == [], "Look at the change, then run this test with UPDATE_SNAPSHOT=1."
    assert described == reviewed


@pytest.mark.django_db
def test_the_description_is_made_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", "--fail-on-warn", "--file", str(tmp_path / "openapi.yaml"))


@pytest.mark.django_db
def test_the_description_is_built_once_compressed_where_asked_and_not_sent_again_unchanged(monkeypatch) -> None:
    client = Client()
    client.force_login(factories.person().user)
    address = "/api/v2/openapi.json"
    plain = client.get(address)

    def built_again(*_: object, **__: object) -> None:
        raise AssertionError("It was built again.")

    monkeypatch.setattr(SchemaGenerator, "get_schema", built_again)
    zipped = client.get(address, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert zipped["Content-Encoding"] == "gzip" and len(zipped.content) < len(plain.content) / 5
    assert gzip.decompress(zipped.content) == plain.content
    for refused in ("identity", "gzip;q=0, br", ""):
        assert client.get(address, headers={"Accept-Encoding": refused}).content == plain.content
    assert "Accept-Encoding" in plain["Vary"] and plain["Cache-Control"] == "private, no-cache"
    again = client.get(address, headers={"If-None-Match": zipped["ETag"], "Accept-Encoding": "gzip"})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", plain["ETag"])
    assert Client().get(address, headers={"If-None-Match": plain["ETag"]}).status_code == 401


@pytest.mark.django_db
def test_a_token_that_lacks_a_scope_is_told_which() -> None:
    headers = factories.bearer(factories.person(administrator=True), "lineage:read")
    refused = Client().get("/api/v2/datasets/", headers=headers)
    told = refused.json()
    assert (refused.status_code, told["title"], told["type"]) == (403, "Not allowed", "urn:catalog:problem:forbidden")
    assert "lacks the scope catalog:read." in told["detail"]
