"""REST of levels and labels, of suggestions and their review, of categories and rules."""

from __future__ import annotations

from rest_framework.routers import DefaultRouter

from classification.path_rest import urlpatterns
from classification.rest.labels import LabelViewSet, LevelViewSet
from classification.rest.review import CoverageViewSet, LabelImportViewSet, SuggestionViewSet
from classification.rest.rules import CategoryViewSet, RuleSetViewSet

__all__ = ["register", "urlpatterns"]


def register(router: DefaultRouter) -> None:
    router.register("levels", LevelViewSet, basename="level")
    router.register("labels", LabelViewSet, basename="label")
    router.register("categories", CategoryViewSet, basename="category")
    router.register("rule-sets", RuleSetViewSet, basename="rule-set")
    router.register("suggestions", SuggestionViewSet, basename="suggestion")
    router.register("classification-coverage", CoverageViewSet, basename="coverage")
    router.register("label-imports", LabelImportViewSet, basename="label-import")
