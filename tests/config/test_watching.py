"""A part of the catalog that stands still is noticed from outside, told once, and its recovery once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings

from alerts.models import Alarm
from audit.models import Delivery, Record
from config.health import parts
from config.heartbeats import BEAT_KEY, WORKER_KEY_PREFIX
from config.sweeps import KEY_PREFIX, WATCHED
from config.watching import Watch, failing_parts
from tests.alerts.told import told
from tests.factories import Cast, personas

pytestmark = pytest.mark.django_db


class Signs:
    """Signs of life in the broker, as workers and beat write them."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def worker(self, name: str, queues: str, *, seconds_ago: float = 0) -> None:
        heard = {"at": time.time() - seconds_ago, "queues": queues, "pid": 1}
        self.client.hset(f"{WORKER_KEY_PREFIX}{name}", mapping=heard)

    def beat(self, *, seconds_ago: float = 0) -> None:
        self.client.set(BEAT_KEY, time.time() - seconds_ago)

    def swept(self, *names: str, seconds_ago: float = 0) -> None:
        for name in names or WATCHED:
            self.client.set(f"{KEY_PREFIX}{name}", time.time() - seconds_ago)


@pytest.fixture
def signs(valkey: str) -> Iterator[Signs]:
    """Everything works."""
    with redis.Redis.from_url(valkey) as client:
        made = Signs(client)
        made.worker("prompt", "interactive,expiry,audit,fold")
        made.worker("long", "crawl,analytics")
        made.beat()
        made.swept()
        yield made
        client.delete(*client.keys("catalog:*"))


@pytest.fixture
def cast(db: None) -> Cast:
    return personas()


def test_where_all_works_nothing_is_told(signs: Signs, cast: Cast) -> None:
    watch = Watch()
    assert failing_parts(parts()) == set()
    assert (watch.look(), watch.look()) == ([], [])
    assert not Alarm.objects.exists()


def test_a_silent_worker_is_told_once_to_administrators_and_its_return_once(signs: Signs, cast: Cast) -> None:
    watch, other = Watch(), Watch()
    signs.worker("long", "crawl,analytics", seconds_ago=60)
    assert (watch.look(), watch.look()) == ([], []), "a restart takes a look or two"
    assert len(watch.look()) == 2
    assert (watch.look(), other.look(), other.look()) == ([], [], [])
    assert Delivery.objects.exclude(state=Delivery.State.DONE).count() == 0, "delivered without a worker"
    assert set(told(cast.administrator)) == {
        "The catalog needs attention: no worker serves the queue crawl, so crawls wait.",
        "The catalog needs attention: no worker serves the queue analytics, so labels, measures and clearing up wait.",
    }
    assert told(cast.steward) == []
    signs.worker("long", "crawl,analytics")
    assert len(other.look()) == 2
    assert (watch.look(), other.look()) == ([], [])
    assert "This is over: no worker serves the queue crawl, so crawls wait." in told(cast.administrator)
    assert Record.objects.filter(event__startswith="alerts.part").count() == 4


@pytest.mark.parametrize("name", WATCHED)
def test_a_worker_whose_threads_hang_is_told_though_it_is_heard_of(signs: Signs, cast: Cast, name: str) -> None:
    signs.swept(name, seconds_ago=120)
    watch = Watch()
    (record,) = [*watch.look(), *watch.look(), *watch.look()]
    assert record.values["part"] == "expiry"


def test_a_silent_scheduler_is_told(signs: Signs, cast: Cast) -> None:
    signs.beat(seconds_ago=60)
    watch = Watch()
    (record,) = [*watch.look(), *watch.look(), *watch.look()]
    assert record.values["what"] == "the scheduler is silent, so nothing that is due by time is started"


def test_without_the_broker_only_that_is_told(signs: Signs, cast: Cast, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert failing_parts(parts()) == {"broker"}


def test_an_alarm_is_not_over_because_its_part_cannot_be_asked(signs: Signs, cast: Cast, settings: Settings) -> None:
    signs.worker("long", "crawl", seconds_ago=60)
    signs.worker("prompt", "interactive,expiry,audit,fold,analytics")
    signs.beat(seconds_ago=60)
    watch = Watch()
    assert len([*watch.look(), *watch.look(), *watch.look()]) == 2
    url, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    assert [record.values["part"] for record in [*watch.look(), *watch.look(), *watch.look()]] == ["broker"]
    assert Alarm.objects.filter(cleared_at=None).count() == 3
    settings.REDIS_URL = url
    signs.beat()
    signs.client.set(f"{WORKER_KEY_PREFIX}odd", "no hash")
    assert {record.values["part"] for record in watch.look()} == {"broker", "beat"}, "the check of the workers raised"
    signs.client.delete(f"{WORKER_KEY_PREFIX}odd")
    signs.worker("long", "crawl")
    assert [record.values["part"] for record in watch.look()] == ["queue:crawl"]
    assert not Alarm.objects.filter(cleared_at=None).exists()
