"""Take events in and fold them: single POSTs of 2 kB from 16 clients, batches of 100, the fold alone, and the disk they take.

Web and worker are those of `bin/run`; they, the load generator and PostgreSQL share this machine. The generator is one
thread that keeps one request of each client under way. Lag is what `/readyz` reports, looked at ten times a second. Disk
is what all tables and indexes grew by while the batches were folded, history included, for a million such events.

BENCH_INTAKE_SECONDS (10) is the time of the single POSTs, BENCH_INTAKE_EVENTS (100000) the number of events in batches.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import socket
import threading
import time
import uuid
from collections.abc import Iterator

from django.db import connection

from accounts.models import Principal
from accounts.tokens import Scope, digest_of, mint
from bench.harness import Direction, Figure, stopwatch
from bench.serving import running
from lineage import intake
from lineage.draining import drain
from lineage.queries import fold_lag

_CLIENTS = 16
_SECONDS = float(os.environ.get("BENCH_INTAKE_SECONDS", "10"))
_EVENTS = int(os.environ.get("BENCH_INTAKE_EVENTS", "100000"))
_BATCH = 100
_BATCH_CLIENTS = 4
_FOLDED_ALONE = 20_000
_JOBS = 1000
_PROGRAMS = ("web", "worker-prompt")


def run() -> list[Figure]:
    sender = Principal.objects.create(kind=Principal.Kind.PIPELINE, name=f"bench {uuid.uuid4()}")
    token = mint(principal=sender, name="bench", scopes=[Scope.LINEAGE_WRITE], by=sender).text
    events = _events()
    figures = _fold_alone(token, events)
    with running(*_PROGRAMS) as port:
        return [*figures, *_singles(port, token, events), *_batches(port, token, events)]


def _fold_alone(token: str, events: Iterator[bytes]) -> list[Figure]:
    """One process that does nothing else, over a queue that is there already."""
    for _ in range(_FOLDED_ALONE // 1000):
        intake.take_batch(_array(events, 1000), token=digest_of(token))
    with stopwatch() as watch:
        while fold_lag()[0]:
            drain()
    return [Figure("fold alone, one process", "events/s", _FOLDED_ALONE / watch.seconds)]


def _singles(port: int, token: str, events: Iterator[bytes]) -> list[Figure]:
    lags: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            lags.append(fold_lag()[1])
        connection.close()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        ends = time.monotonic() + _SECONDS
        requests = (_request("/api/v1/lineage", event, token) for event in events)
        took = sorted(_load(port, requests, clients=_CLIENTS, expected=b"201", ends=ends))
    finally:
        over.set()
        looking.join()
    _wait_until_folded()
    return [
        Figure("single POSTs of 2 kB, 16 clients", "events/s", len(took) / _SECONDS, 1000, Direction.AT_LEAST),
        Figure("accepting one, p99", "ms", took[int(len(took) * 0.99)] * 1000, 50),
        Figure("fold lag, p99", "s", sorted(lags)[int(len(lags) * 0.99)], 2),
    ]


def _batches(port: int, token: str, events: Iterator[bytes]) -> list[Figure]:
    bodies = (_array(events, _BATCH) for _ in range(_EVENTS // _BATCH))
    requests = (_request("/api/v1/lineage/batch", body, token) for body in bodies)
    before = _disk()
    with stopwatch() as watch:
        _load(port, requests, clients=_BATCH_CLIENTS, expected=b"204")
        _wait_until_folded()
    grown = (_disk() - before) / _EVENTS
    return [
        Figure("batches of 100, accepted and folded", "events/s", _EVENTS / watch.seconds, 2500, Direction.AT_LEAST),
        Figure("disk for an event, folded", "bytes", grown),
        Figure("disk for 1,000,000 events, folded", "GB", grown * 1_000_000 / 10**9, 2),
    ]


def _load(
    port: int, requests: Iterator[bytes], *, clients: int, expected: bytes, ends: float = float("inf")
) -> list[float]:
    """Send the requests, each client its next when it has its answer; the seconds that each took."""
    took: list[float] = []
    sent: dict[socket.socket, float] = {}
    with selectors.DefaultSelector() as selector:

        def send_next(client: socket.socket) -> None:
            request = next(requests, None) if time.monotonic() < ends else None
            if request is None:
                selector.unregister(client)
                client.close()
                return
            sent[client] = time.perf_counter()
            client.sendall(request)

        for _ in range(clients):
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client, selectors.EVENT_READ)
            send_next(client)
        while selector.get_map():
            for key, _ in selector.select(60):
                answered: socket.socket = key.fileobj  # type: ignore[assignment]
                answer = answered.recv(65_536)
                if answer[9:12] != expected or not answer.endswith(b"\r\n\r\n"):
                    raise RuntimeError(f"The intake answered {answer[:500]!r}")
                took.append(time.perf_counter() - sent[answered])
                send_next(answered)
    return took


def _request(path: str, body: bytes, token: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _array(events: Iterator[bytes], count: int) -> bytes:
    return b"[" + b",".join(next(events) for _ in range(count)) + b"]"


def _events() -> Iterator[bytes]:
    """START and COMPLETE of runs of 1,000 jobs over 3,000 datasets, each event 2 kB, as dbt and Airflow send them.

    A job always has the same code, inputs, output, schema and column lineage; runs, times and statistics are new each time.
    """
    chance = random.Random()
    templates = [(_encoded("START", job), _encoded("COMPLETE", job)) for job in range(_JOBS)]
    while True:
        job = chance.randrange(_JOBS)
        began = time.time()
        # As clients make them: the time in front.
        run = uuid.UUID(int=int(began * 1000) << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62))
        for template, seconds in zip(templates[job], (0.0, chance.uniform(1, 900)), strict=True):
            at = began + seconds
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
            event = template.replace(b"RUN-ID", str(run).encode()).replace(b"EVENT-TIME", moment.encode())
            yield event.replace(b'"ROW-COUNT"', str(chance.randrange(10**6)).encode())


_WORDS = (
    "unit", "student", "task", "submission", "tutor", "project", "grade", "campus", "period", "comment", "status",
    "target", "due", "created", "updated", "first", "last", "total", "weight", "feedback", "score", "enrolment",
)  # fmt: skip


def _encoded(kind: str, job: int) -> bytes:
    chance = random.Random(job)
    columns = [f"{chance.choice(_WORDS)}_{chance.choice(_WORDS)}_{number}" for number in range(8)]
    read = [f"ontrack.{chance.choice(_WORDS)}s.{chance.choice(_WORDS)}_{job * 2 + number}" for number in range(2)]
    wrote = f"warehouse.marts.{chance.choice(_WORDS)}_{job}"
    code = (
        f"INSERT INTO {wrote} SELECT {', '.join(f'a.{column}' for column in columns[:5])}, "
        f"coalesce(b.{columns[5]}, 0) AS {columns[5]} FROM {read[0]} AS a JOIN {read[1]} AS b ON b.id = a.{columns[0]} "
        f"WHERE a.{columns[6]} > {chance.randrange(10**6)}"
    )
    schema = {"schema": _facet("SchemaDatasetFacet", fields=[{"name": name, "type": "varchar"} for name in columns])}
    inputs = [{"namespace": "postgres://db.example.org:5432", "name": name, "facets": {}} for name in read]
    output: dict[str, object] = {"namespace": "postgres://db.example.org:5432", "name": wrote, "facets": schema}
    if kind == "COMPLETE":
        lineage = {
            column: {"inputFields": [{key: inputs[0][key] for key in ("namespace", "name")} | {"field": column}]}
            for column in columns[:1]
        }
        output["facets"] = schema | {"columnLineage": _facet("ColumnLineageDatasetFacet", fields=lineage)}
        output["outputFacets"] = {
            "outputStatistics": _facet("OutputStatisticsOutputDatasetFacet", rowCount="ROW-COUNT")
        }
    event = {
        "eventType": kind,
        "eventTime": "EVENT-TIME",
        "producer": _PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {
            "runId": "RUN-ID",
            "facets": {"nominalTime": _facet("NominalTimeRunFacet", nominalStartTime="EVENT-TIME")},
        },
        "job": {
            "namespace": "airflow",
            "name": f"marts.load_{job}",
            "facets": {"sql": _facet("SQLJobFacet", query=code)} if kind == "START" else {},
        },
        "inputs": inputs,
        "outputs": [output],
    }
    return json.dumps(event).encode()


_PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.52.0/integration/airflow"


def _facet(schema: str, **members: object) -> dict[str, object]:
    return {"_producer": _PRODUCER, "_schemaURL": f"https://openlineage.io/spec/facets/1-0-0/{schema}.json"} | members


def _disk() -> int:
    """Bytes of every table, with its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace"
        )
        return int(cursor.fetchone()[0])


def _wait_until_folded() -> None:
    while fold_lag()[0]:
        time.sleep(0.02)
