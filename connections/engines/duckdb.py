"""DuckDB through its own API: its SQLAlchemy dialect does not work with the present versions of either."""

from __future__ import annotations

import duckdb

from connections.errors import ConnectorError, FailureKind
from connections.targets import Target

_MEANINGS = (
    (
        "lock",
        FailureKind.TIMEOUT,
        "is open for writing in another process. Crawl again when that has closed it",
    ),
    ("not a valid DuckDB", FailureKind.UNREACHABLE, "is not a DuckDB database"),
    (
        "newer version",
        FailureKind.UNREACHABLE,
        "was written by a newer DuckDB than the catalog has. Update the catalog",
    ),
    ("encrypt", FailureKind.AUTHENTICATION, "is encrypted, which the catalog cannot open"),
    ("Interrupted", FailureKind.TIMEOUT, "took longer to read than allowed. Narrow the scope"),
    (
        "Permission denied",
        FailureKind.PERMISSION,
        "cannot be read. Give the catalog's account the right to read it",
    ),
    ("does not exist", FailureKind.UNREACHABLE, "does not exist. Check its path"),
)


def connect(target: Target) -> duckdb.DuckDBPyConnection:
    """One connection that reads, reaches no other file and loads no extension. Raises `ConnectorError`."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "allow_unsigned_extensions": "false",
        "lock_configuration": "true",
    }
    if "threads" in target.options:
        config["threads"] = int(target.options["threads"])
    if "memory_limit_mb" in target.options:
        config["memory_limit"] = f"{target.options['memory_limit_mb']}MB"
    try:
        return duckdb.connect(target.path, read_only=True, config=config)
    except duckdb.Error as error:
        raise driver_error(error, target) from None


def driver_error(error: Exception, target: Target) -> ConnectorError:
    """What a failed open or read means."""
    detail = str(error).splitlines()[0] if str(error) else type(error).__name__
    for fragment, kind, sentence in _MEANINGS:
        if fragment.lower() in str(error).lower():
            return ConnectorError(f"The file {target.path} {sentence}. (DuckDB said: {detail})", kind)
    return ConnectorError(f"DuckDB refused to read {target.path}: {detail}", FailureKind.PERMISSION)
