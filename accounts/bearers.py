"""Bearers: who shows a token, found by one statement. Nothing is kept between requests, so a revoked token is refused next.

`USABLE` is that statement, for hot paths that look a token up and write in one go; `find` runs it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from accounts.tokens import digest_of, is_well_formed

USABLE = """
    SELECT token.id, token.name, token.principal_id, token.scopes, token.namespaces,
           coalesce(token.last_used_at < statement_timestamp() - interval '1 minute', true) AS is_idle
    FROM accounts_apitoken AS token
    JOIN accounts_principal AS principal ON principal.id = token.principal_id
    LEFT JOIN accounts_user AS person ON person.id = principal.user_id
    WHERE token.digest = %(token)s
      AND token.revoked_at IS NULL
      AND (token.expires_at IS NULL OR token.expires_at > statement_timestamp())
      AND principal.disabled_at IS NULL
      AND coalesce(person.is_active, true)
"""
"""The columns of `Bearer`, by the SHA-256 in the parameter `token`; the same condition as `TokenQuerySet.usable`."""

_TOUCH = """
    UPDATE accounts_apitoken SET last_used_at = statement_timestamp()
    WHERE id = %s AND coalesce(last_used_at < statement_timestamp() - interval '1 minute', true)
"""


class Bearer(NamedTuple):
    """Who shows a usable token, and what it allows. `is_idle`: its use was not noted within the last minute."""

    id: int
    name: str
    principal_id: int
    scopes: Sequence[str]
    namespaces: Sequence[str]
    is_idle: bool


def digest_in(authorization: str) -> bytes | None:
    """The SHA-256 of the token in an Authorization header's value; None where none of this product's form is in it."""
    scheme, _, text = authorization.partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not is_well_formed(text):
        return None
    return digest_of(text)


def find(digest: bytes) -> Bearer | None:
    """Who shows the token of this SHA-256; None where it is unknown, expired, revoked or of somebody disabled."""
    with connection.cursor() as cursor:
        cursor.execute(USABLE, {"token": digest})
        row = cursor.fetchone()
    return Bearer(*row) if row else None


def touch(token_id: int) -> None:
    """Note the use, once a minute at most: a pipeline's thousand events a second must not write one row each."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [token_id])
