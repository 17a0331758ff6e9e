from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import Principal
from accounts.tokens import mint
from lineage.draining import drain
from lineage.intake import accept_batch
from stack.supervision import wait_until
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


@pytest.fixture(scope="session")
def server(django_db_setup) -> Iterator[str]:
    """The address of granian, as in production, which serves the database of these tests."""
    with closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    parts = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
         "--blocking-threads", "4", "config.wsgi:application"],
        env=os.environ | {"DATABASE_URL": database, "PYTHONPATH": os.pathsep.join(["", *sys.path])},
        cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def answers() -> bool:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as client:
                client.request("GET", "/healthz")
                return client.getresponse().status == 200
        except OSError:
            return False

    try:
        assert wait_until(lambda: process.poll() is not None or answers(), seconds=60) and process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
