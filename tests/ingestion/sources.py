"""Real sources for tests of crawls: a scratch PostgreSQL database behind a wire that can be held."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote, urlsplit

from django.conf import settings

from accounts.models import Principal
from catalog.models import Domain, Source
from connections.addresses import parse_address
from ingestion.sources import add_crawled_source
from tests.ingestion.connectors.relay import Relay
from tests.servers.databases import PostgresServer


class HeldRelay(Relay):
    """Lets so many bytes of answers pass, and then holds the wire until `release` is set: a source that hangs."""

    def __init__(self, host: str, port: int, hold_after: int) -> None:
        self.hold_after = hold_after
        self.held = threading.Event()
        self.release = threading.Event()
        super().__init__((host, port), "postgres")

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := server.recv(65536):
                self.answered += len(block)
                if self.answered > self.hold_after:
                    self.held.set()
                    self.release.wait(120)
                client.sendall(block)


@contextmanager
def held_wire(server: PostgresServer, hold_after: int) -> Iterator[HeldRelay]:
    relay = HeldRelay(server.host, server.port, hold_after)
    try:
        yield relay
    finally:
        relay.release.set()
        relay.close()


def postgres_source(
    server: PostgresServer,
    database: str,
    *,
    domain: Domain | None = None,
    port: int | None = None,
    secret: str | None = None,
) -> Source:
    """A source of the catalog that crawls a scratch database as its superuser."""
    password = quote(server.password if secret is None else secret, safe="")
    place = f"{server.host}:{port or server.port}/{quote(database, safe='')}"
    url = f"postgres://{server.superuser}:{password}@{place}?sslmode=disable"
    return add_crawled_source(name=database, address=parse_address(url), domain=domain, by=Principal.objects.system())


def worker_process(code: str) -> subprocess.Popen[bytes]:
    """A process of its own on this test's database: what is killed in it dies as a worker does."""
    own = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + settings.DATABASES["default"]["NAME"]).geturl()
    return subprocess.Popen(
        [sys.executable, "-c", f"import django; django.setup(); {code}"],
        env={**os.environ, "DATABASE_URL": own, "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.DEVNULL,
    )
