"""The addresses of the intake, for clients that know nothing of sessions, pages or redirects."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.authentication import token_of
from accounts.models import ApiToken
from common.errors import CatalogError, NotSignedIn
from common.responses import PROBLEM_TYPE, problem
from lineage.bodies import BadBody, read_body
from lineage.intake import accept, accept_batch, check_token

Taker = Callable[[bytes, ApiToken], HttpResponse]


@csrf_exempt
def lineage(request: HttpRequest) -> HttpResponse:
    """POST one event: 201 and an empty body when it is durable."""
    return _taken(request, _single)


@csrf_exempt
def lineage_batch(request: HttpRequest) -> HttpResponse:
    """POST an array of events: 204 when all were accepted, else 200 and which were not."""
    return _taken(request, _batch)


def _single(body: bytes, token: ApiToken) -> HttpResponse:
    accept(body, token=token)
    return HttpResponse(status=201, content_type="text/plain")


def _batch(body: bytes, token: ApiToken) -> HttpResponse:
    answer = accept_batch(body, token=token)
    if not answer.failed_events:
        return HttpResponse(status=204)
    return JsonResponse(msgspec.to_builtins(answer))


def _taken(request: HttpRequest, take: Taker) -> HttpResponse:
    if request.method != "POST":
        return _refused(_NotPost("Events are sent here with POST."), {"Allow": "POST"})
    try:
        # The token comes first: whoever has none does not get to fill the memory with a body.
        token = check_token(token_of(request.headers.get("Authorization", "")))
        return take(_body(request), token)
    except NotSignedIn as error:
        return _refused(error, {"WWW-Authenticate": 'Bearer realm="catalog"'})
    except CatalogError as error:
        return _refused(error)


class _NotPost(CatalogError):
    status = 405
    code = "method_not_allowed"
    title = "Send this with POST"


def _refused(error: CatalogError, headers: dict[str, str] | None = None) -> HttpResponse:
    return JsonResponse(problem(error), status=error.status, content_type=PROBLEM_TYPE, headers=headers)


def _body(request: HttpRequest) -> bytes:
    """Django reads nothing of a chunked body, since it has no length: read the server's own stream, which ends with it."""
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not chunked and not (text.isascii() and text.isdigit()):
        raise BadBody("The Content-Length is no number.")
    return read_body(
        request.environ["wsgi.input"],  # type: ignore[attr-defined]
        length=None if chunked else int(text),
        content_type=request.META.get("CONTENT_TYPE", ""),
        content_encoding=request.META.get("HTTP_CONTENT_ENCODING", ""),
        limit=settings.LINEAGE_MAX_EVENT_BYTES,
    )
