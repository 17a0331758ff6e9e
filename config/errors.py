"""Django's own error pages, in the form of all the others."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.errors import CatalogError, Forbidden, NotFound, Unavailable
from common.responses import as_catalog_error, error_response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(
        request, CatalogError("The request cannot be understood. Go back, and try again from the page.")
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, Forbidden(str(exception) or "You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, NotFound("There is no such page, or you may not see it."))


def server_error(request: HttpRequest) -> HttpResponse:
    """A page that needs nothing that may be broken: neither the database nor the session.

    Middleware raises past `ErrorMiddleware`; where the database was the reason, the answer is that of every other page.
    """
    raised = sys.exc_info()[1]
    unavailable = as_catalog_error(raised) if isinstance(raised, Exception) else None
    if isinstance(unavailable, Unavailable):
        return error_response(request, unavailable)
    if request.path.startswith("/api/"):
        fault = CatalogError(
            "The catalog failed at this request. Nothing was changed; try again, and tell the administrator."
        )
        fault.status, fault.code, fault.title = 500, "fault", "The catalog failed"
        return error_response(request, fault)
    return render(None, "errors/500.html", status=500)
