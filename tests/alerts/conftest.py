from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.alerts.postbox import Server
from tests.factories import Cast, personas


@pytest.fixture
def cast(db: None) -> Cast:
    return personas()


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    made = Server()
    settings.EMAIL_URL = f"smtp://127.0.0.1:{made.port}"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.SITE_URL = "https://catalog.example.org"
    settings.DEFAULT_FROM_EMAIL = "Catalog <catalog@example.org>"
    made.up()
    try:
        yield made
    finally:
        made.down()
