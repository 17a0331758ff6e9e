"""REST of recertifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions import decide_items, mask_items, start_campaign, stop_campaign
from access.campaigns import with_progress
from access.models import Campaign, CampaignItem
from access.permissions import check_can_run_campaign
from access.querysets import CampaignItemQuerySet
from access.recertifying import Chosen, preview_of
from access.rest.requests import ReasonSerializer, checked
from accounts.authentication import rest_principal
from accounts.rest import PrincipalSerializer
from catalog.models import Domain, Source
from classification.models import Level
from common.described_query import DescribedQuery
from common.errors import Invalid, NotFound
from common.filters import IdFilter
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

_ID: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    """A recertification; `scope` says in words which grants it looks at."""

    domain = serializers.SlugRelatedField[Domain](slug_field="slug", read_only=True, allow_null=True)
    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]
        slug_field="slug", read_only=True, allow_null=True
    )
    started_by = PrincipalSerializer(read_only=True)
    total = serializers.IntegerField(source="size", read_only=True, help_text="Grants that it looks at.")
    answered = serializers.IntegerField(read_only=True, help_text="Those of them on which nothing waits.")

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "scope", "domain", "source", "policy_version", "started_at", "started_by", "due_at", "closed_at",
            "total", "answered",
        ]  # fmt: skip
        read_only_fields = fields


class CampaignItemSerializer(serializers.ModelSerializer[CampaignItem]):
    """A grant in a recertification. `silence_revokes` says what becomes of it where nobody answers."""

    holder = PrincipalSerializer(read_only=True)
    decided_by = PrincipalSerializer(read_only=True, allow_null=True)
    dataset = serializers.IntegerField(source="grant.dataset_id", read_only=True)

    class Meta:
        model = CampaignItem
        fields = [
            "id", "campaign", "grant", "dataset", "holder", "level_name", "silence_revokes", "why", "masks", "outcome",
            "decided_by", "decided_at", "reason",
        ]  # fmt: skip
        read_only_fields = fields


class ScopeSerializer(BodySerializer):
    """Which grants; each part narrows, none of them is everything."""

    domain = serializers.SlugField(max_length=60, required=False, allow_null=True, default=None)
    source = serializers.SlugField(  # type: ignore[assignment]
        max_length=60, required=False, allow_null=True, default=None
    )
    from_level = serializers.SlugField(
        max_length=60, required=False, allow_null=True, default=None, help_text="Data at this level or above."
    )
    revokes_from = serializers.SlugField(
        max_length=60,
        required=False,
        allow_null=True,
        default=None,
        help_text="Silence revokes grants of data at this level or above; null: the highest level.",
    )


class NewCampaignSerializer(ScopeSerializer):
    name = serializers.CharField(max_length=150)
    due_at = serializers.DateTimeField()


class CampaignPreviewSerializer(serializers.Serializer[Any]):
    """What a recertification would hold now."""

    grants = serializers.IntegerField()
    revoked_by_silence = serializers.IntegerField()
    reviewers = serializers.IntegerField(help_text="People who would be asked.")
    administrators_only = serializers.IntegerField(help_text="Grants on which only administrators could decide.")


class ItemDecisionSerializer(BodySerializer):
    items = serializers.ListField(child=serializers.IntegerField(**_ID), min_length=1, max_length=1000)
    keep = serializers.BooleanField(help_text="False removes the grants.")
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ItemMaskSerializer(BodySerializer):
    items = serializers.ListField(child=serializers.IntegerField(**_ID), min_length=1, max_length=1000)
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


class DecidedSerializer(serializers.Serializer[Any]):
    decided = serializers.IntegerField(help_text="On how many was decided; a grant that ended meanwhile is left out.")


class CampaignItemFilter(filters.FilterSet):
    """`role=reviewer`: those on which you may decide now."""

    campaign = IdFilter()
    outcome = filters.ChoiceFilter(choices=CampaignItem.Outcome.choices)
    role = filters.ChoiceFilter(method="by_role", choices=[("reviewer", "Those you may decide")])

    class Meta:
        model = CampaignItem
        fields: Sequence[str] = ()

    def by_role(self, queryset: CampaignItemQuerySet, name: str, value: str) -> CampaignItemQuerySet:
        return queryset.decidable_by(rest_principal(self.request))


@extend_schema_view(
    list=extend_schema(summary="Recertifications that you may see, newest first"),
    retrieve=extend_schema(summary="A recertification"),
)
class CampaignViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Campaign]):
    queryset = Campaign.objects.none()
    serializer_class = CampaignSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Campaign]:
        rows = with_progress(Campaign.objects.visible_to(rest_principal(self.request)))
        return rows.select_related("domain", "source", "started_by__user")

    @extend_schema(
        summary="Begin a recertification", request=NewCampaignSerializer, responses={201: CampaignSerializer}
    )
    def create(self, request: Request) -> Response:
        values = checked(NewCampaignSerializer, request)
        made = start_campaign(
            name=values["name"], chosen=_chosen(values), due_at=values["due_at"], by=rest_principal(request)
        )
        return Response(CampaignSerializer(self.get_queryset().get(pk=made.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="What a recertification would hold", request=ScopeSerializer, responses=CampaignPreviewSerializer
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def preview(self, request: Request) -> Response:
        chosen = _chosen(checked(ScopeSerializer, request))
        check_can_run_campaign(rest_principal(request), chosen.domain)
        found = preview_of(chosen)
        return Response(
            {
                "grants": len(found.candidates),
                "revoked_by_silence": found.revoked_by_silence,
                "reviewers": len(found.reviewer_ids),
                "administrators_only": found.nobody,
            }
        )

    @extend_schema(summary="Stop a recertification", request=ReasonSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        reason = checked(ReasonSerializer, request)["reason"]
        stop_campaign(campaign=self.get_object(), reason=reason, by=rest_principal(request))
        return Response(CampaignSerializer(self.get_object()).data)


@extend_schema_view(
    list=extend_schema(summary="Grants in recertifications that you may see, newest first"),
    retrieve=extend_schema(summary="A grant in a recertification"),
)
class CampaignItemViewSet(
    DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[CampaignItem]
):
    queryset = CampaignItem.objects.none()
    serializer_class = CampaignItemSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = CampaignItemFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> CampaignItemQuerySet:
        # Fetched for the page: joined, they would be for all that the reader sees before it is sorted and cut.
        rows = CampaignItem.objects.visible_to(rest_principal(self.request))
        return rows.prefetch_related("grant", "holder__user", "decided_by__user")

    @extend_schema(
        summary="Keep or remove grants",
        description="All of these or none.",
        request=ItemDecisionSerializer,
        responses=DecidedSerializer,
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def decide(self, request: Request) -> Response:
        values = checked(ItemDecisionSerializer, request)
        items = self._items(values["items"])
        done = decide_items(items=items, keep=values["keep"], reason=values["reason"], by=rest_principal(request))
        return Response({"decided": done})

    @extend_schema(
        summary="Mask grants as the policy that asked about them says",
        description="All of these or none; refused where one's source cannot show columns masked.",
        request=ItemMaskSerializer,
        responses=DecidedSerializer,
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def mask(self, request: Request) -> Response:
        values = checked(ItemMaskSerializer, request)
        items = self._items(values["items"])
        done = mask_items(items=items, reason=values["reason"], by=rest_principal(request))
        return Response({"decided": done})

    def _items(self, ids: Sequence[int]) -> list[CampaignItem]:
        items = list(CampaignItem.objects.visible_to(rest_principal(self.request)).filter(pk__in=ids))
        if len(items) < len(set(ids)):
            raise NotFound("One of these does not exist, or you may not see it.")
        return items


def _chosen(values: dict[str, Any]) -> Chosen:
    """What a body names. Raises `Invalid` for what there is not."""
    found: dict[str, Any] = {}
    for name, model in (("domain", Domain), ("source", Source), ("from_level", Level), ("revokes_from", Level)):
        found[name] = model._default_manager.filter(slug=values[name]).first() if values[name] else None
        if values[name] and found[name] is None:
            raise Invalid("One of these does not exist.", {name: ["Choose one that there is."]})
    return Chosen(**found)
