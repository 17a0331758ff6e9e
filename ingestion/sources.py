"""From a source of the catalog to the target that its connector opens."""

from __future__ import annotations

from catalog.models import Source
from common.errors import Conflict
from connections.targets import Target


def target_of(source: Source) -> Target:
    """The opened address of a source: decrypted, guarded, pinned. Raises what the guard and the secrets raise."""
    if source.connection is None:
        raise Conflict(f"{source} has no connection: it is filled by pushed snapshots. Add a connection to crawl it.")
    return source.connection.target()
