"""Databases from before migrations were folded: those at the end go on, those in between are told how."""

from __future__ import annotations

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from common import folded_migrations

LAST = ("lineage", "0022_criticality_look")

pytestmark = pytest.mark.django_db


def test_a_database_that_has_all_of_them_needs_nothing() -> None:
    executor = MigrationExecutor(connection)
    assert LAST in executor.loader.applied_migrations
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    assert run_checks(tags=[Tags.database], databases=["default"]) == []


def test_a_database_that_has_some_of_them_is_left_as_it_is() -> None:
    MigrationRecorder(connection).record_unapplied(*LAST)
    with pytest.raises(
        CommandError, match=r"stands before lineage\.0022_criticality_look[\s\S]+operations\.md, Upgrade"
    ):
        call_command("migrate", interactive=False, verbosity=0, skip_checks=False)


def test_a_database_that_has_only_the_first_lacks_the_second() -> None:
    recorder = MigrationRecorder(connection)
    applied = set(recorder.applied_migrations())
    folded = {name for name in applied if name[0] == "ingestion" and name[1] != "0001_initial"}
    assert folded_migrations.lacking(applied - folded) == ("ingestion", "0002_pushed_batches")


def test_an_empty_database_lacks_nothing() -> None:
    assert folded_migrations.lacking(()) is None


def test_what_was_folded_is_known() -> None:
    assert {LAST, ("lineage", "0001_initial"), ("auth", "0001_initial")} <= folded_migrations.known()
