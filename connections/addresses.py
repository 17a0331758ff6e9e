"""Where a source is: what a URL says, with the secret split off from the rest."""

from __future__ import annotations

import hashlib
import ipaddress
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from common.errors import Invalid
from connections.options import OptionValue, read_options
from connections.platforms import SCHEMES, Platform
from connections.tls import TlsMode, default_tls, tls_mode

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_.])?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_PASSWORD = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*:/+[^:@]*|\s*[^:@/]*(?=:(?!/))):.*@", re.DOTALL)
_NO_PORT = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*:/+[^:@/?#\[]*):(?!\d{0,5}(?:[/?#]|\s*$))[^@]*$")
_SECRET_OPTION = re.compile(r"([?&][^=&#]*(?:password|passwd|pwd|secret|token)[^=&#]*=)[^&#]*", re.IGNORECASE)
_TLS_OPTIONS = ("sslmode", "ssl_mode", "ssl-mode")


@dataclass(frozen=True, slots=True)
class Address:
    """A source's address. Servers have host, port and database; files have an absolute path. The secret never
    prints.
    """

    platform: Platform
    host: str = ""
    port: int | None = None
    database: str = ""
    path: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    tls: TlsMode = TlsMode.VERIFY_FULL

    def __str__(self) -> str:
        if self.platform.is_file:
            return f"{self.platform}://{self.path}"
        return f"{self.platform}://{self._server}" + (f"/{self.database}" if self.database else "")

    @property
    def url(self) -> str:
        """What `parse_address` reads as this address; without the secret."""
        query: dict[str, OptionValue] = dict(self.options)
        if self.platform.is_file:
            place = quote(self.path)
        else:
            account = f"{quote(self.username, safe='')}@" if self.username else ""
            place = f"{account}{self._server}" + (f"/{quote(self.database, safe='')}" if self.database else "")
            if self.tls is not default_tls(self.host):
                query["sslmode"] = self.tls.value
        return f"{self.platform}://{place}" + (f"?{urlencode(query)}" if query else "")

    @property
    def _server(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def place(self) -> str:
        """Which database or file this is, as 64 hexadecimal digits: the same however it is spelled, whoever logs in.

        A name and its IP address stay two places: only a name server could tell, and differently tomorrow.
        """
        if self.platform.is_file:
            where = ["file", posixpath.normpath(self.path)]
        else:
            where = [_same_host(self.host), str(self.port or self.platform.default_port), self.database]
        return hashlib.sha256("\0".join([self.platform.value, *where]).encode()).hexdigest()


def parse_address(url: str) -> Address:
    """The address in a URL such as `postgres://user:password@db.example.org:5432/shop?sslmode=verify-full`.

    Also `mysql://` and `mariadb://` (the database may be left out: all are read), `sqlite:////srv/a.db` and
    `duckdb:////srv/a.duckdb`. Raises `Invalid` with a sentence that does not repeat the URL, which may hold a
    secret.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise Invalid(
            "The URL has a host or port that cannot be read. Percent-encode special characters in the password."
        ) from None
    platform = SCHEMES.get(parts.scheme.lower())
    if platform is None:
        raise Invalid(f"The URL must begin with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}.")
    if parts.fragment:
        raise Invalid("The URL holds a #. Write it as %23 when it belongs to the password or a name.")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    tls = next((query.pop(name) for name in _TLS_OPTIONS if name in query), None)
    options = read_options(platform, query)
    if platform.is_file:
        if parts.netloc:
            raise Invalid(
                f"A file has no host. Write the absolute path after {parts.scheme}://, as in {parts.scheme}:////srv/data/file."
            )
        return Address(platform=platform, path=check_path("/" + unquote(parts.path).lstrip("/")), options=options)
    host = check_host(parts.hostname or "")
    database = unquote(parts.path.lstrip("/"))
    if platform is Platform.POSTGRES and not database:
        raise Invalid("Name the database at the end of the URL, as in postgres://user@host:5432/database.")
    return Address(
        platform=platform,
        host=host,
        port=port or platform.default_port,
        database=database,
        username=unquote(parts.username or ""),
        secret=unquote(parts.password or ""),
        options=options,
        tls=tls_mode(tls) if tls else default_tls(host),
    )


def _same_host(host: str) -> str:
    """One spelling of a host: IP addresses in their short form, this machine as 127.0.0.1."""
    bare = host.lower().strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return "127.0.0.1" if bare == "localhost" else bare
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return "127.0.0.1" if address == ipaddress.IPv6Address("::1") else str(mapped or address)


def without_password(url: str) -> str:
    """The URL as typed, fit to be shown: without the password, also where nothing else of it can be understood.

    What may be a password goes, to the last @: a password with a / or @ that nobody percent-encoded hides no rest. Where
    there is no @ and no port behind the colon, the host was forgotten, and the password is what stands there.
    """
    platform = SCHEMES.get(url.strip().partition("://")[0].lower())
    if platform is not None and platform.is_file and url.strip().partition("://")[2].startswith("/"):
        return url
    return _SECRET_OPTION.sub(r"\1", _NO_PORT.sub(r"\1", _PASSWORD.sub(r"\1@", url)))


def check_host(host: str) -> str:
    """The host in lower case. Lists of hosts, sockets and other tricks of the drivers are refused."""
    if not host:
        raise Invalid("The address needs a host.", {"host": ["Enter a host name or an IP address."]})
    if not (_HOST.fullmatch(host) or _IPV6.fullmatch(host)):
        sentence = f"{host!r} is not a host name or an IP address. Enter one host, without port, socket or list."
        raise Invalid(sentence, {"host": [sentence]})
    return host.lower()


def check_path(path: str) -> str:
    """The path, which must be absolute and lead to a file."""
    if not path.startswith("/") or path == "/" or "\0" in path:
        sentence = "Enter the absolute path of the database file."
        raise Invalid(sentence, {"path": [sentence]})
    return path
