"""The API's description is kept beside the tests: a change of the API is a change of this file, seen in review."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.test import Client

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
