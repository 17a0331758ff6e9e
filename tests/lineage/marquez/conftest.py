from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from accounts.models import Principal
from lineage.draining import drain
from tests.factories import bearer, person

Json = Any


class Api:
    """A client of Marquez's API with a token: every name in a path is encoded as its clients encode it."""

    def __init__(self, principal: Principal, *scopes: str) -> None:
        self.principal = principal
        self._headers = bearer(principal, *(scopes or ("lineage:read", "lineage:write")))
        self._client = Client()

    def send(self, method: str, *parts: str, body: Any = None, **query: Any) -> Any:
        path = "/api/v1/" + "/".join(quote(part, safe="") for part in parts)
        text = urlencode(query, doseq=True)
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.generic(
            method, f"{path}?{text}" if text else path, content, "application/json", headers=self._headers
        )

    def get(self, *parts: str, **query: Any) -> Json:
        return self._good("GET", *parts, **query)

    def put(self, *parts: str, body: Any = None) -> Json:
        return self._good("PUT", *parts, body=body)

    def post(self, *parts: str, body: Any = None, **query: Any) -> Json:
        return self._good("POST", *parts, body=body, **query)

    def delete(self, *parts: str) -> Json:
        return self._good("DELETE", *parts)

    def _good(self, method: str, *parts: str, **given: Any) -> Json:
        answer = self.send(method, *parts, **given)
        assert answer.status_code in (200, 201), (answer.status_code, answer.content)
        return json.loads(answer.content)

    def sends(self, *events: Any) -> None:
        """Events, taken in and folded."""
        answer = self._client.post(
            "/api/v1/lineage/batch", json.dumps(list(events)), "application/json", headers=self._headers
        )
        assert answer.status_code == 204, answer.content
        drain()


@pytest.fixture
def administrator(db: None) -> Principal:
    return person("ada", administrator=True)


@pytest.fixture
def api(administrator: Principal) -> Api:
    """Who sees everything."""
    return Api(administrator)
