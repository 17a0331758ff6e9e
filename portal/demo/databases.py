"""The demo's real databases: made, filled, and left alone once they are there. No Django.

OnTrack is a PostgreSQL database of its own on the catalog's embedded server, reached by host and port as any source is, with
a role for each of its users: the application owns it, the pipeline reads tables, the catalog gets only what its own
connector and its enforcement ask for, and the analyst reads nothing but what the catalog grants. Without that server (the
catalog keeps its rows in somebody's PostgreSQL) OnTrack is an SQLite file.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from portal.demo import invented
from portal.demo.invented import Row, Table

RELEASED_COLUMN = "extension_weeks"
"""The column of `tasks` that a crawl after the release finds new."""

_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo's data lives. `superuser_url` is the embedded server's; None: OnTrack becomes a file."""

    files: Path
    superuser_url: str | None = None
    ontrack_database: str = "ontrack"

    @property
    def server(self) -> str:
        """The embedded server's address; ask `superuser_url` first whether there is one."""
        if self.superuser_url is None:
            raise ValueError("OnTrack is a file here.")
        return self.superuser_url

    @property
    def ontrack_file(self) -> Path:
        return self.files / "ontrack.sqlite"

    @property
    def splashkit_file(self) -> Path:
        return self.files / "splashkit.sqlite"

    @property
    def warehouse_file(self) -> Path:
        return self.files / "warehouse.duckdb"

    @property
    def catalog_role(self) -> str:
        """The account of the catalog's crawls."""
        return f"{self.ontrack_database}_catalog"

    @property
    def pipeline_role(self) -> str:
        """The account of the nightly pipeline."""
        return f"{self.ontrack_database}_pipeline"

    @property
    def analyst_role(self) -> str:
        """The analyst's own login, which reads what the catalog's approvals gave it."""
        return f"{self.ontrack_database}_analyst"

    @property
    def application_role(self) -> str:
        """OnTrack's own account, which owns its database."""
        return f"{self.ontrack_database}_application"


def make_files(places: Places) -> list[Path]:
    """Make the demo's files that are missing; returns those that were made."""
    places.files.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []
    if not places.splashkit_file.exists():
        _fill_sqlite(places.splashkit_file, "splashkit_sqlite.sql", invented.splashkit())
        made.append(places.splashkit_file)
    if places.superuser_url is None and not places.ontrack_file.exists():
        _fill_sqlite(places.ontrack_file, "ontrack_sqlite.sql", invented.ontrack())
        made.append(places.ontrack_file)
    if not places.warehouse_file.exists():
        with duckdb.connect(str(places.warehouse_file)) as warehouse:
            warehouse.execute(_script("warehouse_duckdb.sql"))
        made.append(places.warehouse_file)
    return made


def make_ontrack(places: Places) -> bool:
    """Make OnTrack's PostgreSQL database and its roles if they are missing; whether the database was made."""
    if places.superuser_url is None:
        return False
    name = sql.Identifier(places.ontrack_database)
    owner = sql.Identifier(places.application_role)
    with psycopg.connect(places.superuser_url, autocommit=True) as server:
        for role in (places.application_role, places.catalog_role, places.pipeline_role, places.analyst_role):
            if server.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                server.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        if server.execute("SELECT FROM pg_database WHERE datname = %s", [places.ontrack_database]).fetchone() is None:
            server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
            server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    with psycopg.connect(places.superuser_url, dbname=places.ontrack_database) as ontrack:
        # A load that was killed left an empty database: what is in it comes as one transaction.
        if ontrack.execute("SELECT to_regclass('public.users')").fetchone() != (None,):
            return False
        ontrack.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        ontrack.execute(sql.SQL("SET LOCAL ROLE {}").format(owner))
        ontrack.execute(_script("ontrack_postgres.sql").encode())
        for table, content in invented.ontrack().items():
            _copy(ontrack, table, content)
        ontrack.execute("REFRESH MATERIALIZED VIEW reporting.unit_progress")
        reader = sql.Identifier(places.pipeline_role)
        for grant in (
            "GRANT CONNECT ON DATABASE {database} TO {reader}",
            "GRANT USAGE ON SCHEMA public TO {reader}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
        ):
            ontrack.execute(sql.SQL(grant).format(database=name, reader=reader))
        ontrack.commit()
        ontrack.autocommit = True
        ontrack.execute("ANALYZE")
    return True


def release_ontrack(places: Places) -> None:
    """What OnTrack's next release does to its database: tasks can be extended. Doing it twice is doing it once."""
    if places.superuser_url is None:
        with closing(sqlite3.connect(places.ontrack_file)) as file:
            columns = {name for _, name, *_ in file.execute("PRAGMA table_info(tasks)")}
            if RELEASED_COLUMN not in columns:
                file.executescript("ALTER TABLE tasks ADD COLUMN extension_weeks INTEGER NOT NULL DEFAULT 0")
        return
    with psycopg.connect(places.server, dbname=places.ontrack_database) as ontrack:
        ontrack.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(places.application_role)))
        ontrack.execute("ALTER TABLE tasks ADD COLUMN IF NOT EXISTS extension_weeks smallint NOT NULL DEFAULT 0")
        ontrack.execute("COMMENT ON COLUMN tasks.extension_weeks IS 'Weeks granted beyond the due date.'")


def new_login(places: Places, role: str) -> str:
    """Let a role of OnTrack's database sign in with a new random password, and return it."""
    password = secrets.token_urlsafe(24)
    with psycopg.connect(places.server, autocommit=True) as server:
        # Encrypted here, so that the server's log can never show the password itself.
        verifier = server.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        server.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
    return password


def let_in(places: Places, role: str) -> None:
    """Let a role connect to OnTrack's database and sign in there; what it reads is the catalog's to grant."""
    database, login = sql.Identifier(places.ontrack_database), sql.Identifier(role)
    with psycopg.connect(places.server, autocommit=True) as server:
        server.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, login))
    new_login(places, role)


def read_as(places: Places, role: str, statement: str, *, limit: int) -> tuple[list[str], list[Row]]:
    """The columns and first rows of a statement that changes nothing, read with the role's own login."""
    host, port = server_address(places)
    with psycopg.connect(
        host=host, port=port, dbname=places.ontrack_database, user=role, password=new_login(places, role)
    ) as ontrack:
        ontrack.read_only = True
        cursor = ontrack.execute(statement.encode())
        return [column.name for column in cursor.description or ()], cursor.fetchmany(
            limit
        ) if cursor.description else []


def carry_out(places: Places, grants: Iterable[str]) -> None:
    """Run the grants that a connector asks for in OnTrack's database, as its database administrator would."""
    with psycopg.connect(places.server, dbname=places.ontrack_database, autocommit=True) as ontrack:
        for grant in grants:
            ontrack.execute(grant.encode())


def server_address(places: Places) -> tuple[str, int]:
    """Host and port of the embedded server, as sources and pipelines name them."""
    parts = psycopg.conninfo.conninfo_to_dict(places.server)
    return str(parts["host"]), int(str(parts["port"]))


def _copy(connection: psycopg.Connection[tuple[object, ...]], table: str, content: Table) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, content.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in content.rows:
            copy.write_row(row)


def _fill_sqlite(path: Path, script: str, tables: Mapping[str, Table]) -> None:
    """Fill a file under another name first: one that bears its name is whole."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as connection:
        connection.executescript(_script(script))
        for table, content in tables.items():
            marks = ", ".join("?" * len(content.columns))
            columns = ", ".join(map(_quoted, content.columns))
            statement = f"INSERT INTO {_quoted(table)} ({columns}) VALUES ({marks})"  # noqa: S608 -- quoted, our own names
            connection.executemany(statement, map(_as_text, content.rows))
        connection.commit()
        connection.execute("ANALYZE")
    unfinished.rename(path)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _as_text(row: Row) -> Row:
    """SQLite has no dates and times of its own: they are kept as ISO 8601."""
    return tuple(value if value is None or isinstance(value, int | float | str) else str(value) for value in row)


def _script(name: str) -> str:
    return (_SQL / name).read_text()
