"""The WSGI application: the intake of events and decisions on access by themselves, everything else by Django."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django = get_wsgi_application()

# Settings and models must be there first.
from access.decision_point import http as decision_point  # noqa: E402
from common import collector  # noqa: E402
from config import watching  # noqa: E402
from lineage import intake_http  # noqa: E402

collector.settle()
watching.start()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Events and decisions come a thousand a second: they do not go through Django's middleware."""
    if environ["REQUEST_METHOD"] == "POST":
        path = environ["PATH_INFO"]
        if path in intake_http.ADDRESSES:
            return intake_http.application(environ, start_response)
        if path in decision_point.ADDRESSES:
            return decision_point.application(environ, start_response)
    return django(environ, start_response)
