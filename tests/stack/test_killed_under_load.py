"""`kill -9` of web, workers and PostgreSQL while 100,000 events come in: what was accepted is there, and folds to the same."""

from __future__ import annotations

import json
import os
import random
import signal
from typing import Any

import psutil
import psycopg
import pytest

from accounts.models import Principal
from accounts.tokens import mint
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.queries import fold_lag
from stack.postgres import SUPERUSER
from stack.supervision import Supervisor, wait_until
from tests.lineage.state import folded_state, state_at
from tests.stack.conftest import Checkout, Running
from tests.stack.load import Load, events

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

EVENTS = int(os.environ.get("KILLED_EVENTS", "100000"))
SEED = int(os.environ.get("KILLED_SEED", "20261128"))
JOBS, CLIENTS = 400, 8
VICTIMS = ("web", "web child", "worker-prompt", "postgres", "postgres child")


def test_kills_at_random_moments_of_a_load_lose_no_accepted_event(checkout: Checkout, running: Running) -> None:
    issued = checkout.ask("bin/manage", "create_token", "load", "--scope", "lineage:write", "--json")
    assert issued.returncode == 0, issued.stderr
    sent = events(EVENTS, jobs=JOBS, seed=SEED)
    load = Load.of(running.port, json.loads(issued.stdout)["token"], sent, singles=EVENTS // 20)
    clients = load.clients(CLIENTS)
    killed = []
    try:
        for share, victim in _moments():
            assert wait_until(lambda share=share: load.accepted >= share * EVENTS, seconds=240, interval=0.02), (
                load.accepted
            )
            killed.append(f"{victim} at {load.accepted}")
            kill(checkout.servers().supervisor, victim)
        assert wait_until(lambda: not any(client.is_alive() for client in clients), seconds=240), load.accepted
    finally:
        load.stop.set()
        for client in clients:
            client.join()
    # Most of it waits for the fold now, and dies once more in the midst of it.
    kill(checkout.servers().supervisor, "worker-prompt")
    print(f"killed: {', '.join(killed)}; {load.tried_again} requests were sent again")
    assert (load.refused, load.accepted) == ([], EVENTS)
    assert wait_until(lambda: waiting(checkout) == 0, seconds=300, interval=0.5), waiting(checkout)
    assert ask(checkout, "SELECT count(*) FROM lineage_setasideevent") == [(0,)]
    assert ask(checkout, "SELECT count(DISTINCT digest) FROM lineage_event") == [(len(set(sent)),)]
    with psycopg.connect(checkout.servers().postgres.tcp_url(SUPERUSER, "catalog")) as database:
        found = state_at(database.cursor())
    wanted = clean_fold(sent)
    assert found.keys() == wanted.keys()
    for part, rows in wanted.items():
        differing = [pair for pair in zip(found[part], rows, strict=False) if pair[0] != pair[1]]
        assert (len(found[part]), differing[:3]) == (len(rows), []), part


def _moments() -> list[tuple[float, str]]:
    """Each victim twice, in any order, each at some share of the load."""
    chance = random.Random(SEED)
    victims = list(VICTIMS) * 2
    chance.shuffle(victims)
    shares = sorted(chance.uniform(0.02, 0.97) for _ in victims)
    return list(zip(shares, victims, strict=True))


def kill(supervisor: Supervisor, victim: str) -> None:
    """Kill a process, or one of its children, by SIGKILL; wait until the supervisor runs it again."""
    name, _, child = victim.partition(" ")
    before = supervisor.states()[name]
    if child:
        parent = psutil.Process(before.pid)
        # One that was killed a moment ago has none until it has loaded what they share.
        assert wait_until(lambda: bool(parent.children()), seconds=90, interval=0.1), supervisor.states()
        random.Random(before.pid).choice(parent.children()).kill()
        return
    os.kill(before.pid, signal.SIGKILL)

    def again() -> bool:
        now = supervisor.states()[name]
        return now.state == "RUNNING" and now.pid not in (0, before.pid)

    assert wait_until(again, seconds=90, interval=0.2), supervisor.states()


def clean_fold(sent: list[bytes]) -> dict[str, list[Any]]:
    """The state of the same events in a database where nothing ever failed."""
    sender = Principal.objects.create(kind=Principal.Kind.PIPELINE, name="clean")
    token = mint(principal=sender, name="clean", scopes=["lineage:write"], by=sender).token
    for start in range(0, len(sent), 1000):
        accept_batch(b"[" + b",".join(sent[start : start + 1000]) + b"]", token=token)
    while fold_lag()[0]:
        drain()
    return folded_state()


def waiting(checkout: Checkout) -> int:
    """Events that wait for the fold, and notes of which the catalog was not told."""
    found = ask(
        checkout, "SELECT (SELECT count(*) FROM lineage_pendingevent) + (SELECT count(*) FROM lineage_dirtydataset)"
    )
    return int(found[0][0]) if found else -1


def ask(checkout: Checkout, statement: str) -> list[tuple[Any, ...]]:
    """Rows of the catalog's database; none while it is down."""
    try:
        with psycopg.connect(checkout.servers().postgres.tcp_url(SUPERUSER, "catalog"), connect_timeout=3) as database:
            return database.execute(statement).fetchall()
    except psycopg.OperationalError:
        return []
