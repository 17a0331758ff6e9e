"""The WSGI application: the intake of events by itself, everything else by Django."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django = get_wsgi_application()

# Settings and models must be there first.
from common import collector  # noqa: E402
from lineage import intake_http  # noqa: E402

collector.settle()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Events are posted a thousand a second: they do not go through Django's middleware. Reading an address of theirs does."""
    if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] in intake_http.ADDRESSES:
        return intake_http.application(environ, start_response)
    return django(environ, start_response)
