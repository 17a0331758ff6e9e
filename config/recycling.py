"""A worker that has grown and has nothing to do starts afresh, in its own process.

A crawl, the parser of SQL or a graph leave a process 50 to 100 MB larger: Python and glibc keep what they once took. With
threads there are no child processes to replace, as Celery's `--max-memory-per-child` does, so the worker replaces itself:
it ends warm, finishing what it has, and executes its own command line again under the same process id.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any

import psutil
from celery import bootsteps, signals
from celery.worker import state

logger = logging.getLogger(__name__)

INTERVAL = 20.0
"""Seconds between two looks."""
IDLE_SHARE = 0.1
"""Of one core: what a worker takes at most while only its periodic tasks come by and find nothing."""
MAY_GROW = 25_000_000
"""Bytes that a worker may hold above what it held when it was ready: caches and open connections."""
NOT_BEFORE = 60.0
"""Seconds: whatever grows so at once, a worker works most of the time."""

_start_afresh = False


class Recycling(bootsteps.StartStopStep):
    """While the worker consumes, looks at what it holds and whether it has anything to do."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.timer: Any = None
        self.process = psutil.Process()
        self.at_first = 0
        self.began = time.monotonic()
        self.seen_at = 0.0
        self.used = 0.0

    def start(self, parent: Any) -> None:
        self.at_first = self.at_first or self.process.memory_info().rss
        self._is_idle()
        self.timer = parent.timer.call_repeatedly(INTERVAL, self.look, (), priority=10)

    def stop(self, parent: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def look(self) -> None:
        """End the worker where it is idle and holds too much."""
        global _start_afresh
        idle = self._is_idle()
        grown = self.process.memory_info().rss - self.at_first
        old_enough = time.monotonic() - self.began > NOT_BEFORE
        if grown > MAY_GROW and old_enough and idle and not state.active_requests:
            logger.info("Nothing to do, and %d MB more in hand than at first: starting afresh.", grown // 1_000_000)
            _start_afresh = True
            state.should_stop = os.EX_OK  # type: ignore[assignment]

    def _is_idle(self) -> bool:
        """Whether it used less than `IDLE_SHARE` of a core since the last look."""
        now, times = time.monotonic(), self.process.cpu_times()
        used = times.user + times.system
        share = (used - self.used) / max(now - self.seen_at, 0.001)
        self.seen_at, self.used = now, used
        return share < IDLE_SHARE


def is_starting_afresh() -> bool:
    """Whether this process ends only to be itself again within seconds, which is no absence to tell of."""
    return _start_afresh


@signals.worker_shutting_down.connect
def stay_ended(**_: Any) -> None:
    """Somebody else has asked for the end: that holds."""
    global _start_afresh
    _start_afresh = False


@signals.worker_shutdown.connect
def start_afresh(**_: Any) -> None:
    """Replace the ended worker by itself, where it ended for that."""
    if _start_afresh:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (its own command line)
