"""Decisions, searches and pages among 10,000 people, 100,000 datasets, 500,000 columns, 100,000 grants and what led to them.

Evaluations are offered at a fixed rate by 64 connections: each is due at a moment, and its time counts from then on, whether
its connection was free or not. The web server of two processes, PostgreSQL and the load generator of one thread share this
machine. People are in groups and have roles; 40 policies are in force, of which each decision weighs those that concern it.
Pages are whole HTTP requests of somebody with roles in 3 of 50 domains, or of a deputy of theirs, the slowest of 20 left out.

BENCH_ACCESS_SECONDS (10) is how long evaluations are offered. What enforcement takes is `bench.access_enforcement`.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing

from django.conf import settings

from bench import access_enforcement
from bench.access_rows import DATASETS, PEOPLE
from bench.access_world import World, made_world
from bench.harness import Direction, Figure
from bench.serving import web

_RATE, _CONNECTIONS = 800, 64
_SECONDS = float(os.environ.get("BENCH_ACCESS_SECONDS", "10"))
_SEARCHES, _PAGES = 20, 20


def run() -> list[Figure]:
    world = made_world()
    with web() as port:
        figures = [*_evaluations(port, world), *_searches(port, world), *_pages(port, world)]
    return [*figures, *access_enforcement.run()]


def _evaluations(port: int, world: World) -> list[Figure]:
    chance = random.Random(7)
    asked = [_evaluation(world, chance) for _ in range(5000)]
    # Both processes import what decides and prepare its statements; then each connection has been used, and all threads.
    _slowest(port, lambda: asked[0], connections=_CONNECTIONS)
    _offer(port, asked, rate=200, seconds=2)
    _offer(port, asked, rate=_RATE, seconds=_SECONDS)
    took, decided = _offer(port, asked, rate=_RATE, seconds=_SECONDS)
    took.sort()
    return [
        Figure("evaluations served, 800/s offered", "1/s", decided, 0.99 * _RATE, Direction.AT_LEAST),
        Figure("an evaluation from when it is due, p50", "ms", took[len(took) // 2] * 1000),
        Figure("an evaluation from when it is due, p99", "ms", took[int(len(took) * 0.99)] * 1000, 20),
    ]


def _evaluation(world: World, chance: random.Random) -> bytes:
    """Half of them about a dataset that the person has a grant on."""
    person = chance.randrange(PEOPLE)
    held = ((person + PEOPLE * chance.randrange(10)) * 7919) % DATASETS
    dataset = held if chance.random() < 0.5 else chance.randrange(DATASETS)
    return _post(
        "/access/v1/evaluation",
        {
            "subject": {"type": "user", "id": world.people[person]},
            "action": {"name": "read"},
            "resource": {"type": "dataset", "id": str(world.datasets[dataset])},
        },
        world.decider,
    )


def _post(path: str, sent: object, token: str) -> bytes:
    body = json.dumps(sent).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _offer(port: int, requests: list[bytes], *, rate: float, seconds: float) -> tuple[list[float], float]:
    """Send them at a rate over the connections; the seconds of each from when it was due, and how many a second were served."""
    took: list[float] = []
    total = int(rate * seconds)
    due: dict[socket.socket, float] = {}
    idle: deque[socket.socket] = deque()  # the one that waited longest first, so that none idles until it is closed
    sent = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(_CONNECTIONS):
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client, selectors.EVENT_READ)
            idle.append(client)
        began = time.perf_counter()
        while len(took) < total:
            now = time.perf_counter()
            while sent < total and idle and began + sent / rate <= now:
                client = idle.popleft()
                due[client] = began + sent / rate
                client.sendall(requests[sent % len(requests)])
                sent += 1
            next_due = began + sent / rate - time.perf_counter() if sent < total and idle else 1.0
            for key, _ in selector.select(max(0.0, next_due)):
                answered: socket.socket = key.fileobj  # type: ignore[assignment]
                answer = answered.recv(65_536)
                if answer[9:12] != b"200" or b'"decision"' not in answer:
                    raise RuntimeError(f"The decision point answered {answer[:500]!r}")
                took.append(time.perf_counter() - due.pop(answered))
                idle.append(answered)
        ended = time.perf_counter()
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    return took, total / (ended - began)


def _searches(port: int, world: World) -> list[Figure]:
    chance = random.Random(11)

    def search(what: str, **sent: object) -> Callable[[], bytes]:
        return lambda: _post(f"/access/v1/search/{what}", {"action": {"name": "read"}, **sent}, world.decider)

    def resources() -> bytes:
        subject = {"type": "user", "id": world.people[chance.randrange(PEOPLE)]}
        return search("resource", subject=subject, resource={"type": "dataset"})()

    def subjects() -> bytes:
        resource = {"type": "dataset", "id": str(world.datasets[chance.randrange(DATASETS)])}
        return search("subject", subject={"type": "user"}, resource=resource)()

    few = {"type": "user", "id": world.people[3]}
    return [
        Figure("resource search, a page of 100, slowest of 20 people", "ms", _slowest(port, resources), 300),
        Figure(
            "resource search of somebody without roles or groups that allow", "ms",
            _slowest(port, search("resource", subject=few, resource={"type": "dataset"})), 300,
        ),
        Figure("subject search, a page of 100, slowest of 20 datasets", "ms", _slowest(port, subjects)),
    ]  # fmt: skip


def _slowest(port: int, request: Callable[[], bytes], *, connections: int = 1) -> float:
    """Milliseconds of the slowest of twenty requests on each of so many connections, after one that is not counted."""
    took = []
    for _ in range(connections):
        with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as client:
            took += [_answered(client, request()) for _ in range(_SEARCHES + 1)][1:]
    return max(took) * 1000


def _answered(client: socket.socket, request: bytes) -> float:
    """The seconds until the answer was read to its end."""
    began = time.perf_counter()
    client.sendall(request)
    answer = client.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    if answer[9:12] != b"200":
        raise RuntimeError(f"The decision point answered {answer[:500]!r}")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65_536)
    return time.perf_counter() - began


_ASKED = (
    ("datasets over REST", "/api/v2/datasets/?limit=50"),
    ("search over REST, a word", "/api/v2/search/?q=table&limit=50"),
    ("search over REST, a level and a source", "/api/v2/search/?level=4&source=source-3&limit=50"),
    ("the search page, a word", "/search/?q=table"),
    ("the browse page of a source", "/browse/?source=source-3"),
    ("grants over REST", "/api/v2/grants/?limit=50"),
    ("requests over REST", "/api/v2/access-requests/?limit=50"),
    ("recertified grants over REST", "/api/v2/recertification-items/?limit=50"),
    ("the recertifications", "/access/recertification/"),
    ("the access page", "/access/"),
)


def _pages(port: int, world: World) -> list[Figure]:
    figures = [Figure(f"a page of 50: {name}", "ms", _page(port, path, world), 100) for name, path in _ASKED]
    # Their conditions are other ones, which each process of the web composes when it is first asked.
    _page(port, "/access/", world, session=world.deputy)
    deputys = _page(port, "/access/", world, session=world.deputy)
    return [*figures, Figure("a page of 50: the access page of somebody's deputy", "ms", deputys, 100)]


def _page(port: int, path: str, world: World, *, session: str = "") -> float:
    """Milliseconds of the slowest but one of twenty requests, after one that is not counted."""
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session or world.session}"}
    if path.startswith("/api/"):
        headers = {"Authorization": f"Bearer {world.reader}"}
    took = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        for _ in range(_PAGES + 1):
            began = time.perf_counter()
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            answer.read()
            took.append(time.perf_counter() - began)
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}.")
    return sorted(took[1:])[-2] * 1000
