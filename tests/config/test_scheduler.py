"""Beat's start sends what ends access at once, and its end is known at once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import redis

from config import recycling
from config.celery import app
from config.heartbeats import BEAT_KEY
from config.scheduler import HeardScheduler
from config.sweeps import WATCHED

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey) as client:
        client.delete("expiry", BEAT_KEY)
        yield client
        client.delete("expiry", BEAT_KEY)


@pytest.fixture
def scheduler(broker: redis.Redis) -> Iterator[HeardScheduler]:
    """That of the first start."""
    scheduler = HeardScheduler(app=app, lazy=False)
    yield scheduler
    scheduler.close()


def sent(broker: redis.Redis) -> list[str]:
    """The tasks that wait in the queue for what ends access."""
    return sorted(json.loads(message)["headers"]["task"] for message in broker.lrange("expiry", 0, -1))


def test_a_first_start_sends_what_ends_access_without_waiting_for_its_time(
    broker: redis.Redis, scheduler: HeardScheduler
) -> None:
    assert sent(broker) == sorted(WATCHED)
    scheduler.tick()
    assert sent(broker) == sorted(WATCHED), "and is next due after its time"


def test_an_end_in_order_is_known_at_once_and_a_fresh_start_is_none(
    broker: redis.Redis, scheduler: HeardScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler.tick()
    assert broker.exists(BEAT_KEY)
    monkeypatch.setattr(recycling, "_start_afresh", True)
    scheduler.close()
    assert broker.exists(BEAT_KEY)
    monkeypatch.setattr(recycling, "_start_afresh", False)
    scheduler.close()
    assert not broker.exists(BEAT_KEY)
