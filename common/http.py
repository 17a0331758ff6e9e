"""Conditional requests: a reader gets an ETag, a writer says with If-Match which version it read."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest
from django.utils.http import parse_etags

from common.errors import PreconditionFailed, PreconditionRequired


def etag_of(*parts: object) -> str:
    """A strong entity tag over parts that together change whenever the representation does."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def check_if_match(request: HttpRequest, current: str) -> None:
    """Raise unless the request's If-Match names the current entity tag (or is `*`).

    Raises `PreconditionRequired` (428) without the header and `PreconditionFailed` (412) where it names another version.
    """
    header = request.headers.get("If-Match", "")
    if not header:
        raise PreconditionRequired("Send If-Match with the ETag you got when you read this, so that no change is lost.")
    tags = parse_etags(header)
    if "*" not in tags and current not in tags:
        raise PreconditionFailed(
            "This was changed since you read it. Read it again, look at the change, then repeat yours."
        )
