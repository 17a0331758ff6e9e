"""The root of the REST API: every room's resources, their description, and a page to try them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import DefaultRouter

from portal.api_docs import DESCRIPTION, ApiDocs, ApiSchema

_ROOMS = ("catalog", "lineage", "classification", "access", "ingestion", "accounts")

router = DefaultRouter()
router.include_format_suffixes = False

_beside: list[URLPattern | URLResolver] = []
for _room in _ROOMS:
    if find_spec(f"{_room}.rest") is None:
        continue
    _rest = import_module(f"{_room}.rest")
    _rest.register(router)
    _beside += getattr(_rest, "urlpatterns", [])

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", ApiSchema.as_view(custom_settings=DESCRIPTION), name="api-schema"),
    path("docs/", ApiDocs.as_view(), name="api-docs"),
    *_beside,
    *router.urls,
]
