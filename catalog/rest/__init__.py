"""REST of the catalog: the same reads and the same actions as the pages. Sources are the subject of `ingestion`."""

from __future__ import annotations

from rest_framework.routers import BaseRouter

from catalog.rest.activity import ActivityViewSet
from catalog.rest.datasets import DatasetViewSet
from catalog.rest.domains import DomainViewSet
from catalog.rest.proposals import ProposalViewSet
from catalog.rest.search import SearchViewSet
from catalog.rest.systems import SystemViewSet, TagViewSet


def register(router: BaseRouter) -> None:
    router.register("systems", SystemViewSet, basename="system")
    router.register("domains", DomainViewSet, basename="domain")
    router.register("datasets", DatasetViewSet, basename="dataset")
    router.register("proposals", ProposalViewSet, basename="proposal")
    router.register("tags", TagViewSet, basename="tag")
    router.register("search", SearchViewSet, basename="search")
    router.register("activity", ActivityViewSet, basename="activity")
