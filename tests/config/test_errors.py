"""What is answered where the database does not, and what an error's page tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from common.errors import Invalid
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def person() -> factories.Principal:
    return factories.person("ana")


def lose_the_database() -> None:
    """End this thread's session on the server: every later statement of it fails."""
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.fixture(autouse=True)
def reconnected() -> Iterator[None]:
    yield
    connection.close()


def test_a_page_without_its_database_is_503_although_middleware_raises(
    client: Client, person: factories.Principal
) -> None:
    client.force_login(person.user)
    lose_the_database()
    answer = client.get("/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Not available now" in answer.text
    assert "database does not answer" in answer.text


def test_an_api_without_its_database_is_503_in_problem_details(client: Client, person: factories.Principal) -> None:
    headers = factories.bearer(person, "catalog:read")
    lose_the_database()
    for url in ("/api/v2/datasets/", "/api/v2/tokens/"):
        answer = client.get(url, headers=headers)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:catalog:problem:unavailable"


def test_what_the_framework_refuses_has_a_title_too(client: Client, person: factories.Principal) -> None:
    headers = factories.bearer(person, "catalog:read", "catalog:write")
    answer = client.delete("/api/v2/datasets/", headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (405, "Method not allowed")
    answer = client.post("/api/v2/tags/", {"name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (415, "Unsupported media type")


def test_the_intake_without_its_database_is_503(client: Client) -> None:
    headers = factories.bearer(factories.pipeline(), "lineage:write")
    lose_the_database()
    answer = client.post("/api/v1/lineage", "{}", content_type="application/json", headers=headers)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def losing(request: HttpRequest) -> HttpResponse:
    """A view during which the server ends the session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return HttpResponse()


def refusing(request: HttpRequest) -> HttpResponse:
    raise Invalid("Correct the fields named below.", {"host": ["<b> is no host."], "": ["Nothing else fits."]})


urlpatterns = [path("losing", losing), path("refusing", refusing), path("", include("config.urls"))]
handler500 = "config.errors.server_error"


@override_settings(ROOT_URLCONF="tests.config.test_errors")
def test_a_database_lost_in_a_view_is_503(client: Client, person: factories.Principal) -> None:
    client.force_login(person.user)
    answer = client.get("/losing")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "database does not answer" in answer.text


@override_settings(ROOT_URLCONF="tests.config.test_errors")
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_an_errors_page_names_the_fields(client: Client, headers: dict[str, str]) -> None:
    answer = client.get("/refusing", headers=headers)
    assert answer.status_code == 422
    assert "<li>host: &lt;b&gt; is no host.</li>" in answer.text
    assert "<li>Nothing else fits.</li>" in answer.text
