"""What every connector promises. Connectors know no Django; they turn a `Target` into `Reading` values."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from catalog.snapshots import Path, Reading
from connections.errors import ConnectorError, FailureKind
from ingestion.connectors.sampling import Amount, Sampler
from ingestion.connectors.scope import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of a connection test. `reason` is a sentence: what was found, or what to do.

    `warnings` are sentences about what a crawl would leave out, such as schemas without rights.
    """

    ok: bool
    reason: str
    kind: FailureKind | None = None
    version: str = ""
    warnings: tuple[str, ...] = ()


def counted(count: int, one: str, many: str = "") -> str:
    """`1 schema`, `2 schemas`: how the sentence of a check counts."""
    return f"{count} {one if count == 1 else many or one + 's'}"


class Connector(Protocol):
    platform: str

    def check(self, scope: Scope = EVERYTHING) -> Check:
        """Try the connection, for a crawl of `scope`. Answers within 5 s and never raises for what the source does."""

    def required_grants(self, scope: Scope = EVERYTHING, *, sampling: bool = False) -> tuple[str, ...]:
        """The statements, each ending in a semicolon, that give the user what a crawl of `scope` needs and no more.

        With `sampling` the rows of tables are among it. Where the source cannot be reached yet, those that need no
        knowledge of what is in it. Empty for files.
        """

    def read(self, scope: Scope, known: Mapping[Path, str]) -> Generator[Reading, None, None]:
        """Everything inside `scope`, in order of schema.

        Raises `ConnectorError` only before the first value. Then comes one `SchemasListed`, and after it
        every listed schema ends in exactly one `SchemaRead` or `SchemaFailed`, whatever happens to the
        source. No path comes twice. `known` holds the fingerprints of the reading before: a dataset whose
        fingerprint is still the same comes as `Unchanged`. Closing the iterator early gives the source its
        connection back.
        """

    def sampler(self, amount: Amount) -> Sampler:
        """A connection that reads a few rows of tables, to be closed. Raises `ConnectorError` where there is none."""


__all__ = ["Check", "Connector", "ConnectorError", "FailureKind", "Reading", "Scope", "counted"]
