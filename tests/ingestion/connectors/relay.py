"""A TCP relay in front of a real server: counts the statements that pass, and cuts the wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_BLOCK = 65536


@dataclass
class Relay:
    """`cut_after` bytes of answers the connection ends; with `stay_down` nothing is let in afterwards."""

    target: tuple[str, int]
    protocol: str
    cut_after: int | None = None
    stay_down: bool = False
    statements: list[bytes] = field(default_factory=list)
    connections: int = 0
    answered: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # close() alone does not wake a thread in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(self.target)
            threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answers, args=(client, server), daemon=True).start()

    def lets_through(self) -> bool:
        """Asked before what was read of the client goes on to the server; where it does not, the wire ends."""
        return True

    def lets_back(self) -> bool:
        """The same of the server's answers."""
        return True

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        reader = _READERS[self.protocol](self.statements)
        with suppress(OSError):
            while block := client.recv(_BLOCK):
                reader.feed(block)
                if not self.lets_through():
                    break
                server.sendall(block)
        cut(client, server)

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := server.recv(_BLOCK):
                self.answered += len(block)
                if self.cut_after is not None and self.answered > self.cut_after:
                    self.cut_after = None
                    if self.stay_down:
                        self.close()
                    break
                if not self.lets_back():
                    break
                client.sendall(block)
        cut(client, server)


def cut(*sockets: socket.socket) -> None:
    """End connections. close() alone would not wake the threads that read of them, and so not tell the other side either."""
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class _PostgresReader:
    """Finds Query and Parse messages. The first message of a connection has no type."""

    def __init__(self, statements: list[bytes]) -> None:
        self._statements = statements
        self._buffer = b""
        self._started = False

    def feed(self, block: bytes) -> None:
        self._buffer += block
        while True:
            head = 1 if self._started else 0
            if len(self._buffer) < head + 4:
                return
            size = head + int.from_bytes(self._buffer[head : head + 4], "big")
            if len(self._buffer) < size:
                return
            message, self._buffer = self._buffer[:size], self._buffer[size:]
            if self._started and message[:1] in (b"Q", b"P"):
                self._statements.append(message[5:])
            self._started = True


class _MysqlReader:
    """Finds COM_QUERY packets; a command is the first packet (sequence 0) of an exchange."""

    def __init__(self, statements: list[bytes]) -> None:
        self._statements = statements
        self._buffer = b""

    def feed(self, block: bytes) -> None:
        self._buffer += block
        while len(self._buffer) >= 5:
            size = 4 + int.from_bytes(self._buffer[:3], "little")
            if len(self._buffer) < size:
                return
            packet, self._buffer = self._buffer[:size], self._buffer[size:]
            if packet[3] == 0 and packet[4] == 3:
                self._statements.append(packet[5:])


_READERS: dict[str, type[_PostgresReader | _MysqlReader]] = {"postgres": _PostgresReader, "mysql": _MysqlReader}


@contextmanager
def relay(
    host: str, port: int, protocol: str, *, cut_after: int | None = None, stay_down: bool = False
) -> Iterator[Relay]:
    """A relay to a server for the length of a block."""
    running = Relay((host, port), protocol, cut_after, stay_down)
    try:
        yield running
    finally:
        running.close()
