"""REST of access."""

from __future__ import annotations

from rest_framework.routers import DefaultRouter

from access.rest.campaigns import CampaignItemViewSet, CampaignViewSet
from access.rest.delegations import DelegationViewSet
from access.rest.emergencies import EmergencyReviewViewSet
from access.rest.enforcement import EnforcementViewSet, FindingViewSet, JournalViewSet, LoginViewSet
from access.rest.people import PersonViewSet
from access.rest.policies import PolicyViewSet
from access.rest.readers import urlpatterns
from access.rest.requests import AccessRequestViewSet, GrantViewSet
from access.rest.terms import TermsViewSet
from access.rest.vocabulary import AttributeViewSet, EngineCatalogViewSet, PurposeViewSet

__all__ = ["register", "urlpatterns"]


def register(router: DefaultRouter) -> None:
    router.register("access-requests", AccessRequestViewSet, basename="access-request")
    router.register("grants", GrantViewSet, basename="grant")
    router.register("delegations", DelegationViewSet, basename="delegation")
    router.register("terms", TermsViewSet, basename="terms")
    router.register("emergencies", EmergencyReviewViewSet, basename="emergency")
    router.register("recertifications", CampaignViewSet, basename="recertification")
    router.register("recertification-items", CampaignItemViewSet, basename="recertification-item")
    router.register("enforcements", EnforcementViewSet, basename="enforcement")
    router.register("enforcement-journal", JournalViewSet, basename="enforcement-journal")
    router.register("database-logins", LoginViewSet, basename="database-login")
    router.register("findings", FindingViewSet, basename="finding")
    router.register("people", PersonViewSet, basename="person")
    router.register("policies", PolicyViewSet, basename="policy")
    router.register("principal-attributes", AttributeViewSet, basename="principal-attribute")
    router.register("purposes", PurposeViewSet, basename="purpose")
    router.register("engine-catalogs", EngineCatalogViewSet, basename="engine-catalog")
