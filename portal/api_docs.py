"""The description of the REST API: OpenAPI 3.1 for programs, and a page where people read and try it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from common.errors import NotSignedIn
from common.responses import error_response


class ApiSchema(SpectacularAPIView):
    """`openapi.json`."""

    renderer_classes = [OpenApiJsonRenderer2]


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI from our own files, in a page whose scripts and styles are all files: our content policy allows no others."""

    url_name = "api-schema"
    template_name = "portal/api_docs.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # This one is a page for people below /api/: without a session it leads to the sign-in, not to problem details.
        if getattr(request, "principal", None) is None and "Authorization" not in request.headers:
            return error_response(_as_page(request), NotSignedIn("Sign in to read the API's description."))
        return super().dispatch(request, *args, **kwargs)


def _as_page(request: HttpRequest) -> HttpRequest:
    """The same request under a path that error pages treat as a page."""
    from copy import copy

    page = copy(request)
    page.get_full_path = request.get_full_path  # type: ignore[method-assign]
    page.path = "/"
    return page
