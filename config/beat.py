"""Beat, Celery's clock, as a thread of a worker: a process of its own would take 100 MB to send a few messages a second.

One worker of an installation has it, the one started with `--with-beat`. `celery -A config beat` still works instead.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from celery import bootsteps
from celery.beat import Service
from django.db import DatabaseError, connections

logger = logging.getLogger(__name__)

_LONGEST_SLEEP = 1
"""Seconds between two looks at the schedule at most, and so how long an ending worker waits for its beat."""
_RETRY_AFTER = 2.0
"""Seconds."""


class Beat(bootsteps.StartStopStep):
    """With `--with-beat`, sends what is due for as long as the worker runs."""

    label = "Beat in a thread"

    def __init__(self, parent: Any, with_beat: bool = False, **options: Any) -> None:
        super().__init__(parent, **options)
        self.enabled = with_beat
        self.ended = threading.Event()
        self.service: Service | None = None
        self.thread: threading.Thread | None = None

    def start(self, parent: Any) -> None:
        self.ended.clear()
        self.thread = threading.Thread(target=self._run, args=(parent.app,), name="beat", daemon=True)
        self.thread.start()

    def stop(self, parent: Any) -> None:
        self.ended.set()
        if self.service is not None:
            self.service.stop()
        if self.thread is not None:
            self.thread.join(timeout=_LONGEST_SLEEP + 5)

    def _run(self, app: Any) -> None:
        app.set_current()
        while not self.ended.is_set():
            self.service = Service(app, max_interval=_LONGEST_SLEEP, scheduler_cls=app.conf.beat_scheduler)
            try:
                self.service.start()
            except DatabaseError as error:
                logger.warning("Beat has lost the database (%s); it tries again.", type(error).__name__)
                connections.close_all()
                self.ended.wait(_RETRY_AFTER)
            except Exception:
                # A worker that stays without its clock looks well and does nothing; ended, it is started again.
                logger.exception("Beat has failed; the worker ends.")
                os.kill(os.getpid(), signal.SIGTERM)
                return
