"""MariaDB and MySQL: a SQLAlchemy engine whose connections go to the pinned address and read only."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pymysql
from pymysql.cursors import SSCursor
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from connections.errors import ConnectorError, FailureKind, without_secret
from connections.targets import Target
from connections.tls import TlsMode, tls_context

_BY_CODE = {
    1045: (FailureKind.AUTHENTICATION, "refused the user name or password. Correct them"),
    1698: (FailureKind.AUTHENTICATION, "refused the user name or password. Correct them"),
    1130: (FailureKind.AUTHENTICATION, "does not let this machine in. Create the user for this host"),
    1044: (
        FailureKind.PERMISSION,
        "does not let this user into the database. Grant what the source's page lists",
    ),
    1142: (FailureKind.PERMISSION, "lacks a right for this user. Grant what the source's page lists"),
    1143: (FailureKind.PERMISSION, "lacks a right for this user. Grant what the source's page lists"),
    1049: (FailureKind.UNREACHABLE, "has no such database. Correct its name"),
    1040: (FailureKind.UNREACHABLE, "has no connection left. Try again later, or raise its limit"),
    1205: (FailureKind.TIMEOUT, "made the read wait for a lock too long. Crawl again later"),
    1969: (
        FailureKind.TIMEOUT,
        "took longer for a statement than allowed. Narrow the scope, or raise statement_timeout",
    ),
    3024: (
        FailureKind.TIMEOUT,
        "took longer for a statement than allowed. Narrow the scope, or raise statement_timeout",
    ),
    2026: (FailureKind.UNREACHABLE, "and the catalog do not agree on TLS. Check the TLS mode and the CA"),
    2003: (
        FailureKind.UNREACHABLE,
        "refuses connections or does not answer. Check host and port, and that the server runs",
    ),
}
_LOST = (2006, 2013, 2014, 2055, 1053, 1927, 1317, 4031, 0)


def connect(target: Target, *, writes: bool = False) -> pymysql.Connection[Any]:
    """One connection, results streamed; it reads only unless it `writes`. Raises `ConnectorError`."""
    context = tls_context(target.tls, target.tls_ca)
    sock: socket.socket | None = None
    try:
        sock = socket.create_connection((target.ip, target.port), timeout=target.connect_seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = pymysql.Connection(
            host=target.host,  # the name the certificate is verified against; the socket is already connected
            port=target.port,
            user=target.username,
            password=target.secret,
            database=target.database or None,
            charset="utf8mb4",
            ssl=context,
            ssl_disabled=context is None,
            local_infile=False,
            read_timeout=target.connect_seconds,
            write_timeout=target.connect_seconds,
            connect_timeout=target.connect_seconds,
            cursorclass=SSCursor,
            autocommit=True,
            defer_connect=True,
        )
        connection.connect(sock)
        with connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            ((version,),) = cursor.fetchall()
            if not writes:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET SESSION lock_wait_timeout = %s", [target.lock_seconds])
            cursor.execute("SET SESSION sql_mode = ''")
            # The two products name the same limit differently, in different units.
            if "mariadb" in str(version).lower():
                cursor.execute("SET SESSION max_statement_time = %s", [target.statement_seconds])
            else:
                cursor.execute("SET SESSION max_execution_time = %s", [target.statement_seconds * 1000])
        connection._read_timeout = target.silence_seconds
    except (pymysql.MySQLError, OSError) as error:
        if sock is not None:
            sock.close()
        raise driver_error(error, target, connecting=True) from None
    return connection


def open_engine(target: Target) -> Engine:
    """The engine; it keeps no connection open that nobody uses."""
    return create_engine("mysql+pymysql://", creator=lambda: connect(target), poolclass=NullPool)


def is_lost(error: Exception) -> bool:
    """Whether the connection is gone, rather than one statement refused."""
    return isinstance(error, OSError) or (bool(error.args) and error.args[0] in _LOST)


def is_silent(error: Exception) -> bool:
    """Whether the server keeps the connection and did not answer in time; PyMySQL has no code for it."""
    return "timed out" in str(error)


def driver_error(error: Exception, target: Target, *, connecting: bool = False) -> ConnectorError:
    """What a failed connection or read means."""
    where = f"The server at {target.label}"
    cause = getattr(error, "original_exception", None) or error.__cause__ or error
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        detail = str(cause)
        return ConnectorError(
            f"{where} shows a certificate that does not verify. Enter its CA, or correct the host name. ({detail})",
            FailureKind.UNREACHABLE,
        )
    silent = connecting and is_silent(error)
    if silent or isinstance(error, TimeoutError) or isinstance(cause, TimeoutError):
        return ConnectorError(
            f"{where} does not answer. Check host and port, and firewalls between.",
            FailureKind.TIMEOUT,
        )
    code = error.args[0] if error.args and isinstance(error.args[0], int) else -1
    detail = without_secret(str(error.args[-1] if error.args else error), target.secret)
    if isinstance(error, pymysql.MySQLError) and code in _BY_CODE:
        kind, sentence = _BY_CODE[code]
        if kind is FailureKind.AUTHENTICATION and target.tls is TlsMode.DISABLE:
            # A server or account that demands TLS answers as if the password were wrong.
            sentence += ", or end the address in ?sslmode=verify-full if the server demands TLS"
        return ConnectorError(f"{where} {sentence}. (It said: {detail})", kind)
    if isinstance(error, OSError) and connecting:
        return ConnectorError(
            f"{where} refuses connections. Check host and port, and that the server runs. ({detail})",
            FailureKind.UNREACHABLE,
        )
    if isinstance(error, OSError) or code in _LOST:
        if connecting:
            return ConnectorError(
                f"{where} closed the connection at once. Check host and port. ({detail})",
                FailureKind.UNREACHABLE,
            )
        return ConnectorError(
            f"The connection to {target.label} was lost. Crawl again; nothing was removed. ({detail})",
            FailureKind.LOST,
        )
    return ConnectorError(f"{where} refused a read: {detail}", FailureKind.PERMISSION)
