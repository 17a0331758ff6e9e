"""bin/run from a fresh clone, as a newcomer has it: one catalog for all of these, which ends and starts again."""

import json
import os
import shutil
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from stack.memory import measure
from stack.supervision import wait_until
from tests.stack.conftest import Checkout, Running

pytestmark = pytest.mark.long

PROCESSES = ("postgres", "valkey", "web", "worker-prompt", "worker-long")


def serving(checkout: Checkout) -> set[psutil.Process]:
    """The processes that serve, of the web server that runs now."""
    return set(psutil.Process(checkout.servers().supervisor.states()["web"].pid).children())


def post_event_with_sql(port: int, token: str) -> None:
    """An event whose SQL a worker reads, for which it loads the parser."""
    dataset = {"namespace": "postgres://db:5432", "name": "shop.public.sales"}
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-03-01T10:00:00Z",
        "producer": "https://example.org/growing",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "0195c3a4-7e21-7cc2-9f33-111111111111"},
        "job": {
            "namespace": "growing",
            "name": "sales",
            "facets": {
                "sql": {
                    "_producer": "https://example.org/growing",
                    "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/SQLJobFacet.json",
                    "query": "INSERT INTO sales SELECT id, price FROM orders",
                }
            },
        },
        "inputs": [dataset | {"name": "shop.public.orders"}],
        "outputs": [dataset],
    }
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/lineage", json.dumps(event).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 201


def compiled_parser(checkout: Checkout) -> list[Path]:
    """Where Python keeps what it has compiled of the parser of SQL."""
    places = [checkout.place / "lineage" / "sql", *checkout.servers().layout.virtual_environment.rglob("sqlglot")]
    return [cache for place in places for cache in place.rglob("__pycache__")]


def test_ready_means_that_every_part_works(running: Running) -> None:
    assert running.failing() == []


def test_it_serves_and_names_an_administrator(running: Running) -> None:
    assert running.is_alive()
    assert "Sign in as " in running.said()


def test_all_processes_take_less_than_700_mb(checkout: Checkout, running: Running) -> None:
    found = measure(checkout.servers().layout)
    assert set(PROCESSES) <= set(found)
    assert sum(found.values()) < 700e6, found


@pytest.mark.skipif(sys.platform != "linux", reason="Processes are forked on Linux alone.")
def test_web_processes_share_the_application_that_their_parent_loaded(checkout: Checkout, running: Running) -> None:
    for child in serving(checkout):
        taken = child.memory_full_info()
        assert taken.uss < taken.rss / 2, taken


def test_a_second_start_names_the_first(checkout: Checkout, running: Running) -> None:
    second = checkout.ask("bin/run")
    assert second.returncode == 1
    assert f"already running at http://127.0.0.1:{checkout.port} (process {running.process.pid})" in second.stderr


def test_manage_works_beside_it_and_leaves_the_servers_running(checkout: Checkout, running: Running) -> None:
    done = checkout.ask("bin/manage", "showmigrations", "sessions")
    assert done.returncode == 0, done.stderr
    assert "[X] 0001_initial" in done.stdout
    assert checkout.servers().valkey.answers()
    assert running.is_alive()


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_comes_back(checkout: Checkout, running: Running, name: str) -> None:
    supervisor = checkout.servers().supervisor
    before = supervisor.states()[name].pid
    os.kill(before, signal.SIGKILL)
    assert wait_until(
        lambda: supervisor.states()[name].pid not in (0, before) and supervisor.states()[name].state == "RUNNING",
        seconds=30,
        interval=0.2,
    ), supervisor.states()
    assert wait_until(running.is_alive, seconds=30, interval=0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a process that its parent has ended.")
def test_what_a_killed_web_server_leaves_ends_with_it(checkout: Checkout, running: Running) -> None:
    assert wait_until(lambda: bool(serving(checkout)), seconds=30, interval=0.2)
    left = serving(checkout)
    os.kill(checkout.servers().supervisor.states()["web"].pid, signal.SIGKILL)
    _, still = psutil.wait_procs(left, timeout=15)
    assert not still, "they would answer on, beside those of the next"


def test_a_killed_web_worker_is_replaced(checkout: Checkout, running: Running) -> None:
    assert wait_until(lambda: bool(serving(checkout)), seconds=30, interval=0.2)
    before = serving(checkout)
    killed = before.pop()
    killed.kill()
    assert wait_until(
        lambda: len(serving(checkout) - {killed}) == len(before) + 1,
        seconds=30,
        interval=0.2,
    )
    assert before < serving(checkout), "the others serve on"
    assert wait_until(running.is_alive, seconds=30, interval=0.2)


def test_a_killed_supervisor_comes_back_with_everything(checkout: Checkout, running: Running) -> None:
    supervisor = checkout.servers().supervisor
    before = supervisor.pid()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: supervisor.pid() not in (None, before), seconds=30, interval=0.2)
    assert wait_until(
        lambda: {name for name, found in supervisor.states().items() if found.state == "RUNNING"} >= set(PROCESSES),
        seconds=45,
        interval=0.2,
    ), supervisor.states()
    assert wait_until(running.is_alive, seconds=30, interval=0.2)


def test_a_worker_that_has_grown_starts_afresh_as_the_same_process(checkout: Checkout, running: Running) -> None:
    layout = checkout.servers().layout
    # The worker grows enough where it compiles the parser itself, which another catalog of this clone may have done before.
    for cache in compiled_parser(checkout):
        shutil.rmtree(cache)
    pid = checkout.servers().supervisor.states()["worker-long"].pid
    begun = (layout.log / "worker-long.log").stat().st_size
    token = checkout.ask("bin/manage", "create_token", "growing", "--scope", "lineage:write", "--json")
    post_event_with_sql(checkout.port, json.loads(token.stdout)["token"])

    def said() -> str:
        assert "workers" not in running.failing(), "it is back before anybody misses it"
        with (layout.log / "worker-long.log").open(errors="replace") as log:
            log.seek(begun)
            return log.read()

    assert wait_until(lambda: "starting afresh" in said() and "worker-long@" in said(), seconds=240, interval=1), said()
    assert wait_until(lambda: said().rstrip().endswith("ready."), seconds=60, interval=1), said()
    assert checkout.servers().supervisor.states()["worker-long"].pid == pid
    assert measure(layout)["worker-long"] < 120e6


def test_terminated_it_leaves_no_process(checkout: Checkout, running: Running) -> None:
    assert running.stop() == 0
    servers = checkout.servers()
    assert not servers.supervisor.is_running()
    assert not running.is_alive()
    assert not servers.valkey.answers()


def test_manage_alone_has_servers_for_its_own_time(checkout: Checkout, stopped: Running) -> None:
    done = checkout.ask("bin/manage", "showmigrations", "sessions")
    assert done.returncode == 0, done.stderr
    assert "[X] 0001_initial" in done.stdout
    assert not checkout.servers().supervisor.is_running()


def test_a_taken_port_is_named_with_the_remedy(checkout: Checkout, stopped: Running) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", checkout.port))
        taken.listen()
        done = checkout.ask("bin/run", "--no-demo")
    assert done.returncode == 1
    assert f"Port {checkout.port} is used by another program" in done.stderr
    assert f"PORT={checkout.port + 1} bin/run" in done.stderr
    assert not checkout.servers().supervisor.is_running()


def test_it_starts_again_without_a_second_administrator(checkout: Checkout, stopped: Running) -> None:
    again = checkout.start("--no-demo")
    try:
        again.wait_until_ready()
        assert again.failing() == []
        assert "Sign in as " not in again.said()
        assert json.loads((checkout.place / "var" / "run" / "run.json").read_text())["pid"] == again.process.pid
    finally:
        assert again.stop() == 0
