"""System checks: settings that connections need, told before the first crawl fails of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def allowed_paths_are_absolute(app_configs: Any, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"CONNECTION_ALLOWED_PATHS holds {path!r}, which is not absolute.",
            hint="Name the folders of database files from the root, separated by commas.",
            id="connections.E001",
        )
        for path in settings.CONNECTION_ALLOWED_PATHS
        if not Path(path).is_absolute()
    ]
