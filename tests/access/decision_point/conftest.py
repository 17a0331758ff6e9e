from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from access.models import Grant
from access.states import GrantState
from accounts.models import Principal
from catalog.models import Dataset, Field
from config.wsgi import application
from tests.factories import Cast, bearer, personas, pipeline


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Got]


@pytest.fixture
def cast(db: None) -> Cast:
    return personas()


@pytest.fixture(autouse=True)
def open_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's transaction must outlive what the decision point does between requests."""
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


@pytest.fixture
def ask(db: None) -> Ask:
    """POST to the application as its server calls it: a value is sent as JSON, bytes as they are."""
    token = bearer(pipeline("trino"), "access:decide")["Authorization"]

    def post(path: str, sent: Any = b"", *, authorization: str | None = token, **environ: str) -> Got:
        body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
        got: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            got.update(status=int(status.split()[0]), headers=dict(headers))

        base = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "HTTP_HOST": "localhost:8000", "wsgi.url_scheme": "http", "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "QUERY_STRING": "",
        }  # fmt: skip
        if authorization:
            base["HTTP_AUTHORIZATION"] = authorization
        answer = b"".join(application(base | environ, start))
        return Got(got["status"], got["headers"], answer)

    return post


def grant(to: Principal, dataset: Dataset, *fields: Field, **more: Any) -> Grant:
    now = timezone.now()
    return Grant.objects.create(
        **{
            "principal": to,
            "dataset": dataset,
            "field_ids": sorted(field.pk for field in fields),
            "state": GrantState.RECORDED,
            "valid_from": now - dt.timedelta(days=1),
            "valid_to": now + dt.timedelta(days=1),
            "granted_by": Principal.objects.system(),
        }
        | more
    )
