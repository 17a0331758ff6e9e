"""Take events in and fold them: single POSTs of 2 kB from 16 clients to granian with two workers, and batches of 100.

The load generator, the web server, the fold and PostgreSQL share this machine. The fold is a process of its own that drains
the queue in a loop, as the worker does every second. Lag is what `/readyz` reports, looked at ten times a second.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from django.db import connection

from accounts.models import Principal
from accounts.tokens import Scope, mint
from bench.harness import Direction, Figure, stopwatch
from lineage.queries import fold_lag

_CLIENTS = 16
_SECONDS = float(os.environ.get("BENCH_INTAKE_SECONDS", "10"))
_BATCHES = int(os.environ.get("BENCH_INTAKE_BATCHES", "100"))
_BATCH = 100

_FOLD = """
import django, time
django.setup()
from lineage.draining import drain
while True:
    if not drain(seconds=5):
        time.sleep(0.05)
"""


def run() -> list[Figure]:
    sender = Principal.objects.create(kind=Principal.Kind.PIPELINE, name=f"bench {uuid.uuid4()}")
    token = mint(principal=sender, name="bench", scopes=[Scope.LINEAGE_WRITE], by=sender).text
    with _processes() as port:
        return [*_singles(port, token), *_batches(port, token)]


def _singles(port: int, token: str) -> list[Figure]:
    ends = time.monotonic() + _SECONDS
    times: list[list[float]] = [[] for _ in range(_CLIENTS)]
    lags: list[float] = []

    def send(number: int) -> None:
        events = _events()
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
            while time.monotonic() < ends:
                with stopwatch() as watch:
                    _post(client, "/api/v1/lineage", next(events), token, 201)
                times[number].append(watch.seconds)

    def look(number: int) -> None:
        while time.monotonic() < ends:
            lags.append(fold_lag()[1])
            time.sleep(0.1)
        connection.close()

    _in_threads([send] * _CLIENTS + [look])
    _wait_until_folded()
    accepted = sorted(seconds for each in times for seconds in each)
    return [
        Figure("single POSTs of 2 kB, 16 clients", "events/s", len(accepted) / _SECONDS, 1000, Direction.AT_LEAST),
        Figure("accepting one, p99", "ms", accepted[int(len(accepted) * 0.99)] * 1000, 50),
        Figure("fold lag, p99", "s", sorted(lags)[int(len(lags) * 0.99)], 2),
    ]


def _batches(port: int, token: str) -> list[Figure]:
    events = _events()
    bodies = [b"[" + b",".join(next(events) for _ in range(_BATCH)) + b"]" for _ in range(_BATCHES)]
    with stopwatch() as watch:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
            for body in bodies:
                _post(client, "/api/v1/lineage/batch", body, token, 204)
        _wait_until_folded()
    rate = _BATCH * _BATCHES / watch.seconds
    return [Figure("batches of 100, accepted and folded", "events/s", rate, 2500, Direction.AT_LEAST)]


def _events() -> Iterator[bytes]:
    """START and COMPLETE of runs of 1,000 jobs over 3,000 datasets, each event 2 kB."""
    chance = random.Random()
    fields = [{"name": f"column_{number}", "type": "varchar"} for number in range(12)]
    while True:
        job, run = chance.randrange(1000), str(uuid.UUID(int=chance.getrandbits(128)))
        for kind in ("START", "COMPLETE"):
            yield json.dumps(
                {
                    "eventType": kind,
                    "eventTime": f"2026-11-{chance.randrange(1, 28):02}T06:00:{chance.randrange(60):02}.000Z",
                    "producer": "https://example.org/bench",
                    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
                    "run": {"runId": run, "facets": {"nominalTime": {"nominalStartTime": "2026-11-01T06:00:00Z"}}},
                    "job": {
                        "namespace": "bench",
                        "name": f"job_{job}",
                        "facets": {"sql": {"query": f"INSERT INTO t SELECT {'a.b, ' * 150} c FROM job_{job}"}},
                    },
                    "inputs": [
                        {"namespace": "postgres://db:5432", "name": f"in.public.t{job * 2 + n}", "facets": {}}
                        for n in range(2)
                    ],
                    "outputs": [
                        {
                            "namespace": "postgres://db:5432",
                            "name": f"out.public.t{job}",
                            "facets": {"schema": {"fields": fields}},
                            "outputFacets": {"outputStatistics": {"rowCount": chance.randrange(10**6)}},
                        }
                    ],
                }
            ).encode()


def _post(client: http.client.HTTPConnection, path: str, body: bytes, token: str, expected: int) -> None:
    client.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    response = client.getresponse()
    text = response.read()
    if response.status != expected:
        raise RuntimeError(f"{path} answered {response.status}: {text[:300]!r}")


def _wait_until_folded() -> None:
    while fold_lag()[0]:
        time.sleep(0.02)


def _in_threads(works: list[Callable[[int], None]]) -> None:
    faults: list[BaseException] = []

    def run_one(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run_one, args=(work, number)) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


@contextmanager
def _processes() -> Iterator[int]:
    """granian and a fold on this benchmark's database; gives the port."""
    with closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    web = ["granian", "--interface", "wsgi", "--port", str(port), "--workers", "2", "--blocking-threads", "4"]
    commands = [["-m", *web, "--no-ws", "config.wsgi:application"], ["-c", _FOLD]]
    started = [subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL) for command in commands]
    try:
        _wait_for(port, started[0])
        yield port
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=30)


def _wait_for(port: int, web: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and web.poll() is None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as client:
                client.request("GET", "/healthz")
                if client.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("granian did not start.")
