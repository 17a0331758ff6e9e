"""`backup` and `restore` on a database of their own, with the programs that a person runs."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stack import archive, contract, secrets
from stack.layout import ROOT
from tests.servers import migrated as as_migrated
from tests.servers import plugin
from tests.servers.databases import PostgresServer

pytestmark = pytest.mark.long

OTHER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Catalog:
    """A migrated catalog database of its own, with its owner's rights."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        owner = server.postgres.url("catalog_owner", database)
        self.url = owner
        self.environment = os.environ | contract.testing(plugin.servers)
        self.environment |= {"DATABASE_URL": owner, "DATABASE_OWNER_URL": owner, "PYTHONPATH": str(ROOT)}

    def manage(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def answer(self, *arguments: str, **environment: str) -> Any:
        done = self.manage(*arguments, "--json", **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(scope="module")
def migrated(postgres_server: PostgresServer) -> Iterator[Catalog]:
    with postgres_server.database(template=as_migrated.name(plugin.servers.layout)) as name:
        yield Catalog(postgres_server, name)


@pytest.fixture(scope="module")
def backup(migrated: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it, for tests that only read one."""
    file = tmp_path_factory.mktemp("backup") / "backup.zip"
    migrated.answer("backup", str(file))
    return file


def privileges(catalog: Catalog) -> list[tuple[Any, ...]]:
    """What each role may do on each table."""
    return catalog.rows(
        "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_schema = 'public' ORDER BY 1, 2, 3"
    )


def test_a_restore_brings_back_rows_and_rights_and_removes_what_came_later(migrated: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "catalog backup.zip"
    migrated.rows("INSERT INTO django_session VALUES ('before', 'kept', now())")
    rights = privileges(migrated)
    assert migrated.answer("backup", str(file))["bytes"] == file.stat().st_size
    migrated.rows("UPDATE django_session SET session_data = 'overwritten'")
    migrated.rows("CREATE TABLE made_later (id bigint)")
    # The view goes with its table, well before its own turn comes.
    migrated.rows(
        "DO $$ BEGIN FOR n IN 1..100 LOOP EXECUTE format('CREATE TABLE made_later_%s ()', n); END LOOP; END $$;"
        " CREATE VIEW seen_later AS SELECT id FROM made_later"
    )
    migrated.rows("CREATE SCHEMA made_later")
    assert migrated.answer("restore", str(file), "--yes")["restored"] is True
    assert migrated.rows("SELECT session_key, session_data FROM django_session") == [("before", "kept")]
    assert migrated.rows("SELECT to_regclass('made_later'), to_regnamespace('made_later')") == [(None, None)]
    assert privileges(migrated) == rights
    check = migrated.manage("migrate", "--check")
    assert check.returncode == 0, check.stdout + check.stderr


def test_a_backup_holds_no_key_and_is_its_owner_s_alone(backup: Path) -> None:
    written = backup.read_bytes()
    layout = plugin.servers.layout
    for key in (secrets.signing_key(layout.secrets), *secrets.encryption_keys(layout.secrets).split(",")):
        assert key.encode() not in written
    assert backup.stat().st_mode & 0o777 == 0o600


def test_a_preview_warns_of_another_key_and_changes_nothing(migrated: Catalog, backup: Path) -> None:
    migrated.rows("CREATE TABLE still_here (id bigint)")
    try:
        seen = migrated.answer("restore", str(backup), "--preview", CATALOG_ENCRYPTION_KEYS=OTHER_KEY)
        assert seen["restored"] is False
        assert any("credentials" in warning for warning in seen["warnings"])
        assert migrated.answer("restore", str(backup), "--preview")["warnings"] == []
        assert migrated.rows("SELECT to_regclass('still_here')::text") == [("still_here",)]
    finally:
        migrated.rows("DROP TABLE still_here")


def test_a_restore_waits_for_nobody_else_to_be_connected(migrated: Catalog, backup: Path) -> None:
    with psycopg.connect(migrated.url):
        done = migrated.manage("restore", str(backup), "--yes")
    assert done.returncode == 1
    assert "Other programs are connected" in done.stderr


def test_a_damaged_backup_changes_nothing(migrated: Catalog, backup: Path, tmp_path: Path) -> None:
    file = tmp_path / "damaged.zip"
    whole = archive.read_manifest(backup)
    with zipfile.ZipFile(backup) as good:
        dump = good.read(archive.DUMP)
        manifest = good.read(archive.MANIFEST)
    with zipfile.ZipFile(file, "w") as bad:
        bad.writestr(archive.MANIFEST, manifest)
        bad.writestr(archive.DUMP, dump[: len(dump) * 2 // 3])
    assert archive.read_manifest(file) == whole
    before = migrated.rows("SELECT count(*) FROM django_migrations")
    done = migrated.manage("restore", str(file), "--yes")
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert migrated.rows("SELECT count(*) FROM django_migrations") == before


def test_a_file_that_is_no_backup_is_refused(migrated: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a backup")
    done = migrated.manage("restore", str(file), "--yes")
    assert done.returncode == 1
    assert "is no backup of the catalog" in done.stderr


def test_a_backup_from_a_newer_version_is_refused(migrated: Catalog, tmp_path: Path) -> None:
    migrated.rows("INSERT INTO django_migrations (app, name, applied) VALUES ('sessions', '9999_later', now())")
    try:
        migrated.answer("backup", str(tmp_path / "newer.zip"))
    finally:
        migrated.rows("DELETE FROM django_migrations WHERE name = '9999_later'")
    done = migrated.manage("restore", str(tmp_path / "newer.zip"), "--yes")
    assert done.returncode == 1
    assert "sessions.9999_later is unknown here" in done.stderr


def test_a_backup_from_before_migrations_that_were_folded_is_refused(migrated: Catalog, tmp_path: Path) -> None:
    migrated.rows("DELETE FROM django_migrations WHERE name = '0022_criticality_look'")
    try:
        migrated.answer("backup", str(tmp_path / "older.zip"))
    finally:
        migrated.rows(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('lineage', '0022_criticality_look', now())"
        )
    done = migrated.manage("restore", str(tmp_path / "older.zip"), "--yes")
    assert done.returncode == 1
    assert "it stands before lineage.0022_criticality_look" in done.stderr
