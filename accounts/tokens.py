"""Bearer tokens: `dcat_` + 32 random characters of base 62 (190 bits) + 6 of checksum.

The checksum lets scanners and this server tell a mistyped token from a wrong one without the database.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import zlib
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from accounts.models import ApiToken, Principal

PREFIX = "dcat_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 32
_CHECKSUM_LENGTH = 6


class Scope(StrEnum):
    """What a token allows."""

    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    SNAPSHOT_WRITE = "snapshot:write"
    LINEAGE_READ = "lineage:read"
    LINEAGE_WRITE = "lineage:write"
    ACCESS_DECIDE = "access:decide"
    ACCESS_APPROVE = "access:approve"
    METRICS_READ = "metrics:read"


OF_PROGRAMS = frozenset({Scope.ACCESS_DECIDE, Scope.METRICS_READ})
"""Scopes that say something about everybody, so that no person's token has them."""


class Issued(NamedTuple):
    """A new token and its text, which is shown this once and kept nowhere."""

    token: ApiToken
    text: str


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def is_well_formed(text: str) -> bool:
    """Whether `text` has the form and checksum of a token of this product."""
    body = text.removeprefix(PREFIX)
    if body == text or not body.isascii() or len(body) != _RANDOM_LENGTH + _CHECKSUM_LENGTH:
        return False
    return secrets.compare_digest(_checksum(body[:_RANDOM_LENGTH]), body[_RANDOM_LENGTH:])


def digest_of(text: str) -> bytes:
    """SHA-256 of a token. A token has 190 random bits, so a slow password hash would add nothing but load."""
    return hashlib.sha256(text.encode()).digest()


def mint(
    *,
    principal: Principal,
    name: str,
    scopes: Sequence[str],
    by: Principal,
    namespaces: Sequence[str] = (),
    expires_at: dt.datetime | None = None,
) -> Issued:
    """Store a new token. Authorisation and audit are the caller's: `accounts.actions.create_token`."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    text = f"{PREFIX}{body}{_checksum(body)}"
    token = ApiToken.objects.create(
        principal=principal,
        name=name,
        prefix=text[:12],
        digest=digest_of(text),
        scopes=[str(scope) for scope in scopes],
        namespaces=list(namespaces),
        created_by=by,
        expires_at=expires_at,
    )
    return Issued(token, text)
