from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from audit.events import Event, Subject, event


@event("connections.created", "set up the connection to {connection}")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCreated(Event):
    connection_id: int
    connection: str
    after: Mapping[str, object]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("connection", self.connection_id)]


@event("connections.changed", "changed the connection to {connection}")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged(Event):
    """`secret_changed` tells that a password was entered; the password is nowhere in a record."""

    connection_id: int
    source_id: int | None
    connection: str
    before: Mapping[str, object]
    after: Mapping[str, object]
    secret_changed: bool

    def subjects(self) -> Iterable[Subject]:
        of_source = [Subject("source", self.source_id)] if self.source_id is not None else []
        return [Subject("connection", self.connection_id), *of_source]


@event("connections.keys_rotated", "encrypted {count} stored passwords with the key {key_id}")
@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionKeysRotated(Event):
    count: int
    key_id: str
