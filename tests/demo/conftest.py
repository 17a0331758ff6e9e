"""The demo, loaded for real: a live web server, PostgreSQL databases, files; crawls and folds in this process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from portal.demo.databases import Places
from tests.servers.databases import PostgresServer, scratch_name


@pytest.fixture
def files(tmp_path: Path, settings: Any) -> Path:
    """The folder of the demo's files, which connections may read."""
    settings.VAR_DIR = tmp_path
    settings.CONNECTION_ALLOWED_PATHS = [str(tmp_path / "files")]
    return tmp_path / "files"


@pytest.fixture
def places(files: Path, postgres_server: PostgresServer) -> Iterator[Places]:
    """The demo's places on the test server, cleared away afterwards, roles included."""
    made = Places(files, postgres_server.url(), f"{scratch_name()}_{secrets.token_hex(2)}"[:50])
    yield made
    with psycopg.connect(postgres_server.url(), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(made.ontrack_database)))
        # The groups that the catalog's account made go first; as long as they are there, the account is needed.
        mine = """
            SELECT rolname FROM pg_roles WHERE starts_with(rolname, %(mine)s) OR oid IN (
                SELECT m.roleid FROM pg_auth_members AS m JOIN pg_roles AS account ON account.oid = m.member
                WHERE m.admin_option AND account.rolname = %(account)s)
            ORDER BY starts_with(rolname, %(mine)s)
        """
        named = {"mine": made.ontrack_database, "account": made.catalog_role}
        for (role,) in server.execute(mine, named).fetchall():
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
