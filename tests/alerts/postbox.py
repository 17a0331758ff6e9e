"""A mail server of the tests: real, on this machine, and sometimes down or unwilling."""

from __future__ import annotations

import email.policy
import socket
from email import message_from_bytes
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Postbox:
    """What the server took; it refuses whoever is in `refused`, and answers messages to those in `answers` with that."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.answers: dict[str, str] = {}
        self.connections = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        found = message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        if found["To"] in self.answers:
            answer = self.answers[found["To"]]
            if not answer:
                server.transport.abort()
            return answer
        self.taken.append(found)
        return "250 Taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.taken if message["To"] == address]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A mail server that may be down."""

    def __init__(self) -> None:
        self.box = Postbox()
        self.port = _free_port()
        self._running: Controller | None = None

    def up(self) -> None:
        self._running = Controller(self.box, hostname="127.0.0.1", port=self.port)
        self._running.start()

    def down(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None
