"""The catalog's own programs on a benchmark's database, and how long its answers take."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager

from bench.harness import stopwatch
from config.health import parts
from stack.applications import WEB, programs
from stack.layout import Layout


def p95(port: int, path: str, token: str, *, least: int, requests: int = 40) -> float:
    """Milliseconds of whole requests, each answer read to its end.

    An answer shorter than `least` bytes would mean that something else was measured.
    """
    times = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        for number in range(requests + 4):
            with stopwatch() as watch:
                client.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                response = client.getresponse()
                body = response.read()
            if response.status != 200 or len(body) < least:
                raise RuntimeError(f"{path} answered {response.status} with {len(body)} bytes: {body[:300]!r}")
            if number >= 4:
                times.append(watch.seconds)
    return sorted(times)[int(len(times) * 0.95)] * 1000


@contextmanager
def running(*names: str) -> Iterator[int]:
    """The catalog's own programs of these names, as `bin/run` starts them, on the benchmark's database; gives the port."""
    with closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    wanted = [item for item in programs(Layout.of_checkout("bench"), os.environ, port) if item.name in names]
    started = [
        subprocess.Popen(item.argv, env=dict(item.environment), cwd=item.directory, stdout=subprocess.DEVNULL)
        for item in wanted
    ]
    try:
        _wait_for(port if WEB in names else None, started, workers=len(set(names) - {WEB}))
        yield port
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                # Celery's beat swallows the signal where it comes while it sends; the supervisor kills it too then.
                process.kill()
                process.wait()


def web() -> AbstractContextManager[int]:
    """The web server alone; gives the port."""
    return running(WEB)


def _wait_for(port: int | None, started: Sequence[subprocess.Popen[bytes]], *, workers: int) -> None:
    """Until the web answers and so many workers consume, at most two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until and all(process.poll() is None for process in started):
        if (port is None or _answers(port)) and parts()["workers"].get("alive", 0) >= workers:
            return
        time.sleep(0.1)
    raise RuntimeError("The catalog's programs did not start.")


def _answers(port: int) -> bool:
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as client:
            client.request("GET", "/healthz")
            return client.getresponse().status == 200
    except OSError:
        return False
