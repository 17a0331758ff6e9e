"""Every setting is read strictly: what is not allowed stops the start with a sentence, and without a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import environment
from stack import chosen
from stack.errors import StackError
from stack.layout import Layout
from stack.running import check_settings

WRONG = {
    "ALLOWED_HOSTS": "https://catalog.example.org",
    "CATALOG_ENCRYPTION_KEYS": "short",
    "CONNECTION_ALLOWED_NETWORKS": "ten",
    "CONNECTION_ALLOWED_PATHS": "files",
    "CRAWL_GONE_LIMIT": "20",
    "DATABASE_URL": "mysql://host/name",
    "DEBUG": "maybe",
    "DEFAULT_FROM_EMAIL": "the catalog",
    "DIGEST_HOUR": "24",
    "EMAIL_ALLOW_PLAIN": "yess",
    "EMAIL_URL": "mail.example.org",
    "LINEAGE_EVENT_RETENTION_DAYS": "-1",
    "LINEAGE_MAX_EVENT_BYTES": "5MB",
    "LOG_LEVEL": "loud",
    "PROFILE_HISTORY_DAYS": "year",
    "REAUTHENTICATION_SECONDS": "x",
    "REDIS_URL": "http://broker:6379",
    "SECRET_KEY": "",
    "SITE_URL": "catalog.example.org",
    "TIME_ZONE": "Mars/Olympus",
    "TRUST_PROXY": "2",
    "UNASSIGNED_TIER": "all",
    "WATCH": "yess",
}
ANY_TEXT = {"CATALOG_VAR", "DATABASE_APP_ROLE", "TEST_DATABASE_NAME", "TEST_DATABASE_TEMPLATE"}
"""A path and names, of which every text may be one."""
MAY_HOLD_A_PASSWORD = {"CATALOG_ENCRYPTION_KEYS", "DATABASE_URL", "EMAIL_URL", "REDIS_URL", "SECRET_KEY"}


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config"],
        cwd=settings.BASE_DIR,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_variable_that_the_settings_read_has_a_wrong_value_here() -> None:
    code = (settings.BASE_DIR / "config" / "settings.py").read_text()
    read = re.findall(r'(?:environment\.\w+|database)\(\s*"([A-Z_]+)"', code)
    assert set(read) == set(WRONG) | ANY_TEXT


# Each in a module of its own, and all in one process: a process for each takes half a minute.
READ_EACH = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured

sentences = {}
for name, value in json.load(sys.stdin).items():
    kept, os.environ[name] = os.environ.get(name), value
    try:
        runpy.run_module("config.settings")
    except ImproperlyConfigured as error:
        sentences[name] = str(error)
    os.environ.pop(name) if kept is None else os.environ.update({name: kept})
print(json.dumps(sentences))
"""


def test_every_wrong_value_is_refused_with_a_sentence_that_names_the_variable() -> None:
    command = [sys.executable, "-c", READ_EACH]
    ended = subprocess.run(
        command, input=json.dumps(WRONG), cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    sentences = json.loads(ended.stdout)
    assert set(sentences) == set(WRONG)
    assert not [
        (name, sentence) for name, sentence in sentences.items() if name not in sentence or not sentence.endswith(".")
    ]
    for name in set(WRONG) - MAY_HOLD_A_PASSWORD:
        assert f"{name} is {WRONG[name]!r}. Allowed: " in sentences[name]


def test_settings_that_are_right_start() -> None:
    assert (started := start(CRAWL_GONE_LIMIT="20%", SITE_URL="HTTPS://Catalog.example.org/")).returncode == 0, started


def test_the_start_of_the_catalog_says_the_same_sentence() -> None:
    with pytest.raises(StackError, match=r"^WATCH is 'yess'\. Allowed: true or false\.$"):
        check_settings(Layout.of_checkout("test"), os.environ | {"WATCH": "yess"})


def test_a_management_command_says_the_same_sentence() -> None:
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate"]
    ended = subprocess.run(command, env=os.environ | {"WATCH": "yess"}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "WATCH is 'yess'. Allowed: true or false.\n")


@pytest.mark.parametrize(
    ("value", "found"), [("20%", 0.2), ("0.2", 0.2), ("100 %", 1.0), ("0", 0.0), ("1", 1.0), ("", 0.2), (".5", 0.5)]
)
def test_a_share_is_written_as_such_or_in_percent(monkeypatch: pytest.MonkeyPatch, value: str, found: float) -> None:
    monkeypatch.setenv("SHARE", value)
    assert environment.share("SHARE", 0.2) == found


@pytest.mark.parametrize("value", ["20", "101%", "-1%", "nan", "inf", "%", "2%%", "a fifth", "1.01"])
def test_what_is_no_share_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SHARE", value)
    with pytest.raises(ImproperlyConfigured, match=rf"SHARE is '{value}'\. Allowed: a share from 0 to 1"):
        environment.share("SHARE", 0.2)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("HTTPS://Catalog.Example.org", "https://catalog.example.org"),
        ("https://catalog.example.org/", "https://catalog.example.org"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_site_is_a_scheme_and_a_host(monkeypatch: pytest.MonkeyPatch, value: str, found: str) -> None:
    monkeypatch.setenv("SITE", value)
    assert environment.site("SITE", "http://127.0.0.1") == found


@pytest.mark.parametrize(
    "value",
    [
        "catalog.example.org",
        "//catalog.example.org",
        "https://",
        "ftp://a.org",
        "https://a.org/catalog",
        "https://a.org:x",
        "https://me:secret@a.org",
        "https://a.org?b=c",
        "https://a b.org",
        "https://[::1",
    ],
)
def test_what_is_no_site_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SITE", value)
    with pytest.raises(ImproperlyConfigured, match=r"SITE is .* Allowed: http:// or https:// with a host"):
        environment.site("SITE", "http://127.0.0.1")


@pytest.mark.parametrize("value", ["1_000", "²", "+5", "5.0", "-3", "99999999999"])
def test_a_whole_number_is_digits_within_its_bounds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DAYS", value)
    with pytest.raises(ImproperlyConfigured, match="a whole number of days from 0 to 36500"):
        environment.whole("DAYS", 365, unit="days", least=0, most=36_500)


def test_a_list_may_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWORKS", "")
    assert environment.networks("NETWORKS", ["10.0.0.0/8"]) == []
    monkeypatch.setenv("NETWORKS", " 10.0.0.0/8 , ::1/128")
    assert environment.networks("NETWORKS", []) == ["10.0.0.0/8", "::1/128"]


def test_a_password_is_not_quoted() -> None:
    ended = start(DATABASE_URL="postgres://me:hunter2/@host:port/name")
    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
    assert "hunter2" not in ended.stderr


@pytest.mark.parametrize("value", ["x", "0", "65536", "²"])
def test_what_the_stack_is_told_is_read_as_strictly(value: str) -> None:
    with pytest.raises(StackError, match=f"POSTGRES_PORT={value} is no port"):
        chosen.port("POSTGRES_PORT", {"POSTGRES_PORT": value})
    with pytest.raises(StackError, match=f"WEB_WORKERS={value} is not allowed"):
        chosen.number("WEB_WORKERS", 2, most=256, environment={"WEB_WORKERS": value})
