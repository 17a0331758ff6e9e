"""What a connection may reach. Pure: what is allowed comes in as an argument, names are resolved by an
argument.

A name is resolved once and the connection is pinned to the address that was checked, so an answer that
changes between check and use (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from common.errors import Forbidden, Invalid
from connections.errors import ConnectorError, FailureKind

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, OpenStack, DigitalOcean
        "169.254.170.2",  # AWS ECS task credentials
        "fd00:ec2::254",  # AWS over IPv6
        "fd20:ce::254",  # Google over IPv6
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure's wire server, a public address
        "192.0.0.192",  # Oracle
    )
)
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


def networks(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Networks such as "10.0.0.0/8" or "127.0.0.1". Raises `Invalid` naming the one that is none."""
    read: list[IPNetwork] = []
    for text in texts:
        try:
            read.append(ipaddress.ip_network(text.strip()))
        except ValueError:
            raise Invalid(f"{text!r} is not a network. Write it like 10.20.0.0/16 or 127.0.0.1.") from None
    return tuple(read)


def _meant(address: IPAddress) -> tuple[IPAddress, ...]:
    """The address and those that it stands for: IPv4 inside IPv6, tunnels and translators."""
    if not isinstance(address, ipaddress.IPv6Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    inner: list[IPAddress] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if any(address in network for network in _NAT64):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(inner)


def refusal(text: str, allowed: Sequence[IPNetwork]) -> str | None:
    """Why this address may not be reached, as a sentence, or None when it may."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return f"{text} is not an IP address."
    for meant in _meant(address):
        if meant in _METADATA:
            return f"{text} is a cloud's metadata service, which hands out credentials: it is never a source."
        if meant.is_link_local:
            return f"{text} is a link-local address: it is never a source."
        if meant.is_multicast or meant.is_unspecified or meant == ipaddress.IPv4Address("255.255.255.255"):
            return f"{text} is not the address of one machine."
        if meant.is_global and not meant.is_reserved:
            continue
        if not any(meant in network for network in allowed if network.version == meant.version):
            return (
                f"{text} is a loopback, private or reserved address. If the source really is there, ask an"
                f" administrator to add its network to CONNECTION_ALLOWED_NETWORKS."
            )
    return None


def resolve(host: str, port: int, seconds: float = 4.0) -> Sequence[str]:
    """The addresses of a name, or none. A name server that is too slow raises `ConnectorError`."""
    answers: list[str] = []
    done = threading.Event()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        answers.extend(dict.fromkeys(str(entry[4][0]) for entry in found))
        done.set()

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    if not done.wait(seconds):
        raise ConnectorError(
            f"The name server did not answer for {host} within {seconds:g} s. Check the host name and the network.",
            FailureKind.TIMEOUT,
        )
    return tuple(answers)


def pin(host: str, port: int, allowed: Sequence[IPNetwork], resolve: Resolve = resolve) -> str:
    """The one IP address to connect to for `host`: the first of its addresses that may be reached.

    Raises `Forbidden` when none may, `Invalid` for numbers that only look like a name (2130706433, 0x7f.1),
    and `ConnectorError` when the name is unknown.
    """
    bare = host.strip("[]")
    try:
        found: Sequence[str] = (str(ipaddress.ip_address(bare)),)
    except ValueError:
        last = bare.rstrip(".").rpartition(".")[2]
        if last.isdigit() or last.lower().startswith("0x"):
            raise Invalid(f"{host} is an IP address in an unusual form. Write it as four decimal numbers.") from None
        found = resolve(bare, port)
    if not found:
        raise ConnectorError(
            f"The host {host} is unknown. Check its spelling, and that this machine's name server knows it.",
            FailureKind.UNREACHABLE,
        )
    refusals = []
    for address in found:
        reason = refusal(address, allowed)
        if reason is None:
            return address
        refusals.append(reason)
    told = "" if found[0] == bare else f"{host} leads to {', '.join(found)}. "
    raise Forbidden(told + refusals[0])


def checked_file(path: str, allowed: Sequence[str]) -> str:
    """The real path of a database file, links resolved. It must be a plain file under an allowed folder.

    The same sentence answers for a file outside and one that does not exist there: the guard tells nothing
    about the rest of the disk.
    """
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(os.path.realpath(folder)) for folder in allowed):
        where = ", ".join(allowed) or "no folder at all"
        raise Forbidden(
            f"{path} is not inside a folder that may be read ({where}). Move the file, or ask an"
            f" administrator to add its folder to CONNECTION_ALLOWED_PATHS."
        )
    try:
        mode = real.stat().st_mode
    except OSError:
        raise ConnectorError(
            f"There is no file {path} that the catalog may read. Check the path and its rights.",
            FailureKind.UNREACHABLE,
        ) from None
    if not stat.S_ISREG(mode):
        raise Forbidden(f"{path} is not a plain file.")
    return str(real)
