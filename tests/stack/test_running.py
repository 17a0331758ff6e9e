"""bin/run from a fresh clone, as a newcomer has it: one catalog for all of these, in this order (one process runs a file)."""

import json
import os
import signal
import socket

import psutil
import pytest

from stack.memory import measure
from stack.supervision import wait_until
from tests.stack.conftest import Checkout, Running

pytestmark = pytest.mark.long

PROCESSES = ("postgres", "valkey", "web", "worker-prompt", "worker-long", "beat")


def test_it_serves_and_names_an_administrator(running: Running) -> None:
    assert running.is_alive()
    assert "Sign in as " in running.said()


def test_all_processes_take_less_than_700_mb(checkout: Checkout, running: Running) -> None:
    found = measure(checkout.servers().layout)
    assert set(PROCESSES) <= set(found)
    assert sum(found.values()) < 700e6, found


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


def test_a_killed_web_worker_is_replaced(checkout: Checkout, running: Running) -> None:
    web = psutil.Process(checkout.servers().supervisor.states()["web"].pid)
    before = {child.pid for child in web.children()}
    os.kill(min(before), signal.SIGKILL)
    assert wait_until(
        lambda: len({child.pid for child in web.children()} - {min(before)}) == len(before),
        seconds=30,
        interval=0.2,
    )
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


def test_terminated_it_leaves_no_process(checkout: Checkout, running: Running) -> None:
    assert running.stop() == 0
    servers = checkout.servers()
    assert not servers.supervisor.is_running()
    assert not running.is_alive()
    assert not servers.valkey.answers()


def test_manage_alone_has_servers_for_its_own_time(checkout: Checkout, running: Running) -> None:
    done = checkout.ask("bin/manage", "showmigrations", "sessions")
    assert done.returncode == 0, done.stderr
    assert "[X] 0001_initial" in done.stdout
    assert not checkout.servers().supervisor.is_running()


def test_a_taken_port_is_named_with_the_remedy(checkout: Checkout, running: Running) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", checkout.port))
        taken.listen()
        done = checkout.ask("bin/run", "--no-demo")
    assert done.returncode == 1
    assert f"Port {checkout.port} is used by another program" in done.stderr
    assert f"PORT={checkout.port + 1} bin/run" in done.stderr
    assert not checkout.servers().supervisor.is_running()


def test_it_starts_again_without_a_second_administrator(checkout: Checkout, running: Running) -> None:
    again = checkout.start("--no-demo")
    try:
        again.wait_until_ready()
        assert again.is_alive()
        assert "Sign in as " not in again.said()
        assert json.loads((checkout.place / "var" / "run" / "run.json").read_text())["pid"] == again.process.pid
    finally:
        assert again.stop() == 0
