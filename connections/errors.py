"""Why a source could not be read, as a kind for programs and a sentence for people."""

from __future__ import annotations

from enum import StrEnum

from common.errors import CatalogError, Conflict


class FailureKind(StrEnum):
    AUTHENTICATION = "authentication"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    PERMISSION = "permission"
    LOST = "lost"


class ConnectorError(CatalogError):
    """A source did not answer as it should. `message` says what to do; it never holds a secret."""

    status = 502
    code = "source_failed"
    title = "The source cannot be read"

    def __init__(self, message: str, kind: FailureKind) -> None:
        super().__init__(message)
        self.kind = kind


class AlreadyConnected(Conflict):
    """Another connection leads to the same database or file; `connection_id` is its."""

    def __init__(self, connection_id: int) -> None:
        super().__init__("This database is a source already. Crawl that one, or ask an administrator which it is.")
        self.connection_id = connection_id


def without_secret(text: str, secret: str) -> str:
    """`text` with every occurrence of the secret blanked: drivers sometimes repeat what they were given."""
    return text.replace(secret, "…") if len(secret) > 2 else text
