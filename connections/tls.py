"""How a connection is encrypted and how sure it is of the other end."""

from __future__ import annotations

import ipaddress
import ssl
from enum import StrEnum

from common.errors import Invalid


class TlsMode(StrEnum):
    """The names are libpq's; they mean the same for every server."""

    DISABLE = "disable"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


_READ_AS = {mode.value: mode for mode in TlsMode} | {"disabled": TlsMode.DISABLE, "required": TlsMode.REQUIRE}


def tls_mode(text: str) -> TlsMode:
    """The mode called `text`, in libpq's or MySQL's words. Weak in-between modes ("prefer") are refused."""
    mode = _READ_AS.get(text.strip().lower().replace("_", "-"))
    mode = mode or {"verify-identity": TlsMode.VERIFY_FULL}.get(text.strip().lower().replace("_", "-"))
    if mode is None:
        raise Invalid(
            f"The TLS mode {text!r} is not one of {', '.join(TlsMode)}. Use verify-full unless the server has no TLS."
        )
    return mode


def default_tls(host: str) -> TlsMode:
    """Verify in full, except towards this machine, whose traffic no network carries."""
    try:
        local = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        local = host.lower() == "localhost"
    return TlsMode.DISABLE if local else TlsMode.VERIFY_FULL


def tls_context(mode: TlsMode, ca: str) -> ssl.SSLContext | None:
    """The context of a mode, None for no TLS. `ca` is PEM text; empty means what this machine trusts."""
    if mode is TlsMode.DISABLE:
        return None
    context = ssl.create_default_context()
    if ca:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=ca)
        except (ssl.SSLError, ValueError):
            wrong = "The CA certificate is not PEM text. Paste the whole file, with its BEGIN and END lines."
            raise Invalid(wrong, {"tls_ca": [wrong]}) from None
    context.check_hostname = mode is TlsMode.VERIFY_FULL
    context.verify_mode = ssl.CERT_NONE if mode is TlsMode.REQUIRE else ssl.CERT_REQUIRED
    return context
