"""What beat sends by: the schedules in the database, and a sign of life that only a working loop gives."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import redis
from django_celery_beat.schedulers import DatabaseScheduler

from config.broker import broker
from config.heartbeats import BEAT_KEY, INTERVAL, KEEP_SECONDS
from config.recycling import is_starting_afresh
from config.sweeps import WATCHED


class HeardScheduler(DatabaseScheduler):
    """Tells with its own ticks that it lives, so a loop that hangs is not heard of, whatever its process does.

    One that ends in order takes that back, unless its worker only starts afresh.
    """

    _told_at = float("-inf")

    def setup_schedule(self) -> None:
        """Read the schedules, and send what ends access at once: nobody knows how long there was no clock."""
        super().setup_schedule()
        for name, entry in list(self.schedule.items()):
            if entry.task in WATCHED:
                self.schedule[name] = self.reserve(entry)
                self.apply_entry(entry, producer=self.producer)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() - self._told_at >= INTERVAL:
            self._tell()
        return super().tick(*args, **kwargs)

    def close(self) -> None:
        super().close()
        if not is_starting_afresh():
            with suppress(redis.RedisError), broker() as client:
                client.delete(BEAT_KEY)

    def _tell(self) -> None:
        try:
            with broker() as client:
                client.set(BEAT_KEY, time.time(), ex=KEEP_SECONDS)
        except redis.RedisError:
            return  # Nobody can hear it then; the next tick tries again.
        self._told_at = time.monotonic()
