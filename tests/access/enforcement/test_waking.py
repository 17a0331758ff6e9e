"""What is decided is carried out at once: a worker is told with the commit, and no sooner."""

from __future__ import annotations

from contextlib import suppress

import pytest
from celery import current_app
from django.db import transaction

from access.actions import revoke_grant
from access.enforcement.asking import ask
from access.models import Enforcement
from access.tasks import enforce
from tests.access.enforcement.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_queue() -> None:
    told()


def told() -> list[str]:
    """The tasks that wait in the queue of what ends access; they are taken from it."""
    with current_app.connection_for_read() as connection, connection.SimpleQueue("expiry") as queue:
        found = []
        with suppress(queue.Empty):
            while True:
                message = queue.get_nowait()
                message.ack()
                found.append(message.headers["task"])
        return found


def test_an_approval_and_its_end_wake_a_worker_once_each(world: World) -> None:
    grant = world.grant("ada", "id")
    assert told() == [enforce.name]
    enforce()
    assert told() == ["access.tasks.reconcile_source"]
    world.reconcile()
    told()
    revoke_grant(grant=grant, reason="Done", by=world.owner)
    assert told() == [enforce.name]


def test_however_often_a_transaction_asks_one_message_is_sent_after_it(world: World) -> None:
    with transaction.atomic():
        ask(sources=[world.source.pk])
        ask(datasets=[world.orders.pk])
        assert told() == []
    assert told() == [enforce.name]


def test_a_source_that_is_not_enforced_wakes_nobody(world: World) -> None:
    world.set(mode=Enforcement.Mode.OFF)
    ask(sources=[world.source.pk])
    assert told() == []


def test_a_transaction_that_is_taken_back_wakes_nobody(world: World) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask(sources=[world.source.pk])
        raise ZeroDivisionError
    assert told() == []


def test_without_a_broker_the_approval_stands_and_the_source_is_due(world: World, monkeypatch, caplog) -> None:
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
    grant = world.grant("ada", "id")
    monkeypatch.undo()
    assert told() == []
    assert "did not take the wake-up of access.tasks.enforce" in caplog.text
    assert world.state(grant) == "provisioning"
    assert world.enforcement.asked_at is not None
    ask(sources=[world.source.pk])
    assert told() == [enforce.name], "with a broker again"
