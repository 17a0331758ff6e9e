"""REST of what lineage knows of a dataset: why it is one with others, what separating it does, and the changes of its life."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import rest_principal
from accounts.rest import PrincipalSerializer
from accounts.tokens import Scope
from catalog.models import Dataset, Tier
from catalog.queries.datasets import visible_dataset
from common.described_query import IF_MATCH, DescribedQuery
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination
from lineage import reading
from lineage.merging import (
    Separation,
    check_can_decide,
    check_can_separate,
    decide_same,
    separate,
    separation_of,
    wait_for_others,
)
from lineage.models import LifeKind

_KINDS = [(kind.name, kind.label) for kind in LifeKind]


class NamedSerializer(serializers.Serializer[Dataset]):
    id = serializers.IntegerField()
    namespace = serializers.CharField()
    name = serializers.CharField(source="qualified_name")


class TieSerializer(serializers.Serializer[reading.Tie]):
    """Two datasets that are one (`merged`), that somebody keeps apart (`apart`), or about which somebody is asked (`asked`)."""

    first = NamedSerializer()
    second = NamedSerializer()
    state = serializers.ChoiceField(choices=["merged", "apart", "asked"])
    told_at = serializers.DateTimeField(allow_null=True, help_text="When a symlinks facet that stands said so.")
    told_by = PrincipalSerializer(allow_null=True)
    renamed_at = serializers.DateTimeField(allow_null=True, help_text="When one was told to be renamed to the other.")
    decided_by = PrincipalSerializer(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class MergesSerializer(serializers.Serializer[reading.Identity]):
    """Datasets that were merged into this one, and its ties to others that you may know of."""

    merged = NamedSerializer(many=True)
    ties = TieSerializer(many=True)


class OtherSerializer(BodySerializer):
    dataset = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="The other dataset.")


class SeparationSerializer(serializers.Serializer[Separation]):
    cut = NamedSerializer(many=True, help_text="The datasets from which it is kept apart.")
    groups = serializers.ListField(
        child=NamedSerializer(many=True),
        help_text="The datasets that there are then, each before those that stay merged into it.",
    )


def _etag_of_merges(identity: reading.Identity) -> str:
    return etag_of("merges", *((tie.first.pk, tie.second.pk, tie.state, tie.decided_at) for tie in identity.ties))


def _etag_of_separation(separation: Separation) -> str:
    return etag_of("separation", *(tuple(one.pk for one in group) for group in (separation.cut, *separation.groups)))


class MergesView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_merges_retrieve",
        summary="Why a dataset is one with others, and what is kept apart from it",
        responses=MergesSerializer,
    )
    def get(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        return _merges(request, visible_dataset(principal, dataset_id, tier=Tier.METADATA))

    @extend_schema(
        operation_id="datasets_merges_create",
        summary="Say that two datasets are one",
        description="Also after somebody separated them. Needs the right to curate each of the two that somebody governs.",
        parameters=[IF_MATCH],
        request=OtherSerializer,
        responses=MergesSerializer,
    )
    def post(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        wanted = OtherSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        first = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        second = visible_dataset(principal, wanted.validated_data["dataset"], tier=Tier.METADATA)
        check_can_decide(principal, first, second)
        with transaction.atomic():
            wait_for_others()
            check_if_match(request._request, _etag_of_merges(reading.identity_of(principal, first)))
            decide_same(first=first, second=second, same=True, by=principal)
        return _merges(request, visible_dataset(principal, dataset_id, tier=Tier.METADATA))


def _merges(request: Request, dataset: Dataset) -> Response:
    identity = reading.identity_of(rest_principal(request), dataset)
    return Response(MergesSerializer(identity).data, headers={"ETag": _etag_of_merges(identity)})


class SeparationView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_separation_retrieve",
        summary="What separating a dataset from those that it is one with would do",
        description="409 where it is merged with none. Needs the right to curate what is governed of them.",
        responses=SeparationSerializer,
    )
    def get(self, request: Request, dataset_id: int) -> Response:
        return _separation(_planned(request, dataset_id)[1])

    @extend_schema(
        operation_id="datasets_separation_create",
        summary="Separate a dataset from those that it is one with",
        description="All links of it are cut, or none. Pipelines that say the same again do not merge it again.",
        parameters=[IF_MATCH],
        request=None,
        responses=SeparationSerializer,
    )
    def post(self, request: Request, dataset_id: int) -> Response:
        with transaction.atomic():
            wait_for_others()
            dataset, separation = _planned(request, dataset_id)
            check_if_match(request._request, _etag_of_separation(separation))
            separate(dataset=dataset, by=rest_principal(request))
        return _separation(separation)


def _planned(request: Request, dataset_id: int) -> tuple[Dataset, Separation]:
    principal = rest_principal(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
    separation = separation_of(dataset)
    check_can_separate(principal, dataset, separation)
    return dataset, separation


def _separation(separation: Separation) -> Response:
    return Response(SeparationSerializer(separation).data, headers={"ETag": _etag_of_separation(separation)})


class LifeJobSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    namespace = serializers.CharField()
    name = serializers.CharField()


class LifeSerializer(serializers.Serializer[Any]):
    """A change of a dataset's life, as one run, or one event without a run, told it."""

    kind = serializers.ChoiceField(choices=_KINDS, source="kind.name")
    at = serializers.DateTimeField(help_text="When it was last told.")
    first_at = serializers.DateTimeField(help_text="When it was first told, by the same run.")
    name = serializers.CharField(help_text="Of the dataset merged into this one of which it was told; else empty.")
    previous = NamedSerializer(
        allow_null=True, help_text="What a renamed dataset was; null where you may not know of it."
    )
    run = serializers.UUIDField(source="run.pk", allow_null=True, default=None)
    job = LifeJobSerializer(allow_null=True)


class LifeView(DescribedQuery, GenericAPIView[Any]):
    serializer_class = LifeSerializer
    scope_read = Scope.LINEAGE_READ
    pagination_class = KeysetPagination
    keyset_order = reading.LIFE_ORDER
    queryset = Dataset.objects.none()

    @extend_schema(
        operation_id="datasets_life_list",
        summary="The changes of a dataset's life, the latest first",
        description="Created, altered, overwritten, emptied, renamed and dropped, as pipelines told it.",
        responses=LifeSerializer(many=True),
    )
    def get(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        rows = self.paginate_queryset(reading.life_changes(dataset)) or []
        return self.get_paginated_response(LifeSerializer(reading.told_life(principal, dataset, rows), many=True).data)


urlpatterns = [
    path("datasets/<int:dataset_id>/merges/", MergesView.as_view(), name="dataset-merges"),
    path("datasets/<int:dataset_id>/separation/", SeparationView.as_view(), name="dataset-separation"),
    path("datasets/<int:dataset_id>/life/", LifeView.as_view(), name="dataset-life"),
]
