"""A worker that is really stopped is noticed from outside, told once, and its return once."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request

import psycopg
import pytest

from stack.postgres import SUPERUSER
from stack.supervision import wait_until
from tests.stack.conftest import Checkout, Running

pytestmark = pytest.mark.long

PART = "queue:expiry"


def _ask(checkout: Checkout, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(checkout.servers().postgres.tcp_url(SUPERUSER, "catalog")) as database:
        return database.execute(statement).fetchall()


def _ready(running: Running) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/readyz", timeout=10) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def _told(checkout: Checkout) -> list[tuple[object, ...]]:
    """The notifications of the administrator about that part, with what they say of it."""
    return _ask(
        checkout,
        "SELECT record.event, count(*) FROM alerts_notification AS told JOIN audit_record AS record ON record.id = record_id"
        f" WHERE record.payload::jsonb #>> '{{values,part}}' = '{PART}' GROUP BY 1 ORDER BY 1",
    )


def test_a_stopped_worker_raises_one_alarm_which_ends_when_it_goes_on(checkout: Checkout, running: Running) -> None:
    assert wait_until(lambda: bool(_ready(running)["ready"]), seconds=90, interval=1), _ready(running)
    worker = checkout.servers().supervisor.states()["worker-prompt"].pid
    os.kill(worker, signal.SIGSTOP)
    try:
        assert wait_until(lambda: not _ready(running)["ready"], seconds=90, interval=1)
        # The worker that delivers records is the stopped one: what is told now was delivered without it.
        assert wait_until(lambda: _told(checkout) == [("alerts.part_failed", 1)], seconds=180, interval=1)
    finally:
        os.kill(worker, signal.SIGCONT)
    assert wait_until(lambda: bool(_ready(running)["ready"]), seconds=90, interval=1), _ready(running)
    assert wait_until(
        lambda: _told(checkout) == [("alerts.part_failed", 1), ("alerts.part_works_again", 1)], seconds=90, interval=1
    ), _told(checkout)
    assert _ask(checkout, "SELECT count(*) FROM alerts_alarm WHERE cleared_at IS NULL") == [(0,)]
