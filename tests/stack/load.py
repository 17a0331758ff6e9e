"""A load of lineage events: the same for the same seed, sent by several clients that try each until it is accepted."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import random
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

_BEGIN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_SCHEMAS = (("id", "name"), ("id", "name", "email"), ("id", "name", "phone"))


def events(count: int, *, jobs: int, seed: int) -> list[bytes]:
    """START and end of runs, in the order in which a scheduler would send them, now and then one late by many runs."""
    chance = random.Random(seed)
    made = list(islice(_runs(jobs, chance), count))
    for _ in range(count // 100):
        late = made.pop(chance.randrange(len(made) - 1))
        made.insert(chance.randrange(len(made)), late)
    return [json.dumps(event).encode() for event in made]


def _runs(jobs: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        for job in range(jobs):
            begin = _BEGIN + dt.timedelta(minutes=number, seconds=chance.randrange(60))
            run = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            schema = _SCHEMAS[chance.choices((0, 1, 2), (98, 1, 1))[0]]
            end = chance.choices(("COMPLETE", "FAIL", "ABORT"), (95, 4, 1))[0]
            yield _event("START", job, run, begin, schema)
            yield _event(end, job, run, begin + dt.timedelta(seconds=chance.randrange(1, 900)), schema)
        number += 1


def _event(kind: str, job: int, run: str, at: dt.datetime, schema: Sequence[str]) -> dict[str, Any]:
    def dataset(name: str, fields: Sequence[str] = ()) -> dict[str, Any]:
        facets = {"schema": {"fields": [{"name": one, "type": "text"} for one in fields]}} if fields else {}
        return {"namespace": "kafka://stream:9092", "name": name, "facets": facets}

    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "run": {"runId": run},
        "job": {"namespace": "load", "name": f"job_{job}"},
        "inputs": [dataset(f"t_{job}"), dataset(f"t_{job // 2}")],
        "outputs": [dataset(f"t_{job + 1}", schema)],
        "producer": "https://example.org/load",
        "schemaURL": _SPEC,
    }


@dataclass
class Load:
    """What is to be sent, as bodies with their path and how many events each holds; and how far it is."""

    port: int
    token: str
    bodies: list[tuple[str, bytes, int]]
    accepted: int = 0
    tried_again: int = 0
    refused: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, port: int, token: str, events: Sequence[bytes], *, singles: int, batch: int = 100) -> Load:
        """The first `singles` events one by one, the others in batches; all in the order in which they are due."""
        bodies = [("/api/v1/lineage", event, 1) for event in events[:singles]]
        rest = events[singles:]
        for start in range(0, len(rest), batch):
            part = rest[start : start + batch]
            bodies.append(("/api/v1/lineage/batch", b"[" + b",".join(part) + b"]", len(part)))
        random.Random(len(bodies)).shuffle(bodies)
        return cls(port, token, bodies[::-1])

    def clients(self, count: int) -> list[threading.Thread]:
        """So many clients, started; they end when all is sent."""
        threads = [threading.Thread(target=self._send, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def _send(self) -> None:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while not self.stop.is_set():
            with self._lock:
                if not self.bodies:
                    return
                path, body, count = self.bodies.pop()
            if self._post(wire, path, body):
                with self._lock:
                    self.accepted += count

    def _post(self, wire: http.client.HTTPConnection, path: str, body: bytes) -> bool:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        while not self.stop.is_set():
            try:
                wire.request("POST", path, body, headers)
                answer = wire.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                wire.close()
            else:
                if answer.status in (201, 204):
                    return True
                if answer.status < 500:
                    self.refused.append(f"{answer.status}: {text[:300]!r}")
                    return False
            self.tried_again += 1
            self.stop.wait(0.1)  # the client's own pause before it tries again
        return False
