"""WSGI functions ahead of Django's middleware, for programs without sessions, pages or redirects.

What middleware does elsewhere and such clients need is done here: allowed hosts, HTTPS where the site has it, problem details,
connections that are let go in time, 503 while the database is down.
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

from common.bodies import BadBody
from common.errors import CatalogError, NotSignedIn, Unavailable
from common.responses import PROBLEM_TYPE, RETRY_AFTER, problem

logger = logging.getLogger(__name__)

Environ = dict[str, Any]


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""


class NotPost(CatalogError):
    status = 405
    code = "method_not_allowed"
    title = "Send this with POST"


class Fault(CatalogError):
    status = 500
    code = "fault"
    title = "The catalog failed"


def serve(
    environ: Environ, start_response: Callable[..., object], answer_to: Callable[[Environ], Answer]
) -> Iterable[bytes]:
    """WSGI: what `answer_to` answers, with what every answer has."""
    # As Django does ahead of each request: a connection that met an error is looked at, an old one is closed.
    connection.close_if_unusable_or_obsolete()
    answer = answer_to(environ)
    headers = [*answer.headers, ("Content-Length", str(len(answer.body))), ("X-Content-Type-Options", "nosniff")]
    if settings.SECURE_HSTS_SECONDS and is_secure(environ):
        headers.append(("Strict-Transport-Security", _hsts()))
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body]


def answered(
    answer: Callable[[Environ], Answer],
    environ: Environ,
    *,
    refused: Callable[[CatalogError], Answer],
    unavailable: str,
    failed: str,
) -> Answer:
    """What `answer` answers, or `refused` of what kept it from it, whatever happens.

    Only a fault of the program is logged with its trace, and answered 500 with the sentence `failed`; a database that does
    not answer is 503 with the sentence `unavailable`.
    """
    try:
        return answer(environ)
    except CatalogError as error:
        return refused(error)
    except (OperationalError, InterfaceError) as error:
        return refused(_unavailable(error, unavailable))
    except DatabaseError as error:
        if isinstance(error.__cause__, ReadOnlySqlTransaction):
            # A standby that is about to be promoted.
            return refused(_unavailable(error, unavailable))
        logger.exception(failed)
    except Exception:
        logger.exception(failed)
    return refused(Fault(failed))


def problem_answer(error: CatalogError) -> Answer:
    """Problem details (RFC 9457)."""
    return Answer(
        error.status, [("Content-Type", PROBLEM_TYPE), *headers_of(error)], msgspec.json.encode(problem(error))
    )


def headers_of(error: CatalogError) -> list[tuple[str, str]]:
    """What a refusal says beside its body."""
    headers = []
    if isinstance(error, NotSignedIn):
        headers.append(("WWW-Authenticate", 'Bearer realm="catalog"'))
    if isinstance(error, NotPost):
        headers.append(("Allow", "POST"))
    if isinstance(error, Unavailable):
        headers.append(("Retry-After", RETRY_AFTER))
    return headers


def content_length(environ: Environ) -> int | None:
    """The Content-Length; None for a chunked body, which has none and ends with its stream."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadBody("The Content-Length is no number.")
    return int(text)


def check_host(environ: Environ) -> None:
    allowed = settings.ALLOWED_HOSTS or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    domain, _ = split_domain_port(environ.get("HTTP_HOST") or environ["SERVER_NAME"])
    if not domain or not validate_host(domain, allowed):
        raise CatalogError(
            "This host name is not one of the catalog's. Use its own address, or add it to ALLOWED_HOSTS."
        )


def is_secure(environ: Environ) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        if name in environ:
            return bool(environ[name].split(",", 1)[0].strip() == secure)
    return bool(environ["wsgi.url_scheme"] == "https")


def _unavailable(error: Exception, sentence: str) -> Unavailable:
    logger.error("The database did not answer: %s", error)
    return Unavailable(sentence)


def _hsts() -> str:
    parts = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
    parts += ["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
    parts += ["preload"] if settings.SECURE_HSTS_PRELOAD else []
    return "; ".join(parts)
