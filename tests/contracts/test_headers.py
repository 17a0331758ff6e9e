"""What every answer carries, and what none may hold."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.contracts.url_table import ROWS
from tests.contracts.url_visit import Row, visit
from tests.contracts.world import CANARY, World

pytestmark = pytest.mark.django_db

READS = [row for row in ROWS if row.method == "GET"]
DIRECTIVES = (
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "script-src 'self'",
)


@pytest.mark.parametrize("row", [row for row in READS if row.page or row.name in ("healthz", "dataset-list")], ids=str)
def test_answers_carry_the_security_headers(world: World, row: Row) -> None:
    answer = visit(world, row, "administrator")
    policy = answer["Content-Security-Policy"]
    assert all(directive in policy for directive in DIRECTIVES), policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("row", [row for row in READS if row.page], ids=str)
def test_pages_hold_no_inline_script_style_or_handler(world: World, row: Row) -> None:
    """The policy would block them; a page that has one is broken."""
    text = visit(world, row, "administrator").content.decode().lower()
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert "javascript:" not in text


def test_a_password_is_in_no_answer_and_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert world.ontrack.connection is not None and world.ontrack.connection.has_secret
    caplog.set_level(logging.DEBUG)
    shown = {json.dumps(CANARY)[1:-1], CANARY, CANARY.replace("&", "&amp;"), CANARY.replace("&", "%26")}
    for row in ROWS:
        answer = visit(world, row, "administrator")
        text = answer.content.decode(errors="replace") + str(dict(answer.items()))
        assert not any(form in text for form in shown), f"{row} tells the password"
    assert not any(form in caplog.text for form in shown)


def test_a_failed_check_of_a_connection_does_not_tell_the_password(world: World) -> None:
    row = next(row for row in ROWS if row.name == "source-check")
    answer = visit(world, row, "administrator").json()
    assert answer["ok"] is False
    assert answer["reason"]
    assert "canary" not in json.dumps(answer)


def test_pages_of_a_session_are_not_kept_by_caches(world: World) -> None:
    for name in ("portal:home", "portal:dataset", "access:inbox"):
        row = next(row for row in ROWS if row.name == name and row.page)
        answer = visit(world, row, "steward")
        assert "Cookie" in answer["Vary"]
        assert "public" not in answer.get("Cache-Control", "")


def test_the_deployment_check_is_clean_with_an_https_address() -> None:
    environment = os.environ | {
        "SITE_URL": "https://catalog.example.org",
        "ALLOWED_HOSTS": "catalog.example.org",
        "SECRET_KEY": "7t!" * 25 + "abcdefgh",
        "DEBUG": "false",
    }
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # which tests in a browser set
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_https_address_makes_cookies_host_bound_and_redirects() -> None:
    code = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)\n"
        "print(s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=settings.BASE_DIR,
        env=os.environ | {"SITE_URL": "https://catalog.example.org", "ALLOWED_HOSTS": "catalog.example.org"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["__Host-session", "__Host-csrf", "True", "True", "31536000"], done.stderr
