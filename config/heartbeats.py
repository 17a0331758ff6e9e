"""Signs of life of workers, in the broker: what `/readyz` reads. They are no audit events and need no table.

Those of beat are in `config.scheduler`.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any

import redis
from celery import bootsteps

from config.broker import broker
from config.recycling import is_starting_afresh

BEAT_KEY = "catalog:beat"
WORKER_KEY_PREFIX = "catalog:worker:"
INTERVAL = 15.0
KEEP_SECONDS = 120


class Heartbeat(bootsteps.StartStopStep):
    """While the worker consumes, writes which queues it serves every 15 seconds.

    One that ends in order takes that back, unless it only starts afresh.
    """

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
        if not is_starting_afresh():
            with suppress(redis.RedisError), broker() as client:
                client.delete(_key(parent))

    def beat(self, consumer: Any) -> None:
        queues = (
            ",".join(sorted(queue.name for queue in consumer.task_consumer.queues)) if consumer.task_consumer else ""
        )
        key = _key(consumer)
        with broker() as client, client.pipeline() as pipe:
            pipe.hset(key, mapping={"at": time.time(), "queues": queues, "pid": os.getpid()})
            pipe.expire(key, KEEP_SECONDS)
            pipe.execute()


def _key(consumer: Any) -> str:
    return f"{WORKER_KEY_PREFIX}{consumer.hostname}"
