"""System checks of the database, made before it is migrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from common import folded_migrations


@register(Tags.database)
def database_is_not_between_folded_migrations(
    app_configs: Any, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or ():
        lacking = folded_migrations.lacking(MigrationRecorder(connections[alias]).applied_migrations())
        if lacking:
            found.append(
                Error(
                    f"The database is from too old a version of the catalog: it stands before {'.'.join(lacking)}.",
                    hint=folded_migrations.REMEDY,
                    id="common.E001",
                )
            )
    return found
