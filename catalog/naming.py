"""The OpenLineage names of datasets: the one identity that crawls, pipelines, labels and requests share.

The rules are those of OpenLineage's naming specification, https://openlineage.io/docs/spec/naming/.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from catalog.snapshots import Path


class DatasetKey(NamedTuple):
    """What a dataset is called: ("postgres://db:5432", "ontrack.public.units")."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def server_namespace(scheme: str, host: str, port: int) -> str:
    """`scheme://host:port`, with an IPv6 host in brackets and host names in lower case."""
    host = host.lower()
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{scheme}://{host}:{port}"


def file_namespace(scheme: str, absolute_path: str) -> str:
    """`duckdb:///srv/warehouse.duckdb`: the absolute path stands where the authority would."""
    return f"{scheme}://{absolute_path}"


def _joined(path: Path) -> tuple[str, ...]:
    return (".".join(path),)


def _below_database(path: Path) -> tuple[str, ...]:
    """`schema.table`, and the `database.schema.table` that dbt sends for the same file."""
    return (".".join(path[1:]), ".".join(path))


_NAMES: dict[str, Callable[[Path], tuple[str, ...]]] = {"duckdb": _below_database}


def dataset_names(platform: str, path: Path) -> tuple[str, ...]:
    """The names of a native path under its source's namespace: the first is the main one, the others are aliases.

    Paths are (database, schema, table) for PostgreSQL and DuckDB, (database, table) for MySQL and MariaDB, and
    (schema, table) for SQLite, whose main schema is called "main".
    """
    return _NAMES.get(platform, _joined)(path)
