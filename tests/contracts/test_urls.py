"""Every URL answers every reader as the table says, and no URL is outside the table."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from tests.contracts.answers import check_headers, check_page, check_tells_no_password
from tests.contracts.url_table import ROWS
from tests.contracts.url_visit import ROUTES, Row, visit
from tests.contracts.world import World

pytestmark = pytest.mark.django_db

WRITES = [row for row in ROWS if row.method != "GET"]


def _is_administration(name: str) -> bool:
    """Django's own administration, for which there is one rule."""
    return name.startswith(("admin:", "admin/"))


def test_every_url_is_in_the_table() -> None:
    listed = {row.name for row in ROWS}
    missing = [name for name in ROUTES if name not in listed and not _is_administration(name)]
    assert not missing, f"Say in tests/contracts/url_table.py who may see these: {missing}"
    assert not listed - set(ROUTES), "The table lists URLs that are gone."


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_reader_gets_what_the_table_says(world: World, row: Row, caplog: pytest.LogCaptureFixture) -> None:
    assert world.ontrack.connection is not None and world.ontrack.connection.has_secret
    answers = {}
    for persona in row.statuses:
        # Everything is logged of one visit alone: templates log a traceback of each variable that is not there.
        with caplog.at_level(logging.DEBUG if persona == "administrator" else logging.INFO):
            answers[persona] = visit(world, row, persona)
    assert {persona: answer.status_code for persona, answer in answers.items()} == row.statuses
    for persona, answer in answers.items():
        _check_form(row, persona, answer)
        check_tells_no_password(answer, caplog.text)
    if row.method == "GET" and (row.page or row.name in ("healthz", "dataset-list")):
        check_headers(answers["administrator"])
    if row.method == "GET" and row.page:
        check_page(answers["administrator"])


def _check_form(row: Row, persona: str, answer: Any) -> None:
    """A refusal is a page for people and problem details for programs; the sign-in knows where to return."""
    if ROUTES[row.name].is_api:
        if answer.status_code >= 400 and row.name.startswith("decision_point:"):
            # AuthZEN wants a sentence and nothing around it.
            assert answer.json().endswith("."), answer.json()
        elif answer.status_code >= 400 and row.name != "api-docs":
            assert answer["Content-Type"] == "application/problem+json", persona
            problem = answer.json()
            assert problem["status"] == answer.status_code
            assert problem["detail"].endswith((".", "?", "”")), problem
        if answer.status_code == 401:
            assert answer["WWW-Authenticate"].startswith("Bearer")
    elif answer.status_code in (403, 404):
        assert b"<h1" in answer.content, (persona, "a refusal that is no page")
    elif answer.status_code == 302 and persona == "anonymous" and not _is_of_the_sign_in(row):
        assert answer["Location"].startswith("/accounts/login/?next=/"), answer["Location"]


def _is_of_the_sign_in(row: Row) -> bool:
    return row.name.startswith(("account_", "mfa_"))


@pytest.mark.parametrize("name", [name for name in ROUTES if _is_administration(name) and not ROUTES[name].parameters])
def test_administration_is_for_administrators(world: World, name: str) -> None:
    row = Row("GET", name, "302 302 302 302 200")
    for persona in ("anonymous", "outsider", "analyst", "steward"):
        answer = visit(world, row, persona)
        # Signing out and the sign-in are for everybody; both lead on or show a form, and nothing else.
        assert answer.status_code in ((302,) if name != "admin:login" else (200, 302)), persona
    assert visit(world, row, "administrator").status_code < 500


@pytest.mark.parametrize("row", [row for row in WRITES if not row.name.startswith("lineage:intake")], ids=str)
def test_a_session_without_csrf_token_writes_nothing(world: World, row: Row) -> None:
    administrator = world.persona("administrator")
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    assert administrator.user is not None
    client.force_login(administrator.user)
    answer = client.generic(row.method, row.path(world), b"{}", "application/json")
    if row.path(world).startswith(("/api/v1/", "/access/v1/")):
        # The intake and the decision point take tokens only; a session is nothing to them.
        assert answer.status_code == 401
        return
    assert answer.status_code == 403
    assert b"CSRF" in answer.content or b"page" in answer.content
