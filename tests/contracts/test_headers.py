"""What some answers carry or hold; what all do is looked at with each row of the table (test_urls.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.contracts.url_table import ROWS
from tests.contracts.url_visit import visit
from tests.contracts.world import World

pytestmark = pytest.mark.django_db


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
        assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    "name",
    ["portal:search_export", "portal:lineage_picture", "dataset-list", "access-request-list", "accounts:token_list"],
)
def test_neither_are_files_fragments_and_answers_of_rest(world: World, name: str) -> None:
    answer = visit(world, next(row for row in ROWS if row.name == name), "steward")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_an_https_address_passes_the_deployment_check_makes_cookies_host_bound_and_redirects() -> None:
    environment = os.environ | {
        "SITE_URL": "https://catalog.example.org",
        "ALLOWED_HOSTS": "catalog.example.org",
        "SECRET_KEY": "7t!" * 25 + "abcdefgh",
        "DEBUG": "false",
    }
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # which tests in a browser set
    code = (
        "from django.conf import settings as s; from django.core.management import call_command\n"
        "call_command('check', deploy=True, fail_level='WARNING')\n"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)\n"
        "print(s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()[-2:]
    assert found == ["__Host-session __Host-csrf", "True True 31536000"], done.stdout
