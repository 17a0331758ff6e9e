"""The web server on a benchmark's database, and how long its answers take."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from bench.harness import stopwatch


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
def web() -> Iterator[int]:
    """granian on the benchmark's database; gives the port."""
    with closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    command = ["granian", "--interface", "wsgi", "--port", str(port), "--workers", "2", "--blocking-threads", "4"]
    web = subprocess.Popen(
        [sys.executable, "-m", *command, "--no-ws", "config.wsgi:application"], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port, web)
        yield port
    finally:
        web.terminate()
        web.wait(timeout=30)


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
