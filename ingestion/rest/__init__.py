"""REST of sources and their crawls: the same reads and the same actions as the pages."""

from __future__ import annotations

from rest_framework.routers import BaseRouter

from ingestion.rest import crawls, sources

urlpatterns = [*crawls.urlpatterns, *sources.urlpatterns]


def register(router: BaseRouter) -> None:
    router.register("runs", crawls.RunViewSet, basename="run")
    router.register("sources", sources.SourceViewSet, basename="source")
