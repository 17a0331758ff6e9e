"""The root of the REST API: every room's resources, their description, and a page to try them.

The rooms' `rest` modules are named as `include()` names URL configurations: they are edges, which nothing else imports.
"""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import DefaultRouter

from portal import openapi  # noqa: F401  drf-spectacular knows the extensions that are imported before it first describes
from portal.api_docs import ApiSchema, api_docs

_ROOMS = (
    "catalog.rest", "lineage.rest", "classification.rest", "access.rest", "alerts.rest", "ingestion.rest",
    "accounts.rest", "portal.rest",
)  # fmt: skip

router = DefaultRouter()
router.include_format_suffixes = False

_beside: list[URLPattern | URLResolver] = []
for _room in map(import_module, _ROOMS):
    _room.register(router)
    _beside += getattr(_room, "urlpatterns", [])

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", ApiSchema.as_view(), name="api-schema"),
    path("docs/", api_docs, name="api-docs"),
    *_beside,
    *router.urls,
]
