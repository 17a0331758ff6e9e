"""Signs of life of workers and beat, in the broker: what `/readyz` reads. They are no audit events and need no table."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import redis
from celery import bootsteps
from celery.signals import beat_init
from django.conf import settings

BEAT_KEY = "catalog:beat"
WORKER_KEY_PREFIX = "catalog:worker:"
INTERVAL = 15.0
_KEEP_SECONDS = 120


class Heartbeat(bootsteps.StartStopStep):
    """While the worker consumes, writes which queues it serves every 15 seconds."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.timer: Any = None

    def start(self, parent: Any) -> None:
        self.beat(parent)
        self.timer = parent.timer.call_repeatedly(INTERVAL, self.beat, (parent,), priority=10)

    def stop(self, parent: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def beat(self, consumer: Any) -> None:
        queues = (
            ",".join(sorted(queue.name for queue in consumer.task_consumer.queues)) if consumer.task_consumer else ""
        )
        key = f"{WORKER_KEY_PREFIX}{consumer.hostname}"
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client, client.pipeline() as pipe:
            pipe.hset(key, mapping={"at": time.time(), "queues": queues, "pid": os.getpid()})
            pipe.expire(key, _KEEP_SECONDS)
            pipe.execute()


@beat_init.connect
def start_beat_heart(**_: Any) -> None:
    """A thread beside beat's loop: it lives and dies with the process."""

    def live() -> None:
        while True:
            try:
                with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
                    client.set(BEAT_KEY, time.time(), ex=_KEEP_SECONDS)
            except redis.RedisError:
                pass
            time.sleep(INTERVAL)

    threading.Thread(target=live, name="heartbeat", daemon=True).start()
