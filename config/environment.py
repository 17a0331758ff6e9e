"""Reads environment variables strictly: a value that is not allowed stops the start with a sentence.

The sentence names the variable, what it holds and what is allowed, but for what may hold a password. A variable that is
set to nothing counts as not set; only for a list that is the empty list.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def text(name: str, default: str = "") -> str:
    """What the variable holds, without the blanks around it."""
    return os.environ.get(name, "").strip() or default


def required(name: str, purpose: str) -> str:
    value = text(name)
    if not value:
        raise ImproperlyConfigured(f"Set {name}: {purpose}. bin/run and bin/manage set it for you.")
    return value


def truth(name: str, *, default: bool) -> bool:
    value = text(name, str(default)).lower()
    if value not in _TRUE + _FALSE:
        raise _refused(name, "true or false")
    return value in _TRUE


def whole(name: str, default: int, *, unit: str, least: int = 1, most: int = 2**31 - 1) -> int:
    """A whole number of `unit`, in digits alone."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise _refused(name, f"a whole number of {unit} from {least} to {most}, such as {default}")
    return int(value)


def share(name: str, default: float) -> float:
    """A share from 0 to 1, also written as a percentage: 0.2 or 20%."""
    value = text(name, str(default))
    try:
        found = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise _refused(name, "a share from 0 to 1, such as 0.2, or a percentage with its sign, such as 20%")
    return found


def choice(name: str, default: str, among: Sequence[str]) -> str:
    """One of `among`, whatever its case."""
    value = text(name, default).lower()
    for allowed in among:
        if value == allowed.lower():
            return allowed
    raise _refused(name, f"{', '.join(among[:-1])} or {among[-1]}")


def listed(name: str, default: Sequence[str]) -> list[str]:
    """What stands between commas."""
    if name not in os.environ:
        return list(default)
    return [value.strip() for value in os.environ[name].split(",") if value.strip()]


def hosts(name: str, default: Sequence[str]) -> list[str]:
    values = listed(name, default)
    if any("/" in value or len(value.split()) > 1 for value in values):
        raise _refused(name, "names of hosts without scheme or path, separated by commas, such as catalog.example.org")
    return values


def networks(name: str, default: Sequence[str]) -> list[str]:
    values = listed(name, default)
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise _refused(name, "networks such as 10.0.0.0/8, separated by commas") from None
    return values


def folders(name: str, default: Sequence[str]) -> list[str]:
    values = listed(name, default)
    if not all(Path(value).is_absolute() for value in values):
        raise _refused(name, "absolute paths of folders, separated by commas")
    return values


def site(name: str, default: str) -> str:
    """The address of a site, scheme and host in lower case and nothing behind them: https://catalog.example.org."""
    parts = address(text(name, default))
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise _refused(
            name, "http:// or https:// with a host, and a port where needed, such as https://catalog.example.org"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def address(url: str) -> SplitResult | None:
    """The parts of an address that has a host and, where it has a port, one that there is; None for all else."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 and len(url.split()) == 1 else None
    except ValueError:
        return None


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise _refused(name, "a time zone such as UTC or Australia/Melbourne") from None
    return value


def sender(name: str, default: str) -> str:
    value = text(name, default)
    local, _, host = parseaddr(value)[1].partition("@")
    if not (local and host) or not value.isprintable():
        raise _refused(name, "an e-mail address, such as Catalog <catalog@example.org>")
    return value


def _refused(name: str, allowed: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is {os.environ.get(name, '')!r}. Allowed: {allowed}.")
