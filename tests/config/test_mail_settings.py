"""EMAIL_URL: secure by default, and a wrong value stops the start with a sentence."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import email


def test_without_a_mail_server_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert email() == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp+tls://me:pa%26ss@mail.example.org:587", 587, True, False),
        ("smtp+ssl://me:pa%26ss@mail.example.org:465", 465, False, True),
        ("smtp://me:pa%26ss@127.0.0.1:1025", 1025, False, False),
    ],
)
def test_a_mail_server_is_read_from_its_address(
    monkeypatch: pytest.MonkeyPatch, url: str, port: int, tls: bool, ssl: bool
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    found = email()
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me", "pa&ss")
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize("url", ["mail.example.org", "https://mail.example.org", "smtp+tls://", "consolemail://"])
def test_what_is_no_mail_server_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"EMAIL_URL cannot be read\. Use smtp\+tls://"):
        email()


def test_mail_crosses_no_network_in_plain_text_unless_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.example.org:25")
    with pytest.raises(ImproperlyConfigured, match="plain text"):
        email()
    monkeypatch.setenv("EMAIL_ALLOW_PLAIN", "true")
    assert email()["EMAIL_HOST"] == "mail.example.org"
