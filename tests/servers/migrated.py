"""A database as all migrations leave it, kept in var/test: runs copy it in a moment instead of migrating each time."""

import os
import subprocess
import sys

import psycopg
from psycopg import sql

from stack.layout import Layout
from stack.locks import exclusive
from stack.postgres import OWNER, SUPERUSER
from stack.progress import step
from stack.running import migrations_digest
from stack.servers import Servers

_PREFIX = "migrated"


def name(layout: Layout) -> str:
    """What it is called: another name for other migrations."""
    return f"{_PREFIX}_{migrations_digest(layout)[:16]}"


def ensure(servers: Servers) -> None:
    """Make it where these migrations have none yet, and drop those of others."""
    wanted = name(servers.layout)
    with (
        exclusive(servers.layout.run / "migrated.lock"),
        psycopg.connect(servers.postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection,
    ):
        known = connection.execute(
            "SELECT datname, datistemplate FROM pg_database WHERE starts_with(datname, %s)", [f"{_PREFIX}_"]
        ).fetchall()
        if (wanted, True) in known:
            return
        for other, is_template in known:
            # One that is no template yet is of a run that was killed while it migrated.
            if is_template:
                connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(other)))
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(other)))
        with step("Migrating the tests' database"):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(wanted), sql.Identifier(OWNER))
            )
            _migrate(servers, wanted)
            connection.execute(
                sql.SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(sql.Identifier(wanted))
            )


def _migrate(servers: Servers, database: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=servers.layout.root,
        env=os.environ | {"DATABASE_URL": servers.postgres.url(OWNER, database)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The migrations failed:\n{done.stdout}{done.stderr}")
