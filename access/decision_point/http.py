"""The decision point as a plain WSGI function, ahead of Django's middleware: see `common.ahead`.

Errors are as AuthZEN wants them: the status, and a sentence as JSON. A refusal is an answer, 200; whatever else goes wrong is
no decision, so nothing is allowed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec
from django.conf import settings

from access.decision_point import trino
from access.decision_point.evaluating import evaluate, evaluate_many
from access.decision_point.searches import search_actions, search_resources, search_subjects
from access.decision_point.shapes import Answer as Decided
from access.decision_point.shapes import Answers, NotAsDescribed, decoded
from accounts.bearers import Bearer, digest_in, touch
from common.ahead import Answer, Environ, NotPost, answered, check_host, content_length, headers_of, is_secure, serve
from common.bodies import BadBody, Unsupported, read_body
from common.errors import CatalogError, Forbidden, NotSignedIn

LARGEST_BODY = 4 * 1024 * 1024
_JSON = ("Content-Type", "application/json")
_LONGEST_REQUEST_ID = 200


def application(environ: Environ, start_response: Callable[..., object]) -> Iterable[bytes]:
    """WSGI: the answer to a request at one of `ADDRESSES`."""
    return serve(environ, start_response, answer_to)


def answer_to(environ: Environ) -> Answer:
    """What the decision point answers, whatever happens; the request's own id comes back with it."""
    answer = answered(
        _answer,
        environ,
        refused=_refusal,
        unavailable="The catalog's database does not answer just now. Nothing was decided; ask again in a moment.",
        failed="The decision point failed at this request. It is logged; nothing was decided.",
    )
    request_id = environ.get("HTTP_X_REQUEST_ID", "")
    if request_id and len(request_id) <= _LONGEST_REQUEST_ID and request_id.isprintable():
        answer.headers.append(("X-Request-ID", request_id))
    return answer


def _answer(environ: Environ) -> Answer:
    check_host(environ)
    decide = ADDRESSES[environ["PATH_INFO"]]
    if environ["REQUEST_METHOD"] != "POST":
        raise NotPost("Decisions are asked for with POST.")
    if settings.SECURE_SSL_REDIRECT and not is_secure(environ):
        raise Forbidden(f"Ask at {settings.SITE_URL}, which is encrypted. Renew the token: it was sent in clear.")
    token = digest_in(environ.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        raise NotSignedIn("Send “Authorization: Bearer dcat_…” with a token of the scope access:decide.")
    answer, bearer = decide(_body(environ), token=token)
    if bearer.is_idle:
        touch(bearer.id)
    return Answer(200, [_JSON, ("Cache-Control", "no-store")], msgspec.json.encode(answer))


def _body(environ: Environ) -> dict[str, Any]:
    content_type = environ.get("CONTENT_TYPE", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise NotAsDescribed("Send JSON, with the Content-Type application/json.")
    body = read_body(
        environ["wsgi.input"],
        length=content_length(environ),
        content_type=content_type,
        content_encoding=environ.get("HTTP_CONTENT_ENCODING", ""),
        limit=LARGEST_BODY,
    )
    if not body.strip():
        raise NotAsDescribed("The body is empty.")
    return decoded(body)


def _refusal(error: CatalogError) -> Answer:
    status = 400 if isinstance(error, BadBody | Unsupported) else error.status
    return Answer(status, [_JSON, *headers_of(error)], msgspec.json.encode(error.message))


def _many(sent: Mapping[str, Any], *, token: bytes) -> tuple[Decided | Answers, Bearer]:
    answers, bearer = evaluate_many(sent, token=token)
    return (Answers(answers) if isinstance(answers, list) else answers), bearer


Decide: TypeAlias = Callable[..., tuple[Any, Bearer]]
ADDRESSES: dict[str, Decide] = {
    "/access/v1/evaluation": evaluate,
    "/access/v1/evaluations": _many,
    "/access/v1/search/subject": search_subjects,
    "/access/v1/search/resource": search_resources,
    "/access/v1/search/action": search_actions,
    "/access/v1/trino/allow": trino.allow,
    "/access/v1/trino/batch": trino.batch,
    "/access/v1/trino/row-filters": trino.row_filters,
    "/access/v1/trino/column-mask": trino.column_mask,
    "/access/v1/trino/column-masks": trino.column_masks,
}


def discovery() -> dict[str, str]:
    """What `/.well-known/authzen-configuration` says."""
    base = settings.SITE_URL
    return {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        "search_subject_endpoint": f"{base}/access/v1/search/subject",
        "search_resource_endpoint": f"{base}/access/v1/search/resource",
        "search_action_endpoint": f"{base}/access/v1/search/action",
    }
