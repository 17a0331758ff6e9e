"""What beat sends by: the schedules in the database, and a sign of life that only a working loop gives."""

from __future__ import annotations

import time
from typing import Any

import redis
from django.conf import settings
from django_celery_beat.schedulers import DatabaseScheduler

from config.heartbeats import BEAT_KEY, INTERVAL, KEEP_SECONDS


class HeardScheduler(DatabaseScheduler):
    """Tells with its own ticks that it lives, so a loop that hangs is not heard of, whatever its process does."""

    _told_at = float("-inf")

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if time.monotonic() - self._told_at >= INTERVAL:
            self._tell()
        return super().tick(*args, **kwargs)

    def _tell(self) -> None:
        try:
            with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
                client.set(BEAT_KEY, time.time(), ex=KEEP_SECONDS)
        except redis.RedisError:
            return  # Nobody can hear it then; the next tick tries again.
        self._told_at = time.monotonic()
