"""Read a source as a crawl does, and hold every reading to the protocol's promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.snapshots import (
    DatasetSnapshot,
    Path,
    Reading,
    SchemaFailed,
    SchemaRead,
    SchemasListed,
    Unchanged,
)
from connections.addresses import parse_address
from connections.guard import networks
from connections.targets import Target, target
from ingestion.connectors.protocol import Connector
from ingestion.connectors.registry import connector_for
from ingestion.connectors.scope import Scope

LOOPBACK = networks(["127.0.0.0/8"])
HOSTILE = [
    'quo"te',
    "apo'strophe",
    "back`tick",
    "with space",
    "do.t",
    "per%cent %s",
    "under_score",
    "semi;colon --",
    "braces {0} $1 :name",
    "ümläut",
    "new\nline",
    "back\\slash",
    "x" * 63,
]


def opened(url: str, *, folder: str = "/nowhere") -> Target:
    return target(parse_address(url), allowed_networks=LOOPBACK, allowed_paths=[folder])


def connector(url: str, *, folder: str = "/nowhere") -> Connector:
    return connector_for(opened(url, folder=folder))


@dataclass
class Read:
    readings: list[Reading]

    @property
    def datasets(self) -> dict[Path, DatasetSnapshot]:
        return {value.path: value for value in self.readings if isinstance(value, DatasetSnapshot)}

    @property
    def unchanged(self) -> list[Path]:
        return [value.path for value in self.readings if isinstance(value, Unchanged)]

    @property
    def failed(self) -> dict[Path, str]:
        return {value.schema: value.reason for value in self.readings if isinstance(value, SchemaFailed)}

    @property
    def complete(self) -> dict[Path, int]:
        return {value.schema: value.datasets for value in self.readings if isinstance(value, SchemaRead)}

    @property
    def fingerprints(self) -> dict[Path, str]:
        return {path: dataset.fingerprint for path, dataset in self.datasets.items()}

    def named(self, name: str) -> DatasetSnapshot:
        (found,) = [dataset for path, dataset in self.datasets.items() if path[-1] == name]
        return found


def read(source: Connector, *, known: Mapping[Path, str] | None = None, scope: Scope | None = None) -> Read:
    return checked(list(source.read(scope or Scope(), known or {})))


def checked(readings: list[Reading]) -> Read:
    """The readings, after checking what the protocol promises of every one, whatever the source did."""
    found = Read(readings)
    listing = readings[0]
    assert isinstance(listing, SchemasListed)
    assert not [value for value in readings[1:] if isinstance(value, SchemasListed)]
    ended = [value.schema for value in readings if isinstance(value, SchemaRead | SchemaFailed)]
    assert sorted(ended) == sorted(listing.schemas), "every schema ends once"
    seen = [value.path for value in readings if isinstance(value, DatasetSnapshot | Unchanged)]
    assert len(seen) == len(set(seen)), "no path comes twice"
    for schema, count in found.complete.items():
        assert count == sum(path[:-1] == schema for path in seen)
    last = {path[:-1]: place for place, path in _places(readings)}
    for place, value in enumerate(readings):
        if isinstance(value, SchemaRead):
            assert last.get(value.schema, -1) < place, "a schema is read after its datasets"
    return found


def _places(readings: list[Reading]) -> list[tuple[int, Path]]:
    return [
        (place, value.path) for place, value in enumerate(readings) if isinstance(value, DatasetSnapshot | Unchanged)
    ]
