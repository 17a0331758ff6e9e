"""Settings before anything else, so that a wrong one is told of by a sentence and not by whatever tripped over it."""

import importlib
import os
import sys

from django.core.exceptions import ImproperlyConfigured


def read_settings() -> None:
    """Read the settings; where one is wrong, exit with the sentence that says so."""
    try:
        importlib.import_module(os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings"))
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def call_servers() -> None:
    """Call the servers that the settings name; where one does not do, exit with the sentence that says why."""
    from config.outside import check_servers

    try:
        check_servers()
    except ImproperlyConfigured as error:
        sys.exit(str(error))
