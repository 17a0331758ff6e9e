"""When the sweeps that must not stop were last done, in the broker: a worker may live, and its threads hang."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import task_success

from config.broker import broker

KEY_PREFIX = "catalog:swept:"
WATCHED = ("access.tasks.expire", "access.tasks.enforce")
"""Tasks whose schedule is of 20 seconds at most: what ends access in the catalog, and in its sources."""
_KEEP_SECONDS = 86_400


@task_success.connect
def note_sweep(sender: Any = None, **_: object) -> None:
    """Note that a watched task came to its end."""
    name = getattr(sender, "name", "")
    if name in WATCHED:
        with broker() as client:
            client.set(KEY_PREFIX + name, time.time(), ex=_KEEP_SECONDS)
