"""The root of the REST API: every room's resources, their description, and a page to try them."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import DefaultRouter

import access.rest
import accounts.rest
import catalog.rest
import classification.rest
import ingestion.rest
import lineage.rest
from portal.api_docs import DESCRIPTION, ApiDocs, ApiSchema

_ROOMS = (catalog.rest, lineage.rest, classification.rest, access.rest, ingestion.rest, accounts.rest)

router = DefaultRouter()
router.include_format_suffixes = False
for _room in _ROOMS:
    _room.register(router)

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", ApiSchema.as_view(custom_settings=DESCRIPTION), name="api-schema"),
    path("docs/", ApiDocs.as_view(), name="api-docs"),
    *[pattern for room in _ROOMS for pattern in getattr(room, "urlpatterns", [])],
    *router.urls,
]
