"""Migrations that were folded into one: a database that has them all has that one, and one that has none makes it.

One that has some lacks steps that are no longer here, and must be brought to the end by the version that had them.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.migrations.loader import MigrationLoader

Name = tuple[str, str]
"""Of a migration: its app's label and its own name."""

REMEDY = "The last version that had this migration goes on from there: docs/operations.md, Upgrade, says which it is."


def known() -> set[Name]:
    """Every migration that this version has, and those that it has folded."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return set(loader.disk_migrations) | {name for folded in _folded(loader).values() for name in folded}


def lacking(applied: Collection[Name]) -> Name | None:
    """The first folded migration that a database stands before, after it has had some of the others."""
    for name, folded in _folded(MigrationLoader(None, ignore_no_migrations=True)).items():
        missing = [each for each in folded if each not in applied]
        began = name in applied or len(missing) < len(folded)
        if began and missing:
            return missing[0]
    return None


def _folded(loader: MigrationLoader) -> dict[Name, list[Name]]:
    """What each migration stands for that is gone; others' may still have theirs, and Django can apply the rest."""
    return {
        name: list(migration.replaces)
        for name, migration in loader.disk_migrations.items()
        if migration.replaces and not any(each in loader.disk_migrations for each in migration.replaces)
    }
