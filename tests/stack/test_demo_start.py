"""bin/run as a newcomer starts it: with the demo, and again with what was there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from stack.memory import measure
from stack.postgres import SUPERUSER
from stack.supervision import MARK, wait_until
from tests.stack.conftest import Checkout, Running

pytestmark = pytest.mark.long

LOGINS = ("admin", "analyst", "outsider", "owner", "steward")

HELD = {
    "crawls": "SELECT state, count(*) FROM ingestion_run GROUP BY 1",
    "jobs that ran": "SELECT count(DISTINCT job_id) FROM lineage_run",
    "runs of jobs": "SELECT state, count(*) FROM lineage_run GROUP BY 1",
    "edges": "SELECT count(*) FROM lineage_datasetedge",
    "events that wait": "SELECT count(*) FROM lineage_pendingevent",
    "labels": "SELECT count(*) FROM classification_label",
    "requests": "SELECT state, count(*) FROM access_accessrequest GROUP BY 1 ORDER BY 1",
}


@pytest.fixture(scope="module")
def first(checkout: Checkout) -> Iterator[Running]:
    """The first start, without a word."""
    running = checkout.start()
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
        checkout.servers().supervisor.clear_up()


def held(checkout: Checkout) -> dict[str, list[tuple[object, ...]]]:
    """What the catalog's database holds of the demo."""
    with psycopg.connect(checkout.servers().postgres.tcp_url(SUPERUSER, "catalog")) as database:
        return {what: database.execute(statement.encode()).fetchall() for what, statement in HELD.items()}


def logins(running: Running) -> dict[str, str]:
    """The passwords of the logins that bin/run printed under the address."""
    said = running.said().partition("Ready after")[2]
    return dict(re.findall(r"^  (\w+) +(\S+) ", said, flags=re.MULTILINE))


def processes(checkout: Checkout) -> list[psutil.Process]:
    """All that the checkout's supervisor has started, and what these have."""
    found, mark = [], str(checkout.servers().layout.sockets)
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_ready_means_that_every_part_works_in_less_than_700_mb(checkout: Checkout, first: Running) -> None:
    """Right after the load, when the workers still hold what it took."""
    assert first.failing() == []
    found = measure(checkout.servers().layout)
    assert sum(found.values()) < 700e6, found


def test_it_prints_logins_that_sign_in(first: Running) -> None:
    passwords = logins(first)
    assert set(passwords) == set(LOGINS), first.said()
    for username, password in passwords.items():
        assert "Sign out" in first.sign_in(username, password).page("/"), username


def test_events_are_folded_crawls_succeeded_and_labels_and_the_open_request_are_there(
    checkout: Checkout, first: Running
) -> None:
    assert wait_until(lambda: held(checkout)["events that wait"] == [(0,)], seconds=60, interval=0.5), held(checkout)
    found = held(checkout)
    assert found["crawls"] == [("succeeded", 4)]
    assert found["jobs that ran"] == [(9,)], "eight steps and the pipeline over them"
    assert {state for state, _ in found["runs of jobs"]} == {"completed"}
    ((edges,),), ((labels,),) = found["edges"], found["labels"]
    assert isinstance(edges, int) and edges >= 15
    assert isinstance(labels, int) and labels > 0
    assert ("pending", 1) in found["requests"]


def test_a_steward_sees_the_graph_and_the_request(first: Running) -> None:
    steward = first.sign_in("steward", logins(first)["steward"])
    assert "_progress</a>" in steward.page("/search/?q=student")
    assert "Anh Tran" in steward.page("/access/")


def test_after_the_load_all_processes_take_less_than_700_mb(checkout: Checkout, first: Running) -> None:
    layout = checkout.servers().layout
    assert {"postgres", "valkey", "web", "worker-prompt", "worker-long", "supervisor", "bin/run"} == set(
        measure(layout)
    )

    def is_small_again() -> bool:
        """What the load made the worker grow by goes when it starts afresh, which it does where nothing waits for it."""
        said = (layout.log / "worker-long.log").read_text(errors="replace")
        return "starting afresh" in said and said.rstrip().endswith("ready.")

    assert wait_until(is_small_again, seconds=240, interval=1)
    found = measure(layout)
    assert sum(found.values()) < 700e6, found


def test_terminated_it_leaves_no_process(checkout: Checkout, first: Running) -> None:
    assert len(processes(checkout)) >= 5
    assert first.stop() == 0
    assert processes(checkout) == []
    assert not checkout.servers().supervisor.is_running()
    assert not first.is_alive()


def test_a_later_start_has_the_same_data_and_loads_nothing(checkout: Checkout, first: Running) -> None:
    first.stop()
    kept = json.loads((checkout.place / "var" / "demo.json").read_text())
    again = checkout.start()
    try:
        again.wait_until_ready()
        assert again.failing() == []
        assert "Loading the demo" not in again.said()
        assert "Bringing the database up to date" not in again.said()
        assert logins(again) == {login["username"]: login["password"] for login in kept["logins"]}
        found = held(checkout)
        assert (found["jobs that ran"], found["events that wait"]) == ([(9,)], [(0,)])
        assert ("pending", 1) in found["requests"]
        steward = again.sign_in("steward", logins(again)["steward"])
        assert "_progress</a>" in steward.page("/search/?q=student")
    finally:
        assert again.stop() == 0
    assert processes(checkout) == []
