"""Read all schemas at once and, where that fails, the rest one by one: an error stays in the schema that has
it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from catalog.snapshots import (
    DatasetSnapshot,
    Path,
    Reading,
    SchemaFailed,
    SchemaRead,
    SchemasListed,
    Unchanged,
    structure_hash,
)
from connections.errors import ConnectorError, FailureKind

Read = Callable[[Sequence[str]], Iterator[DatasetSnapshot]]
_OUT_OF_REACH = (FailureKind.LOST, FailureKind.UNREACHABLE, FailureKind.AUTHENTICATION, FailureKind.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Listed:
    """A schema: its native path, and the sentence that says why it can be read only in part, if so."""

    path: Path
    expected: int | None = None
    partial: str | None = None


def read_by_schema(schemas: Sequence[Listed], read: Read, known: Mapping[Path, str]) -> Iterator[Reading]:
    """The readings of these schemas, which end as the protocol promises.

    `read(names)` opens the source itself, gives the datasets in the order of `names` (the last parts of the
    schemas' paths) and raises `ConnectorError` for whatever fails.
    """
    yield SchemasListed(tuple(schema.path for schema in schemas), tuple(schema.expected for schema in schemas))
    yield from _Pass(schemas, read, known).run()


class _Pass:
    def __init__(self, schemas: Sequence[Listed], read: Read, known: Mapping[Path, str]) -> None:
        self._schemas = schemas
        self._read = read
        self._known = known
        self._open = 0
        self._seen: set[Path] = set()

    def run(self) -> Iterator[Reading]:
        if (yield from self._some(len(self._schemas))) is None:
            return
        out_of_reach = 0
        while self._open < len(self._schemas):
            failure = yield from self._some(self._open + 1)
            if failure is None:
                out_of_reach = 0
                continue
            yield self._close(failure.message)
            out_of_reach = out_of_reach + 1 if failure.kind in _OUT_OF_REACH else 0
            while out_of_reach > 1 and self._open < len(self._schemas):
                yield self._close(failure.message)

    def _some(self, end: int) -> Generator[Reading, None, ConnectorError | None]:
        """Read from the open schema up to `end`, closing each that is through; the error that stopped it."""
        try:
            for snapshot in self._read([schema.path[-1] for schema in self._schemas[self._open : end]]):
                while self._schemas[self._open].path != snapshot.path[:-1]:
                    yield self._close()
                if snapshot.path not in self._seen:
                    self._seen.add(snapshot.path)
                    yield self._compared(snapshot)
        except ConnectorError as error:
            return error
        while self._open < end:
            yield self._close()
        return None

    def _compared(self, snapshot: DatasetSnapshot) -> DatasetSnapshot | Unchanged:
        fingerprint = structure_hash(snapshot)
        if self._known.get(snapshot.path) == fingerprint:
            return Unchanged(snapshot.path, snapshot.row_estimate, snapshot.size_bytes)
        return msgspec.structs.replace(snapshot, fingerprint=fingerprint)

    def _close(self, failure: str | None = None) -> SchemaRead | SchemaFailed:
        schema = self._schemas[self._open]
        self._open += 1
        count = len(self._seen)
        self._seen.clear()
        reason = failure or schema.partial
        return SchemaFailed(schema.path, reason) if reason else SchemaRead(schema.path, count)
