"""The description of the REST API: OpenAPI 3.1 for programs, and a page where people read and try it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal.openapi import tell_problems

_PROBLEMS = f"{tell_problems.__module__}.{tell_problems.__name__}"

DESCRIPTION = {"POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", _PROBLEMS]}


class ApiSchema(SpectacularAPIView):
    """`openapi.json`."""

    renderer_classes = [OpenApiJsonRenderer2]


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI from our own files; its scripts and styles are all files, for our content policy allows no others."""

    url_name = "api-schema"
    template_name = "portal/api_docs.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A page for people: without a session it leads to the sign-in, not to problem details."""
        if getattr(request, "principal", None) is None and "Authorization" not in request.headers:
            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)
