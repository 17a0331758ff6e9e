"""The intake as a plain WSGI function, ahead of Django's middleware: for clients without sessions, pages or redirects.

What middleware does elsewhere and clients of the intake need is done here: allowed hosts, HTTPS where the site has it,
limits, problem details, connections that are let go in time, 503 while the database is down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http.request import split_domain_port, validate_host
from psycopg.errors import ReadOnlySqlTransaction

from accounts.bearers import digest_in, find
from common.errors import CatalogError, Forbidden, NotSignedIn, Unavailable
from common.responses import PROBLEM_TYPE, RETRY_AFTER, problem
from lineage.bodies import BadBody, read_body
from lineage.intake import check_bearer, keep_refused, no_usable_token, take_batch, take_event

logger = logging.getLogger(__name__)

Environ = dict[str, Any]

_SMALL = 256 * 1024
"""Bytes of a body that are read before the token is looked up; whoever has none must not fill the memory."""


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


def application(environ: Environ, start_response: Callable[..., object]) -> Iterable[bytes]:
    """WSGI: the answer to a request at one of `ADDRESSES`."""
    # As Django does ahead of each request: a connection that met an error is looked at, an old one is closed.
    connection.close_if_unusable_or_obsolete()
    answer = answer_to(environ)
    headers = [*answer.headers, ("Content-Length", str(len(answer.body))), ("X-Content-Type-Options", "nosniff")]
    if settings.SECURE_HSTS_SECONDS and _is_secure(environ):
        headers.append(("Strict-Transport-Security", _hsts()))
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body]


def answer_to(environ: Environ) -> Answer:
    """What the intake answers, whatever happens; only a fault of the program is logged, and answered 500."""
    try:
        return _answer(environ)
    except CatalogError as error:
        return _problem(error)
    except (OperationalError, InterfaceError) as error:
        return _unavailable(error)
    except DatabaseError as error:
        if isinstance(error.__cause__, ReadOnlySqlTransaction):
            # A standby that is about to be promoted.
            return _unavailable(error)
        logger.exception("The intake failed.")
    except Exception:
        logger.exception("The intake failed.")
    return _problem(_Fault("The intake failed at this request. It is logged; nothing was kept."))


def _answer(environ: Environ) -> Answer:
    _check_host(environ)
    take = ADDRESSES[environ["PATH_INFO"]]
    if environ["REQUEST_METHOD"] != "POST":
        raise _NotPost("Events are sent here with POST.")
    if settings.SECURE_SSL_REDIRECT and not _is_secure(environ):
        # Elsewhere this is a redirect, which turns a POST into a GET.
        raise Forbidden(
            f"Send events to {settings.SITE_URL}, which is encrypted. Renew the token: it was sent in clear."
        )
    token = digest_in(environ.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        raise no_usable_token()
    body = b""
    try:
        length = _length(environ)
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


def _length(environ: Environ) -> int | None:
    """The Content-Length; None for a chunked body, which has none and ends with its stream."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadBody("The Content-Length is no number.")
    return int(text)


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


class _NotPost(CatalogError):
    status = 405
    code = "method_not_allowed"
    title = "Send this with POST"


class _Fault(CatalogError):
    status = 500
    code = "fault"
    title = "The catalog failed"


def _problem(error: CatalogError) -> Answer:
    headers = [("Content-Type", PROBLEM_TYPE)]
    if isinstance(error, NotSignedIn):
        headers.append(("WWW-Authenticate", 'Bearer realm="catalog"'))
    if isinstance(error, _NotPost):
        headers.append(("Allow", "POST"))
    if isinstance(error, Unavailable):
        headers.append(("Retry-After", RETRY_AFTER))
    return Answer(error.status, headers, msgspec.json.encode(problem(error)))


def _unavailable(error: Exception) -> Answer:
    logger.error("The database did not answer the intake: %s", error)
    return _problem(Unavailable("The catalog's database does not answer just now. Send the same again in a moment."))


def _check_host(environ: Environ) -> None:
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    domain, _ = split_domain_port(environ.get("HTTP_HOST") or environ["SERVER_NAME"])
    if not domain or not validate_host(domain, allowed):
        raise CatalogError(
            "This host name is not one of the catalog's. Use its own address, or add it to ALLOWED_HOSTS."
        )


def _is_secure(environ: Environ) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        if name in environ:
            return bool(environ[name].split(",", 1)[0].strip() == secure)
    return bool(environ["wsgi.url_scheme"] == "https")


def _hsts() -> str:
    parts = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
    parts += ["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
    parts += ["preload"] if settings.SECURE_HSTS_PRELOAD else []
    return "; ".join(parts)
