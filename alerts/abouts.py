"""What notifications are about: who may be told of it, and where its page is."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import reverse

from access.enforcement.queries import readable_sources
from access.models import AccessRequest, Campaign, Grant
from accounts.models import Principal
from alerts.registry import About
from catalog.models import Dataset, Tier


def _administrator(principal: Principal) -> QuerySet[Principal]:
    return Principal.objects.filter(pk=principal.pk) if principal.is_administrator else Principal.objects.none()


def _page_of_grant(grant: Grant) -> str:
    """That of its request, which tells its whole way; what was adopted was never asked for."""
    if grant.request_id is not None:
        return reverse("access:request", args=[grant.request_id])
    return reverse("portal:dataset_tab", args=[grant.dataset_id, "access"])


DATASET = About(
    "dataset",
    lambda principal: Dataset.objects.visible_to(principal, Tier.METADATA),
    lambda dataset: reverse("portal:dataset", args=[dataset.pk]),
)
DATASET_ACCESS = About(
    "dataset_access",
    lambda principal: Dataset.objects.visible_to(principal),
    lambda dataset: reverse("portal:dataset_tab", args=[dataset.pk, "access"]),
)
DATASET_JOBS = About(
    "dataset_jobs",
    lambda principal: Dataset.objects.visible_to(principal, Tier.METADATA),
    lambda dataset: reverse("portal:dataset_tab", args=[dataset.pk, "lineage"]),
)
REQUEST = About(
    "request",
    lambda principal: AccessRequest.objects.visible_to(principal),
    lambda request: reverse("access:request", args=[request.pk]),
    own=lambda principal: AccessRequest.objects.filter(requester=principal),
)
SOURCE_RIGHTS = About(
    "source_rights",
    readable_sources,
    lambda source: reverse("access:enforcement", args=[source.pk]),
)
GRANT = About(
    "grant",
    lambda principal: Grant.objects.visible_to(principal),
    _page_of_grant,
    own=lambda principal: Grant.objects.filter(principal=principal),
)
CAMPAIGN = About(
    "campaign",
    lambda principal: Campaign.objects.visible_to(principal),
    lambda campaign: reverse("access:campaign", args=[campaign.pk]),
)
ACCOUNT = About(
    "account",
    lambda principal: Principal.objects.filter(pk=principal.pk),
    lambda _: reverse("access:inbox"),
)
OWN_ACCESS = About(
    "own_access",
    lambda principal: Principal.objects.filter(pk=principal.pk),
    lambda _: reverse("access:own"),
)
CATALOG = About("catalog", _administrator, lambda _: reverse("portal:audit"))
