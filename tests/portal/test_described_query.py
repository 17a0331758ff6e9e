"""REST takes the query that it describes; pages take what a browser's form sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import EndpointEnumerator

from common.described_query import DescribedQuery, described_parameters
from portal.api_docs import ApiSchema
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(factories.person().user)
    return client


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("datasets/?knid=table", "knid", "kind"),
        ("datasets/?format=json", "format", "no parameter"),
        ("datasets/?=1", "", "no parameter"),
        ("datasets/?kind=", "kind", "empty"),
        ("datasets/?kind=table&kind=", "kind", "empty"),
        ("datasets/?kind=chair", "kind", "table"),
        ("datasets/?level=1%0A", "level", "matches"),
        ("datasets/?" + "&".join(["tag=a"] * 51), "tag", "50 times"),
        ("datasets/?limit=1&limit=2", "limit", "2 times"),
        ("datasets/?limit=0", "limit", "1 to 200"),
        ("datasets/?limit=5.0", "limit", "whole number"),
        ("datasets/?cursor=", "cursor", "empty"),
        ("search/?sort=", "sort", "-changed"),
        ("search/?q=", "q", "empty"),
        ("search/?q=" + "a" * 201, "q", "200 characters"),
        ("search/facets/?limit=1", "limit", "system"),
        ("grants/?principal=", "principal", "whole number"),
        ("grants/?principal=%D9%A3", "principal", "whole number"),
        ("grants/?state=", "state", "active"),
        ("job-runs/?parent=", "parent", "UUID"),
        ("job-runs/?parent=urn:uuid:00000000-0000-0000-0000-000000000000", "parent", "UUID"),
        ("labels/?current=yes", "current", "true or false"),
        ("levels/?name=public", "name", "cursor, limit"),
    ],
)
def test_a_query_that_is_not_described_is_refused_by_the_parameter_s_name(
    client: Client, query: str, name: str, words: str
) -> None:
    answer = client.get(f"/api/v2/{query}")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [name]
    assert words in answer.json()["errors"][name][0]


@pytest.mark.parametrize(
    "query",
    [
        "datasets/?kind=table&kind=view&level=none&limit=200",
        "search/?q=a&sort=-name&gone=show",
        "grants/?principal=1&state=active",
        "job-runs/?parent=00000000-0000-0000-0000-00000000000A",
        "labels/?current=true",
    ],
)
def test_a_described_query_is_answered(client: Client, query: str) -> None:
    assert client.get(f"/api/v2/{query}").status_code == 200
    assert client.head(f"/api/v2/{query}").status_code == 200


def test_a_write_takes_no_parameters_that_it_does_not_describe(client: Client) -> None:
    answer = client.post("/api/v2/systems/?dry_run=true", {}, content_type="application/json")
    assert answer.json()["errors"]["dry_run"][0].endswith("This takes no parameters.")


def test_who_is_not_signed_in_is_told_that_first() -> None:
    assert Client().get("/api/v2/datasets/?knid=table").status_code == 401


@pytest.mark.parametrize("page", ["/search?q=&sort=&kind=&knid=1", "/runs/?state=&source="])
def test_pages_take_the_empty_fields_of_forms(client: Client, page: str) -> None:
    assert client.get(page, follow=True).status_code == 200


def test_every_view_of_the_api_holds_queries_against_its_description() -> None:
    """And every parameter is described in words that the check knows."""
    described = _described()
    assert len(described) > 50
    for path, route, method, callback in described:
        assert issubclass(callback.cls, DescribedQuery), path
        for name, schema in described_parameters(method, route).items():
            one = schema["items"] if schema["type"] == "array" else schema
            assert one["type"] in ("integer", "boolean", "string"), (path, name)
            assert one.get("format") in (None, "uuid", "int64", "date-time"), (path, name)
            if one["type"] == "string":
                assert {"enum", "format", "minLength"} & one.keys(), (path, name)


def _described() -> list[tuple[str, str, str, Any]]:
    """Paths, URL patterns, methods and callbacks of all views but the description's own.

    `/metrics` is of monitoring systems, which describe what they ask themselves.
    """
    endpoints: list[tuple[str, str, str, Any]] = EndpointEnumerator().get_api_endpoints()
    return [endpoint for endpoint in endpoints if endpoint[3].cls is not ApiSchema and endpoint[0] != "/metrics"]


def test_every_body_s_description_refuses_further_members(client: Client) -> None:
    described = client.get("/api/v2/openapi.json").json()
    bodies = [
        content["schema"]["$ref"].rpartition("/")[2]
        for operations in described["paths"].values()
        for operation in operations.values()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    ]
    assert len(bodies) > 15
    for name in bodies:
        assert described["components"]["schemas"][name]["additionalProperties"] is False, name
