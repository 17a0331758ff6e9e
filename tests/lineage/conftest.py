from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import Principal
from tests.factories import bearer, pipeline


@pytest.fixture
def sender(db: None) -> Principal:
    """A pipeline that sends events."""
    return pipeline("nightly")


@pytest.fixture
def headers(sender: Principal) -> dict[str, str]:
    return bearer(sender, "lineage:write")


@pytest.fixture
def post(client: Client, headers: dict[str, str]):
    """POST an event (bytes, or anything that JSON holds) to the intake; gives the response."""

    def send(event, *, path: str = "/api/v1/lineage", headers_: dict[str, str] | None = None, **extra):
        content_type = extra.pop("content_type", "application/json")
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return client.generic("POST", path, body, content_type, headers=headers | (headers_ or {}), **extra)

    return send
