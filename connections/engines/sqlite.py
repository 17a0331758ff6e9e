"""SQLite: a SQLAlchemy engine on a file that is opened to be read and nothing else."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from connections.errors import ConnectorError, FailureKind
from connections.targets import Target

_STEPS = 100_000


def connect(target: Target) -> sqlite3.Connection:
    """One connection in mode=ro. Raises `ConnectorError`.

    A database in WAL mode whose folder cannot be written has no shared memory file to read through; when its
    log is empty the file alone is the whole database and is read as immutable.
    """
    try:
        connection = _opened(target, "mode=ro")
    except sqlite3.OperationalError as error:
        log = Path(target.path + "-wal")
        if "unable to open" not in str(error) or (log.exists() and log.stat().st_size):
            raise driver_error(error, target) from None
        try:
            connection = _opened(target, "mode=ro&immutable=1")
        except sqlite3.Error as again:
            raise driver_error(again, target) from None
    except sqlite3.Error as error:
        raise driver_error(error, target) from None
    deadline = time.monotonic() + target.statement_seconds
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)
    return connection


def _opened(target: Target, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(target.path)}?{mode}",
        uri=True,
        timeout=target.lock_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_engine(target: Target) -> Engine:
    return create_engine("sqlite://", creator=lambda: connect(target), poolclass=NullPool)


_MEANINGS = (
    ("not a database", FailureKind.UNREACHABLE, "is not an SQLite database, or is encrypted"),
    (
        "unable to open",
        FailureKind.UNREACHABLE,
        "cannot be opened. Check its path and rights, and those of its -wal file",
    ),
    ("locked", FailureKind.TIMEOUT, "is locked by a writer. Crawl again when it has finished"),
    ("busy", FailureKind.TIMEOUT, "is locked by a writer. Crawl again when it has finished"),
    (
        "interrupted",
        FailureKind.TIMEOUT,
        "took longer to read than allowed. Narrow the scope, or raise statement_timeout",
    ),
    (
        "readonly",
        FailureKind.PERMISSION,
        "was left in the middle of a write. Open it once with SQLite to recover it",
    ),
    ("malformed", FailureKind.LOST, "is damaged. Restore it, or recover it with SQLite's .recover"),
    ("disk I/O", FailureKind.LOST, "could not be read from its disk. Check the disk, then crawl again"),
)


def driver_error(error: Exception, target: Target) -> ConnectorError:
    """What a failed open or read means."""
    detail = str(error)
    for fragment, kind, sentence in _MEANINGS:
        if fragment in detail:
            return ConnectorError(f"The file {target.path} {sentence}. (SQLite said: {detail})", kind)
    return ConnectorError(f"SQLite refused to read {target.path}: {detail}", FailureKind.PERMISSION)
