"""The intake ahead of Django: what middleware does elsewhere, and what happens without a database."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiToken
from config.wsgi import application
from lineage.models import Event
from tests.factories import bearer, person, pipeline
from tests.lineage.events import run_event

pytestmark = pytest.mark.django_db


class Answer:
    def __init__(self, **environ) -> None:
        body = environ.pop("body", None)
        body = json.dumps(run_event()).encode() if body is None else body
        base = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/api/v1/lineage", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
            "HTTP_HOST": "localhost:8000", "wsgi.url_scheme": "http", "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "QUERY_STRING": "",
        }  # fmt: skip
        self.body = b"".join(application(base | environ, self._start))

    def _start(self, status, headers, exc_info=None) -> None:
        self.status = int(status.split()[0])
        self.headers = dict(headers)


@pytest.fixture
def authorized(sender) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": bearer(sender, "lineage:write")["Authorization"]}


@pytest.fixture(autouse=True)
def open_connection(monkeypatch):
    """The test's transaction must outlive what the intake does between requests."""
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/"])
def test_an_event_never_meets_django(authorized, path):
    answer = Answer(PATH_INFO=path, **authorized)
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (201, b"", "0")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in answer.headers
    assert Event.objects.count() == 1


def test_a_batch_is_answered_as_the_specification_says(authorized):
    body = json.dumps([run_event(), {}]).encode()
    answer = Answer(PATH_INFO="/api/v1/lineage/batch", body=body, **authorized)
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "partial_success"


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/api/v1/lineage", 401)])
def test_other_requests_go_to_django(path, status):
    answer = Answer(REQUEST_METHOD="GET", PATH_INFO=path, body=b"")
    assert answer.status == status
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("host", ["evil.example.org", "localhost/x", "", "a b"])
def test_a_host_that_is_not_ours_is_400(authorized, host):
    assert Answer(**authorized | {"HTTP_HOST": host, "SERVER_NAME": "evil.example.org"}).status == 400
    assert Event.objects.count() == 0


def test_a_length_that_is_no_number_is_400(authorized):
    assert Answer(**authorized | {"CONTENT_LENGTH": "-1"}).status == 400
    assert Answer(**authorized | {"CONTENT_LENGTH": "١"}).status == 400


def test_a_body_that_ends_too_soon_is_400(authorized):
    assert Answer(**authorized | {"CONTENT_LENGTH": "1000000"}).status == 400
    assert Answer(**authorized | {"CONTENT_LENGTH": "100000"}).status == 400


def test_a_large_body_is_not_read_for_whoever_has_no_token():
    class Unread(io.BytesIO):
        def read(self, *_):
            raise AssertionError("The body was read.")

    unknown = "Bearer " + bearer(pipeline(), "lineage:write")["Authorization"].split()[1]
    ApiToken.objects.all().delete()
    for length in ({"CONTENT_LENGTH": "1000000"}, {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}):
        answer = Answer(**{"wsgi.input": Unread(), "HTTP_AUTHORIZATION": unknown} | length)
        assert answer.status == 401


def test_where_the_site_has_https_a_token_in_clear_is_refused_and_not_redirected(authorized, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 3600
    answer = Answer(**authorized)
    assert answer.status == 403
    assert "Location" not in answer.headers
    secure = Answer(**authorized | {"wsgi.url_scheme": "https"})
    assert secure.status == 201
    assert secure.headers["Strict-Transport-Security"].startswith("max-age=3600")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert Answer(**authorized | {"HTTP_X_FORWARDED_PROTO": "https"}).status == 201
    assert Answer(**authorized | {"HTTP_X_FORWARDED_PROTO": "http", "wsgi.url_scheme": "https"}).status == 403


def test_one_statement_accepts_an_event(authorized):
    Answer(**authorized)
    with CaptureQueriesContext(connection) as asked:
        assert Answer(**authorized).status == 201
    [only] = asked
    assert "INSERT INTO lineage_event" in only["sql"]


def test_the_use_of_a_token_is_noted_once_a_minute(authorized):
    Answer(**authorized)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    Answer(**authorized)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - dt.timedelta(minutes=2))
    Answer(**authorized)
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None and noted >= first


def disable_principal() -> None:
    principal = ApiToken.objects.get().principal
    principal.disabled_at = timezone.now()
    principal.save()


@pytest.mark.parametrize(
    "end",
    [
        lambda: ApiToken.objects.update(revoked_at=timezone.now()),
        lambda: ApiToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1)),
        disable_principal,
    ],
    ids=["revoked", "expired", "disabled"],
)
@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/batch"])
def test_a_token_that_ended_is_refused_at_the_next_call(authorized, end, path):
    body = json.dumps([run_event()] if "batch" in path else run_event()).encode()
    assert Answer(PATH_INFO=path, body=body, **authorized).status in (201, 204)
    end()
    assert Answer(PATH_INFO=path, body=json.dumps(run_event()).encode(), **authorized).status == 401
    assert Event.objects.count() == 1


def test_the_token_of_a_person_who_left_is_refused():
    leaver = person()
    authorized = {"HTTP_AUTHORIZATION": bearer(leaver, "lineage:write")["Authorization"]}
    assert Answer(**authorized).status == 201
    leaver.user.is_active = False
    leaver.user.save()
    assert Answer(**authorized).status == 401


def test_without_a_database_the_answer_is_503_and_when_to_come_again(authorized, monkeypatch, caplog):
    def gone() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", gone)
    answer = Answer(**authorized)
    assert (answer.status, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0
    assert "connection refused" in caplog.text
    assert b"connection refused" not in answer.body
