"""Each process is killed in turn while crawls run and events stream in: nothing is lost, and the catalog ends the same."""

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from stack.postgres import SUPERUSER
from stack.supervision import wait_until
from tests.ingestion.sources import HeldRelay
from tests.stack.conftest import Checkout, Running

pytestmark = pytest.mark.long

VICTIMS = ("worker-long", "worker-prompt", "web", "valkey", "postgres", "worker-prompt", "worker-long", "postgres")
SCHEMAS, TABLES, COLUMNS = 4, 500, 12
JOBS, RUNS_A_JOB = 10, 40


class Shop:
    """A source in the same server: 4 schemas of 500 tables, and one more table a round."""

    def __init__(self, checkout: Checkout) -> None:
        self.url = checkout.servers().postgres.tcp_url(SUPERUSER, "shop")
        with psycopg.connect(checkout.servers().postgres.tcp_url(SUPERUSER, "postgres"), autocommit=True) as admin:
            admin.execute("CREATE DATABASE shop")
        self.tables = 0
        columns = ", ".join(f"column_{number} text" for number in range(COLUMNS - 1))
        with psycopg.connect(self.url) as database:
            for schema in range(SCHEMAS):
                database.execute(f"CREATE SCHEMA part_{schema}")
                for table in range(TABLES):
                    database.execute(f"CREATE TABLE part_{schema}.table_{table} (id bigint PRIMARY KEY, {columns})")
                    self.tables += 1

    def grow(self) -> None:
        """One more table, as soon as the server is up again."""
        assert wait_until(self._grown, seconds=60, interval=0.2)
        self.tables += 1

    def _grown(self) -> bool:
        name = sql.Identifier(f"extra_{self.tables}")
        try:
            with psycopg.connect(self.url, autocommit=True) as database:
                database.execute(sql.SQL("CREATE TABLE IF NOT EXISTS part_0.{} (id bigint PRIMARY KEY)").format(name))
        except psycopg.OperationalError:
            return False
        return True


@dataclass
class Stream:
    """Posts each event until it is accepted, as OpenLineage's clients do, while the catalog falls and rises."""

    url: str
    token: str
    accepted: int = 0
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        for number in range(RUNS_A_JOB):
            for job in range(JOBS):
                run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{job}/{number}"))
                for state in ("START", "COMPLETE"):
                    self._post(self._event(job, number, run_id, state))
                    if self.stop.is_set():
                        return

    def _event(self, job: int, number: int, run_id: str, state: str) -> bytes:
        def dataset(name: str) -> dict[str, str]:
            return {"namespace": "kafka://stream:9092", "name": name}

        event = {
            "eventType": state,
            "eventTime": f"2026-03-03T12:{number:02}:{0 if state == 'START' else 30:02}Z",
            "run": {"runId": run_id},
            "job": {"namespace": "faults", "name": f"job_{job}"},
            "inputs": [dataset(f"in_{job}")],
            "outputs": [dataset(f"out_{job}")],
            "producer": "https://example.org/faults",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        }
        return json.dumps(event).encode()

    def _post(self, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        while not self.stop.is_set():
            request = urllib.request.Request(f"{self.url}/api/v1/lineage", body, headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    assert answer.status == 201
                    self.accepted += 1
                    return
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    self.refused.append(f"{error.code}: {error.read()[:500]!r}")
                    return
            except OSError:
                pass
            time.sleep(0.05)  # the client's own pause before it tries again


def test_killing_each_process_in_turn_loses_nothing(checkout: Checkout, running: Running) -> None:
    shop = Shop(checkout)
    added = checkout.ask("bin/manage", "add_source", "shop", f"{shop.url}?sslmode=disable", "--json")
    assert added.returncode == 0, added.stderr
    issued = checkout.ask("bin/manage", "create_token", "faults", "--scope", "lineage:write", "--json")
    stream = Stream(f"http://127.0.0.1:{running.port}", json.loads(issued.stdout)["token"])
    streaming = threading.Thread(target=stream.run)
    streaming.start()
    supervisor = checkout.servers().supervisor
    try:
        for victim in VICTIMS:
            shop.grow()
            request_crawl(checkout)
            assert wait_until(lambda: run_states(checkout)[-1:] != ["queued"], seconds=60, interval=0.05)
            before = supervisor.states()[victim].pid
            os.kill(before, signal.SIGKILL)
            assert wait_until(
                lambda name=victim, pid=before: (
                    supervisor.states()[name].pid not in (0, pid) and supervisor.states()[name].state == "RUNNING"
                ),
                seconds=60,
                interval=0.2,
            ), supervisor.states()
        assert wait_until(lambda: not streaming.is_alive(), seconds=180, interval=0.5), stream.accepted
    finally:
        stream.stop.set()
        streaming.join()
    assert stream.refused == []
    assert stream.accepted == JOBS * RUNS_A_JOB * 2
    assert wait_until(lambda: not open_runs(checkout), seconds=180, interval=0.5), run_states(checkout)
    request_crawl(checkout)
    assert wait_until(lambda: not open_runs(checkout), seconds=120, interval=0.5), run_states(checkout)
    assert run_states(checkout)[-1] == "succeeded"
    assert wait_until(lambda: ask(checkout, "SELECT count(*) FROM lineage_pendingevent") == [(0,)], seconds=90)
    assert wait_until(lambda: bool(readiness(running)["ready"]), seconds=60, interval=0.5), readiness(running)
    assert catalog(checkout) == {
        "tables": shop.tables,
        "gone": 0,
        "fields": SCHEMAS * TABLES * COLUMNS + (shop.tables - SCHEMAS * TABLES),
        "names": shop.tables + 2 * JOBS,
        "jobs": JOBS,
        "runs": [("completed", JOBS * RUNS_A_JOB)],
        "edges": JOBS,
        "deliveries": 0,
    }


def test_the_run_of_a_killed_worker_is_lost_within_a_minute_and_tried_once_more(
    checkout: Checkout, running: Running
) -> None:
    postgres = checkout.servers().postgres
    relay = HeldRelay("127.0.0.1", postgres.port, hold_after=4000)
    try:
        url = urlsplit(postgres.tcp_url(SUPERUSER, "shop"))
        held = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{relay.port}").geturl()
        added = checkout.ask("bin/manage", "add_source", "held", f"{held}?sslmode=disable", "--unchecked", "--json")
        assert added.returncode == 0, added.stderr
        relay.answered = 0
        relay.held.clear()
        request_crawl(checkout, "held")
        assert relay.held.wait(30)
        ended = len(run_states(checkout))
        os.kill(checkout.servers().supervisor.states()["worker-long"].pid, signal.SIGKILL)
        assert wait_until(lambda: run_states(checkout)[ended - 1] == "lost", seconds=60, interval=0.2), run_states(
            checkout
        )
        relay.release.set()
        assert wait_until(lambda: run_states(checkout)[ended:] == ["succeeded"], seconds=60), run_states(checkout)
    finally:
        relay.release.set()
        relay.close()


def request_crawl(checkout: Checkout, slug: str = "shop") -> None:
    """Ask for a crawl as the source's page does, where none is open."""
    code = (
        "from accounts.models import Principal; from catalog.models import Source; from ingestion.models import Run\n"
        "from ingestion.actions import request_crawl; from ingestion.tasks import crawl\n"
        f"source = Source.objects.get(slug={slug!r})\n"
        "if not Run.objects.open().exists():\n"
        "    crawl.delay(request_crawl(source=source, by=Principal.objects.system()).pk)\n"
    )
    assert wait_until(
        lambda: checkout.ask("bin/manage", "shell", "-v", "0", "-c", code).returncode == 0, seconds=60, interval=1
    )


def ask(checkout: Checkout, statement: str) -> list[tuple[object, ...]]:
    """Rows of the catalog's database; none while it is down."""
    try:
        with psycopg.connect(checkout.servers().postgres.tcp_url(SUPERUSER, "catalog"), connect_timeout=3) as database:
            return database.execute(statement).fetchall()
    except psycopg.OperationalError:
        return []


def run_states(checkout: Checkout) -> list[object]:
    return [state for (state,) in ask(checkout, "SELECT state FROM ingestion_run ORDER BY id")]


def open_runs(checkout: Checkout) -> bool:
    states = run_states(checkout)
    return not states or any(state in ("queued", "running", "waiting") for state in states)


def readiness(running: Running) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/readyz", timeout=10) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))
    except OSError:
        return {"ready": False}


def catalog(checkout: Checkout) -> dict[str, object]:
    """What the catalog holds, as far as it must not depend on what was killed."""

    def one(statement: str) -> object:
        return ask(checkout, statement)[0][0]

    return {
        "tables": one("SELECT count(*) FROM catalog_dataset WHERE source_id IS NOT NULL"),
        "gone": one("SELECT count(*) FROM catalog_dataset WHERE gone_since IS NOT NULL"),
        "fields": one("SELECT count(*) FROM catalog_field WHERE gone_since IS NULL"),
        "names": one("SELECT count(*) FROM catalog_datasetname WHERE valid_to IS NULL"),
        "jobs": one("SELECT count(*) FROM lineage_job"),
        "runs": ask(checkout, "SELECT state, count(*) FROM lineage_run GROUP BY state"),
        "edges": one("SELECT count(*) FROM lineage_datasetedge"),
        "deliveries": one("SELECT count(*) FROM audit_delivery WHERE state = 'failed'"),
    }
