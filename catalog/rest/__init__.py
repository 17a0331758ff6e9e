"""REST of the catalog: the same reads and the same actions as the pages."""

from __future__ import annotations

from rest_framework.routers import BaseRouter

from catalog.rest.activity import ActivityViewSet
from catalog.rest.datasets import DatasetViewSet
from catalog.rest.domains import DomainViewSet
from catalog.rest.proposals import ProposalViewSet
from catalog.rest.search import SearchViewSet
from catalog.rest.sources import SourceViewSet, SystemViewSet, TagViewSet


def register(router: BaseRouter) -> None:
    router.register("systems", SystemViewSet, basename="system")
    router.register("domains", DomainViewSet, basename="domain")
    router.register("sources", SourceViewSet, basename="source")
    router.register("datasets", DatasetViewSet, basename="dataset")
    router.register("proposals", ProposalViewSet, basename="proposal")
    router.register("tags", TagViewSet, basename="tag")
    router.register("search", SearchViewSet, basename="search")
    router.register("activity", ActivityViewSet, basename="activity")
