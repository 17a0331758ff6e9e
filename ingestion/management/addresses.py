"""What commands read of addresses, and how they say what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from django.core.management.base import CommandError

from common.errors import CatalogError, Invalid
from connections.addresses import Address
from connections.platforms import SCHEMES

URL_HELP = "postgres://, mysql://, mariadb://, sqlite:/// or duckdb:/// and the address"
TLS_CA_HELP = "file with the CA certificate of the server, as PEM text"


def refused(error: CatalogError, url: str) -> CommandError:
    """The error's sentence, with those of its fields that it does not hold already, and what was probably meant."""
    fields = error.fields if isinstance(error, Invalid) else {}
    rest = [f"{name}: {text}" for name, texts in fields.items() for text in texts if text not in error.message]
    return CommandError(" ".join([error.message, *rest]) + _absolute(url))


def certificate_in(file: Path) -> str:
    """The text of a certificate; raises `CommandError` where the file cannot be read."""
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The CA certificate cannot be read: {error}") from None


def _absolute(url: str) -> str:
    """What was probably meant, where the address of a file is relative to where the command runs."""
    scheme, _, rest = url.strip().partition("://")
    platform = SCHEMES.get(scheme.lower())
    if platform is None or not platform.is_file:
        return ""
    written = Path(unquote(rest.partition("?")[0]))
    here = Path.cwd() / str(written).lstrip("/")
    return f" Did you mean {Address(platform=platform, path=str(here))}?" if here.is_file() else ""
