"""PostgreSQL: connections to the pinned address that read only, unless they are asked for to write."""

from __future__ import annotations

import tempfile
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from connections.errors import ConnectorError, FailureKind, without_secret
from connections.targets import Target
from connections.tls import TlsMode

_SESSION = """
SELECT set_config('default_transaction_read_only', %s, false),
       set_config('default_transaction_isolation', %s, false),
       set_config('search_path', 'pg_catalog', false),
       set_config('statement_timeout', %s, false),
       set_config('lock_timeout', %s, false),
       set_config('idle_in_transaction_session_timeout', %s, false),
       set_config('jit', 'off', false)
"""
_IDLE_SECONDS = 600

_SILENCE = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""A server whose machine or network went silent is given up within a minute, whatever was asked of it: a statement's own
limit is the server's to keep. Seconds, seconds, tries, milliseconds."""

_PASSED_ON = ("application_name", "channel_binding", "keepalives_idle", "target_session_attrs")

_AT_CONNECT = (
    (
        "password authentication failed",
        FailureKind.AUTHENTICATION,
        "refused the user name or password. Correct them",
    ),
    ("no password supplied", FailureKind.AUTHENTICATION, "asks for a password. Enter one"),
    (
        "no encryption",
        FailureKind.AUTHENTICATION,
        "does not let this user in from here without TLS. End the address in ?sslmode=verify-full, or add a line to its"
        " pg_hba.conf",
    ),
    (
        "pg_hba.conf",
        FailureKind.AUTHENTICATION,
        "does not let this user in from here. Add a line to its pg_hba.conf",
    ),
    (
        "role ",
        FailureKind.AUTHENTICATION,
        "does not know the user, or does not let it log in. Create it, or correct the name",
    ),
    (
        "permission denied for database",
        FailureKind.PERMISSION,
        "does not let this user into the database. Grant it CONNECT",
    ),
    ("does not exist", FailureKind.UNREACHABLE, "has no such database. Correct its name"),
    ("too many", FailureKind.UNREACHABLE, "has no connection left. Try again later, or raise its limit"),
    ("starting up", FailureKind.UNREACHABLE, "is starting. Try again in a moment"),
    (
        "certificate",
        FailureKind.UNREACHABLE,
        "shows a certificate that does not verify. Enter its CA, or correct the host name",
    ),
    (
        "signature failure",  # what OpenSSL says where another authority of the same name signed
        FailureKind.UNREACHABLE,
        "shows a certificate that does not verify. Enter its CA, or correct the host name",
    ),
    (
        "does not support SSL",
        FailureKind.UNREACHABLE,
        "does not speak TLS. Set it up there, or set TLS to disable",
    ),
    ("SSL", FailureKind.UNREACHABLE, "and the catalog do not agree on TLS. Check the TLS mode and the CA"),
    (
        "Connection refused",
        FailureKind.UNREACHABLE,
        "refuses connections. Check host and port, and that the server runs",
    ),
    ("timeout", FailureKind.TIMEOUT, "does not answer. Check host and port, and firewalls between"),
)


class Silent(psycopg.OperationalError):
    """The server keeps the connection and did not answer in time."""


class _Connection(psycopg.Connection[Any]):
    """Gives up a server that keeps the connection and does not answer: libpq has no limit for a read."""

    longest: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None or self.longest is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.longest)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()  # an answer that comes after all must not be taken for that to another question
            raise Silent(f"no answer within {self.longest:g} s") from None


def connect(target: Target, *, writes: bool = False) -> psycopg.Connection[Any]:
    """One connection, autocommit off. Raises `ConnectorError`.

    It reads only, each transaction from one snapshot; one that `writes` sees in each statement what is committed.
    """
    options: dict[str, Any] = {"application_name": "data catalog", **_SILENCE}
    options |= {name: target.options[name] for name in _PASSED_ON if name in target.options}
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
            authority.write(target.tls_ca)
            authority.flush()
            connection = _Connection.connect(
                **options,
                host=target.host,
                hostaddr=target.ip,
                port=target.port,
                dbname=target.database,
                user=target.username,
                password=target.secret,
                sslmode=target.tls.value,
                sslrootcert=authority.name if target.tls_ca else _trusted(target.tls),
                connect_timeout=target.connect_seconds,
                client_encoding="utf8",
                # What the account running the catalog has lying about must not take part.
                passfile=authority.name + ".none",
                sslcertmode="disable",
                gssencmode="disable",
                options="",
                service=None,
            )
    except psycopg.Error as error:
        raise connect_error(error, target) from None
    connection.longest = target.silence_seconds
    try:
        connection.execute(
            _SESSION,
            [
                "off" if writes else "on",
                "read committed" if writes else "repeatable read",
                f"{target.statement_seconds}s",
                f"{target.lock_seconds}s",
                f"{_IDLE_SECONDS}s",
            ],
        )
        connection.commit()
    except psycopg.Error as error:
        connection.close()
        raise read_error(error, target) from None
    return connection


def _trusted(mode: TlsMode) -> str:
    """libpq's word for the authorities of this machine; it goes with full verification only."""
    return "system" if mode is TlsMode.VERIFY_FULL else ""


def open_engine(target: Target) -> Engine:
    """The engine; it keeps no connection open that nobody uses."""
    return create_engine(
        "postgresql+psycopg://", creator=lambda: connect(target), poolclass=NullPool, use_native_hstore=False
    )


def connect_error(error: psycopg.Error, target: Target) -> ConnectorError:
    """What a failed connection means. Servers word these errors; libpq gives no code for them."""
    text = without_secret(str(error), target.secret).strip()
    detail = text.splitlines()[-1].strip() if text else "no reason given"
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        detail = "timeout expired"
    for fragment, kind, sentence in _AT_CONNECT:
        if fragment in detail or fragment in text:
            return ConnectorError(f"PostgreSQL at {target.label} {sentence}. (It said: {detail})", kind)
    return ConnectorError(f"PostgreSQL at {target.label} could not be reached: {detail}", FailureKind.UNREACHABLE)


_BY_STATE = {
    "57014": (
        FailureKind.TIMEOUT,
        "A statement took longer than the time allowed. Narrow the scope, or raise statement_timeout",
    ),
    "55P03": (
        FailureKind.TIMEOUT,
        "Another session holds a lock on what was to be read. Crawl again when it has ended",
    ),
    "40P01": (FailureKind.TIMEOUT, "The read met a deadlock. Crawl again"),
    "42501": (FailureKind.PERMISSION, "The user lacks a right. Grant what the source's page lists"),
}
_LOST = ("57P01", "57P02", "57P03", "57P05", "25P03", "08000", "08003", "08006")


def is_lost(error: psycopg.Error, connection: psycopg.Connection[Any]) -> bool:
    """Whether the connection is gone, rather than one statement refused."""
    return connection.closed or connection.broken or (error.sqlstate or "") in _LOST


def read_error(error: psycopg.Error, target: Target) -> ConnectorError:
    """What a failed read means."""
    detail = without_secret(error.diag.message_primary or str(error).strip() or "no reason given", target.secret)
    state = error.sqlstate or ""
    if state in _BY_STATE:
        kind, sentence = _BY_STATE[state]
        return ConnectorError(f"{sentence}. (PostgreSQL said: {detail})", kind)
    if isinstance(error, psycopg.OperationalError) and (not state or state in _LOST):
        return ConnectorError(
            f"The connection to {target.label} was lost. Crawl again; nothing was removed. (PostgreSQL said: {detail})",
            FailureKind.LOST,
        )
    return ConnectorError(f"PostgreSQL refused a read of its catalog: {detail}", FailureKind.PERMISSION)
