"""The intake as a plain WSGI function, ahead of Django's middleware: see `common.ahead`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from django.conf import settings

from accounts.bearers import digest_in, find
from common.ahead import (
    Answer,
    Environ,
    NotPost,
    answered,
    check_host,
    content_length,
    is_secure,
    problem_answer,
    serve,
)
from common.bodies import read_body
from common.errors import CatalogError, Forbidden, NotSignedIn
from lineage.intake import check_bearer, keep_refused, no_usable_token, take_batch, take_event

_SMALL = 256 * 1024
"""Bytes of a body that are read before the token is looked up; whoever has none must not fill the memory."""


def application(environ: Environ, start_response: Callable[..., object]) -> Iterable[bytes]:
    """WSGI: the answer to a request at one of `ADDRESSES`."""
    return serve(environ, start_response, answer_to)


def answer_to(environ: Environ) -> Answer:
    """What the intake answers, whatever happens."""
    return answered(
        _answer,
        environ,
        refused=problem_answer,
        unavailable="The catalog's database does not answer just now. Send the same again in a moment.",
        failed="The intake failed at this request. It is logged; nothing was kept.",
    )


def _answer(environ: Environ) -> Answer:
    check_host(environ)
    take = ADDRESSES[environ["PATH_INFO"]]
    if environ["REQUEST_METHOD"] != "POST":
        raise NotPost("Events are sent here with POST.")
    if settings.SECURE_SSL_REDIRECT and not is_secure(environ):
        # Elsewhere this is a redirect, which turns a POST into a GET.
        raise Forbidden(
            f"Send events to {settings.SITE_URL}, which is encrypted. Renew the token: it was sent in clear."
        )
    token = digest_in(environ.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        raise no_usable_token()
    body = b""
    try:
        length = content_length(environ)
        if length is None or length > _SMALL:
            check_bearer(find(token))
        body = read_body(
            environ["wsgi.input"],
            length=length,
            content_type=environ.get("CONTENT_TYPE", ""),
            content_encoding=environ.get("HTTP_CONTENT_ENCODING", ""),
            limit=settings.LINEAGE_MAX_EVENT_BYTES,
        )
        return take(body, token)
    except NotSignedIn:
        raise
    except CatalogError as error:
        raise keep_refused(error, body, token=token) from None


def _event(body: bytes, token: bytes) -> Answer:
    take_event(body, token=token)
    return Answer(201, [])


def _batch(body: bytes, token: bytes) -> Answer:
    answer = take_batch(body, token=token)
    if not answer.failed_events:
        return Answer(204, [])
    return Answer(200, [("Content-Type", "application/json")], msgspec.json.encode(answer))


ADDRESSES: dict[str, Callable[[bytes, bytes], Answer]] = {
    "/api/v1/lineage": _event,
    "/api/v1/lineage/": _event,
    "/api/v1/lineage/batch": _batch,
    "/api/v1/lineage/batch/": _batch,
}
"""With and without a slash: a POST is never redirected."""
