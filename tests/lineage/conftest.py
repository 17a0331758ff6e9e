from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts.models import Principal
from accounts.tokens import mint
from lineage.draining import drain
from lineage.intake import accept_batch
from tests.factories import bearer, pipeline
from tests.lineage.events import run_event


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


@pytest.fixture
def flow(db):
    """Fold runs given as "reads > job > writes", names apart by commas."""
    sender = pipeline()
    token = mint(principal=sender, name="flow", scopes=["lineage:write"], by=sender).token

    def folded(*lines: str) -> None:
        events = []
        for line in lines:
            inputs, job, outputs = (part.strip() for part in line.split(">"))
            events.append(run_event(job=job, inputs=_names(inputs), outputs=_names(outputs)))
        accept_batch(json.dumps(events).encode(), token=token)
        drain()

    return folded


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]
