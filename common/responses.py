"""Turn errors into answers: a page for people, a fragment for htmx, problem details (RFC 9457) for programs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.template import loader
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from common.errors import CatalogError, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds after which whoever met an unavailable catalog may come again."""


def problem(error: CatalogError) -> dict[str, Any]:
    """The members of a problem details object."""
    body: dict[str, Any] = {
        "type": f"urn:catalog:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
    }
    if isinstance(error, Invalid) and error.fields:
        body["errors"] = error.fields
    return body


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    ours = as_catalog_error(error)
    if ours is None:
        return None
    set_rollback()
    response = Response(problem(ours), status=ours.status, content_type=PROBLEM_TYPE)
    if isinstance(ours, NotSignedIn):
        response["WWW-Authenticate"] = 'Bearer realm="catalog"'
    if isinstance(ours, Unavailable):
        response["Retry-After"] = RETRY_AFTER
    if isinstance(error, exceptions.MethodNotAllowed):
        view = context.get("view")
        response["Allow"] = ", ".join(getattr(view, "allowed_methods", []))
    return response


def as_catalog_error(error: Exception) -> CatalogError | None:
    """The error of ours that says the same as one of Django's or DRF's; None for a fault of the program."""
    if isinstance(error, CatalogError):
        return error
    if isinstance(error, Http404):
        return NotFound("There is no such thing, or you may not see it.")
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return Forbidden(str(error) or "You may not do this.")
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database did not answer: %s", error, exc_info=error)
        return Unavailable("The catalog's database does not answer just now. Try again in a moment.")
    if isinstance(error, exceptions.ValidationError):
        return Invalid("Correct the fields named below.", _flat(error.detail))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return NotSignedIn(str(error.detail))
    if isinstance(error, exceptions.APIException):
        ours = CatalogError(str(error.detail))
        ours.status = error.status_code
        ours.code = str(error.default_code)
        ours.title = HTTPStatus(error.status_code).phrase.capitalize()
        return ours
    return None


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested details as {"columns.0": ["sentence"]}."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            found |= _flat(inner, ".".join(part for part in (path, own) if part))
        return found
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        found = {}
        for index, item in enumerate(detail):
            found |= _flat(item, f"{path}.{index}" if path else str(index))
        return found
    return {path: [str(item) for item in (detail if isinstance(detail, list) else [detail])]}


class ErrorMiddleware:
    """Answers what a view raises: with a page, or with problem details below /api/ and for whoever accepts only JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        error = as_catalog_error(exception)
        if error is None:
            return None
        return error_response(request, error)


def error_response(request: HttpRequest, error: CatalogError) -> HttpResponse:
    """The answer to an error. What is unavailable may be the database, so that page asks nothing of the request's person."""
    headers = {"Retry-After": RETRY_AFTER} if isinstance(error, Unavailable) else {}
    if request.path.startswith("/api/") or not _wants_html(request):
        return JsonResponse(problem(error), status=error.status, content_type=PROBLEM_TYPE, headers=headers)
    if isinstance(error, NotSignedIn):
        target = f"{resolve_url(settings.LOGIN_URL)}?next={quote(request.get_full_path())}"
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": target})
        return HttpResponseRedirect(target)
    fragment = request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted")
    template = "errors/_error.html" if fragment else "errors/error.html"
    page = loader.render_to_string(template, {"error": error}, None if isinstance(error, Unavailable) else request)
    return HttpResponse(page, status=error.status, headers=headers)


def _wants_html(request: HttpRequest) -> bool:
    accept = request.headers.get("Accept", "*/*")
    return "text/html" in accept or "*/*" in accept
