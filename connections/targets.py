"""A source ready to be opened: checked, pinned, with its secret in the clear, for as short as the opening
lasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connections import guard
from connections.addresses import Address
from connections.options import OptionValue
from connections.platforms import Platform
from connections.tls import TlsMode

CHECK_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Target:
    """What an engine needs. `ip` is where the connection goes, `host` is whom the certificate must name.

    Times are seconds. Nothing here prints the secret.
    """

    platform: Platform
    host: str = ""
    ip: str = ""
    port: int = 0
    database: str = ""
    path: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    tls: TlsMode = TlsMode.VERIFY_FULL
    tls_ca: str = field(default="", repr=False)
    connect_seconds: int = 10
    statement_seconds: int = 300
    lock_seconds: int = 5
    answer_seconds: int | None = None

    @property
    def silence_seconds(self) -> int:
        """How long the server is waited for at a statement, though it keeps the connection: `answer_seconds` where that
        is said, else a little longer than it may work, for then it ends the statement itself and says so.
        """
        return self.answer_seconds or self.statement_seconds + 5

    def for_check(self) -> Target:
        """The same source with the short patience of a test by a person who waits: all within
        `CHECK_SECONDS`.
        """
        return replace(self, connect_seconds=2, statement_seconds=2, lock_seconds=1, answer_seconds=3)

    @property
    def label(self) -> str:
        """How sentences call the server or file."""
        return self.path if self.platform.is_file else f"{self.host}:{self.port}"


def target(
    address: Address,
    *,
    allowed_networks: Sequence[guard.IPNetwork],
    allowed_paths: Sequence[str],
    tls_ca: str = "",
    resolve: guard.Resolve = guard.resolve,
) -> Target:
    """The target of an address after the network or file guard. Raises what the guard raises."""
    seconds: dict[str, Any] = {
        name: int(address.options[option])
        for name, option in (
            ("connect_seconds", "connect_timeout"),
            ("statement_seconds", "statement_timeout"),
            ("lock_seconds", "lock_timeout"),
        )
        if option in address.options
    }
    if address.platform.is_file:
        path = guard.checked_file(address.path, allowed_paths)
        opened = Target(platform=address.platform, path=path, options=address.options)
        return replace(opened, **seconds)
    port = address.port or address.platform.default_port or 0
    opened = Target(
        platform=address.platform,
        host=address.host,
        ip=guard.pin(address.host, port, allowed_networks, resolve),
        port=port,
        database=address.database,
        username=address.username,
        secret=address.secret,
        options=address.options,
        tls=address.tls,
        tls_ca=tls_ca,
    )
    return replace(opened, **seconds)
