"""The broker as those reach it who note signs of life there, and who read them."""

from __future__ import annotations

import redis
from django.conf import settings

_PATIENCE_SECONDS = 2


def broker() -> redis.Redis:
    """A client to be closed; it gives up soon, for none of its callers may hang where the broker does."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
    )
