"""System checks: settings that connections need, told before the first crawl fails of them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from common.errors import Invalid
from connections.guard import networks
from connections.models import secret_box


@register()
def networks_are_readable(app_configs: Any, **_: Any) -> list[CheckMessage]:
    try:
        networks(map(str, settings.CONNECTION_ALLOWED_NETWORKS))
    except Invalid as error:
        return [Error(f"CONNECTION_ALLOWED_NETWORKS: {error.message}", id="connections.E002")]
    return []


@register()
def encryption_keys_are_usable(app_configs: Any, **_: Any) -> list[CheckMessage]:
    try:
        secret_box()
    except ValueError:
        return [
            Error(
                "CATALOG_ENCRYPTION_KEYS holds no usable key.",
                hint="Set it to Fernet keys, newest first, separated by commas.",
                id="connections.E003",
            )
        ]
    return []
