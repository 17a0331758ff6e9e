"""Have a worker do at once, after the commit, what a sweep would do in a while."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from celery import current_app
from django.db import connection, transaction

logger = logging.getLogger(__name__)

_WORTH_SECONDS = 10
"""A message that waited longer is worthless: the sweep has come by."""


def wake_after_commit(task: str) -> None:
    """Send the scheduled `task`, by its full name, once this transaction is committed: one message, however often asked."""
    wake = _Wake(task)
    if not any(entry[1] == wake for entry in connection.run_on_commit):
        transaction.on_commit(wake, robust=True)


@dataclass(frozen=True, slots=True)
class _Wake:
    task: str

    def __call__(self) -> None:
        try:
            current_app.send_task(self.task, expires=_WORTH_SECONDS)
        except Exception:
            # What was to be told of is committed: nothing is lost, it only waits for the sweep.
            logger.warning("The broker did not take the wake-up of %s; its sweep comes soon.", self.task, exc_info=True)
