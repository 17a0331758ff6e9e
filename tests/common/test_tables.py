"""Tables that are made at once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrate(*targets: tuple[str, str | None]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


def of_alerts() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid::regclass::text LIKE 'alerts\\_%' ORDER BY 1, 2
            """
        )
        return cursor.fetchall()


@pytest.mark.django_db
def test_tables_can_be_taken_back_and_made_anew() -> None:
    before = of_alerts()
    assert any("FOREIGN KEY" in definition for _, definition in before)
    migrate(("alerts", None))
    assert of_alerts() == []
    migrate()
    assert of_alerts() == before
