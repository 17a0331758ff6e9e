"""The driver options a connection may carry: an allow-list for each platform, and why the dangerous ones are
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from common.errors import Invalid
from connections.platforms import Platform

OptionValue = str | int
_Reader = Callable[[object], OptionValue]


def _whole(least: int, most: int) -> _Reader:
    def read(value: object) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise ValueError(f"must be a whole number from {least} to {most}") from None
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    return read


def _one_of(*choices: str) -> _Reader:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def _text(longest: int) -> _Reader:
    def read(value: object) -> str:
        text = str(value)
        if not text or len(text) > longest or not text.isprintable():
            raise ValueError(f"must be printable text of at most {longest} characters")
        return text

    return read


_TIMEOUTS: dict[str, _Reader] = {"connect_timeout": _whole(1, 60), "statement_timeout": _whole(1, 3600)}

ALLOWED: Mapping[Platform, Mapping[str, _Reader]] = {
    Platform.POSTGRES: _TIMEOUTS
    | {
        "lock_timeout": _whole(1, 600),
        "application_name": _text(63),
        "channel_binding": _one_of("disable", "prefer", "require"),
        "keepalives_idle": _whole(1, 3600),
        "target_session_attrs": _one_of("any", "read-only", "read-write", "primary", "standby", "prefer-standby"),
    },
    Platform.MYSQL: _TIMEOUTS | {"lock_timeout": _whole(1, 600), "charset": _one_of("utf8mb4")},
    Platform.SQLITE: {"statement_timeout": _whole(1, 3600)},
    Platform.DUCKDB: {
        "statement_timeout": _whole(1, 3600),
        "threads": _whole(1, 64),
        "memory_limit_mb": _whole(64, 65536),
    },
}
"""Name of the option → how its value is read. Times are whole seconds."""

_ELSEWHERE = "has its own field; set it there"
_FILES = "would let a connection read files of the server that runs the catalog"
_REDIRECT = "would lead the connection past the network guard"
_COMMANDS = "would run commands of its own in the source"
REASONS: Mapping[str, str] = (
    dict.fromkeys(
        ("host", "port", "user", "username", "password", "passwd", "dbname", "database", "db", "path"),
        _ELSEWHERE,
    )
    | dict.fromkeys(("sslmode", "ssl_mode", "sslrootcert", "ssl_ca", "ssl", "ssl_disabled"), _ELSEWHERE + " (TLS)")
    | dict.fromkeys(("ssl_verify_cert", "ssl_verify_identity"), _ELSEWHERE + " (TLS)")
    | dict.fromkeys(
        (
            "local_infile",
            "passfile",
            "sslkey",
            "sslcert",
            "sslcrl",
            "sslcrldir",
            "ssl_key",
            "ssl_cert",
            "sslpassword",
        ),
        _FILES,
    )
    | dict.fromkeys(("service", "servicefile", "read_default_file", "read_default_group", "defaults_file"), _FILES)
    | dict.fromkeys(("hostaddr", "unix_socket", "bind_address", "krbsrvname", "gsslib"), _REDIRECT)
    | dict.fromkeys(("options", "init_command", "sql_mode", "client_flag", "replication"), _COMMANDS)
    | dict.fromkeys(
        (
            "allow_unsigned_extensions",
            "autoload_known_extensions",
            "autoinstall_known_extensions",
            "extension_directory",
        ),
        "would load code into the catalog",
    )
    | dict.fromkeys(("mode", "immutable", "vfs", "access_mode", "enable_external_access"), _FILES)
)


def read_options(platform: Platform, options: Mapping[str, object]) -> dict[str, OptionValue]:
    """The options with their values read. Raises `Invalid` with a sentence for each refused one."""
    read: dict[str, OptionValue] = {}
    refused: list[str] = []
    allowed = ALLOWED[platform]
    for name, value in options.items():
        reader = allowed.get(name)
        if reader is None:
            reason = REASONS.get(name.lower(), f"is not known for {platform.label}")
            refused.append(f"The option {name!r} {reason}. Allowed are: {', '.join(sorted(allowed))}.")
            continue
        try:
            read[name] = reader(value)
        except ValueError as error:
            refused.append(f"The option {name!r} {error}.")
    if refused:
        raise Invalid(" ".join(refused), {"options": refused})
    return read
