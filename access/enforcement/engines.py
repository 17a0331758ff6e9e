"""Which platforms grants can be enforced in. Drivers load with the first source that needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from access.provisioning.adapter import Engine
from catalog.models import Source
from connections.platforms import Platform


def _at(module: str, name: str) -> Callable[[], Engine]:
    def load() -> Engine:
        made: Engine = getattr(import_module(module), name)()
        return made

    return load


_ENGINES: Mapping[Platform, Callable[[], Engine]] = {
    Platform.MYSQL: _at("access.provisioning.mysql.enforcer", "MysqlEngine"),
    Platform.POSTGRES: _at("access.provisioning.postgres.enforcer", "PostgresEngine"),
}


def can_enforce(source: Source) -> bool:
    """Whether the catalog reaches the source and knows how to grant there."""
    return source.connection_id is not None and source.platform in _ENGINES


def engine_of(source: Source) -> Engine:
    """Raises `KeyError` for a platform that cannot be enforced."""
    return _ENGINES[Platform(source.platform)]()
