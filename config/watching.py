"""Look at the running catalog from outside its workers, and raise an alarm where a part of it stands still.

Each web process looks every 15 seconds, in a thread. What it notices it also delivers and mails by itself, since the workers
that do so otherwise may be the very ones that stand still. Several that look at once raise one alarm.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.db import connections

from accounts.models import Principal
from alerts.alarms import Condition, look
from alerts.events import PartFailed, PartWorksAgain
from alerts.mailing import send_due
from audit.delivery import deliver_pending
from audit.events import Event
from audit.models import Record
from config import health

logger = logging.getLogger(__name__)

EVERY = 15.0
AFTER_START = 75.0
"""Seconds in which workers that start with this process are heard of."""
NAME = "part of the catalog"

_QUEUES = {
    "interactive": "what people start by a button waits",
    "expiry": "access may not end in time",
    "audit": "nobody is told of anything, for records are not delivered",
    "fold": "lineage events wait",
    "crawl": "crawls wait",
    "analytics": "labels, measures and clearing up wait",
}


def told_of(part: str) -> str:
    """What it means that this part fails, as the rest of a sentence."""
    kind, _, name = part.partition(":")
    match kind:
        case "queue":
            return f"no worker serves the queue {name}, so {_QUEUES.get(name, 'its tasks wait')}"
        case "broker":
            return "the broker does not answer, so workers get no tasks"
        case "beat":
            return "the scheduler is silent, so nothing that is due by time is started"
        case "expiry":
            return "the sweeps that end access have not come to their end, so access may not end in time"
        case "fold":
            return "lineage events have waited to be folded for more than a minute"
        case _:
            return f"{part} does not work"


LOOKS = 3
"""So often in a row a part must fail until it is told: a worker that starts afresh is no failure."""


class Watch:
    """What fails, as one process sees it."""

    def __init__(self) -> None:
        self._failed: dict[str, int] = {}

    def look(self) -> list[Record]:
        """Look once: raise, clear, and deliver what was raised or cleared; the records of it."""
        parts = health.parts()
        failing = failing_parts(parts)
        self._failed = {part: self._failed.get(part, 0) + 1 for part in failing}

        def holding(known: Collection[str]) -> Collection[str]:
            told = {part for part in failing if part in known or self._failed[part] >= LOOKS}
            return told | {part for part in known if not _was_asked(part, parts)}

        records = look(Condition(NAME, holding, _of(PartFailed), _of(PartWorksAgain)), by=Principal.objects.system())
        if records:
            deliver_pending(only=[record.pk for record in records])
            # What else is to be told may wait for workers that stand still: this does not.
            send_due(gathers=False)
        return records


def failing_parts(parts: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The names of what fails, among the parts that `/readyz` tells of; queues without a worker one by one."""
    found = {name for name, part in parts.items() if not part["ok"]}
    if "broker" in found:
        # Signs of life are read from the broker: without it nothing is known of the others.
        return {"broker"} | (found & {"fold"})
    if "workers" in found:
        found.remove("workers")
        found |= {f"queue:{name}" for name in parts["workers"].get("queues_without_worker", ())}
    return found - {"database"}


def _was_asked(part: str, parts: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether this look tells how it stands with a part: a check that raised does not, nor any that asks a silent broker."""
    if part == "broker":
        return True
    if part != "fold" and not parts["broker"]["ok"]:
        return False
    return "error" not in parts.get("workers" if part.startswith("queue:") else part, {})


def _of(event: type[PartFailed]) -> Any:
    def tell(parts: Collection[str]) -> Mapping[str, Event]:
        return {part: event(part=part, what=told_of(part)) for part in sorted(parts)}

    return tell


def start() -> None:
    """Look from now on, in a thread that ends with its process."""
    if settings.WATCH:
        threading.Thread(target=_live, name="watch", daemon=True).start()


def _live() -> None:
    watch, pause = Watch(), threading.Event()
    pause.wait(AFTER_START)
    while True:
        try:
            watch.look()
        except Exception:
            logger.warning(
                "The look at the catalog's parts failed; the next one is in %d seconds.", EVERY, exc_info=True
            )
        finally:
            connections.close_all()
        pause.wait(EVERY)
