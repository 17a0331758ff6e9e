"""REST of what the explorer shows of one dataset's neighbours, and of what is behind a connection."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import rest_principal
from accounts.tokens import Scope
from catalog.models import Tier
from catalog.queries.datasets import visible_dataset
from common.described_query import DescribedQuery
from common.errors import NotFound
from lineage.exploring.connection import ColumnStep, Connection, Maker, connection_between
from lineage.exploring.neighbourhood import Known
from lineage.exploring.neighbours import NeighboursPage, neighbours_page
from lineage.graph_rest import INFLUENCES
from lineage.models import EdgeOrigin, RunState

_MAX_PAGE = 100_000


class NeighbourSerializer(serializers.Serializer[Known]):
    """A dataset; one that you may not know of has neither id nor name."""

    id = serializers.IntegerField(allow_null=True)
    namespace = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    kind = serializers.CharField(allow_null=True)
    level = serializers.IntegerField(allow_null=True)
    gone = serializers.BooleanField()
    criticality = serializers.IntegerField(allow_null=True, help_text="How much depends on it.")

    def to_representation(self, instance: Known) -> dict[str, Any]:
        known = instance.tier >= Tier.DISCOVER
        return {
            "id": instance.id if known else None,
            "namespace": instance.namespace if known else None,
            "name": instance.qualified_name if known else None,
            "kind": instance.kind if known else None,
            "level": instance.level if known else None,
            "gone": instance.is_gone,
            "criticality": instance.criticality if instance.tier >= Tier.METADATA else None,
        }


class NeighboursSerializer(serializers.Serializer[NeighboursPage]):
    neighbours = NeighbourSerializer(many=True)
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    total = serializers.IntegerField()


class NeighboursView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_neighbours_retrieve",
        summary="The datasets beside a dataset, ten at a time",
        description="Those on which most depends come first, those that you may not know of last.",
        parameters=[
            OpenApiParameter("direction", OpenApiTypes.STR, enum=["up", "down"], default="down"),
            OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": _MAX_PAGE, "default": 1}),
            OpenApiParameter("as_of", OpenApiTypes.DATETIME, description="What was current at that time."),
        ],
        responses=NeighboursSerializer,
    )
    def get(self, request: Request, dataset_id: int) -> Response:
        principal, asked = rest_principal(request), request._request.GET
        dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        as_of = dt.datetime.fromisoformat(asked["as_of"]) if "as_of" in asked else None
        way: Any = asked.get("direction", "down")
        found = neighbours_page(principal, dataset, way, page=int(asked.get("page", 1)), as_of=as_of)
        return Response(NeighboursSerializer(found).data)


class ColumnStepSerializer(serializers.Serializer[ColumnStep]):
    """Null stands for the whole dataset, an empty name for a column that you may not know of."""

    upstream = serializers.CharField(allow_null=True, source="source")
    downstream = serializers.CharField(allow_null=True, source="target")
    type = serializers.ChoiceField(choices=INFLUENCES)
    subtype = serializers.CharField()
    masking = serializers.BooleanField(source="is_masking")
    description = serializers.CharField(help_text="Empty unless you may read the code on both ends.")


class MakerSerializer(serializers.Serializer[Maker]):
    """A job that makes the connection, and its latest run that did."""

    job = serializers.IntegerField(source="job.pk")
    namespace = serializers.CharField(source="job.namespace")
    name = serializers.CharField(source="job.name")
    origin = serializers.ChoiceField(choices=EdgeOrigin.choices)
    current = serializers.BooleanField(source="is_current")
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    run = serializers.UUIDField(source="run.pk", allow_null=True, default=None)
    run_state = serializers.ChoiceField(choices=RunState.choices, source="run.state", allow_null=True, default=None)
    sql = serializers.CharField(help_text="Empty where there is none, or where you may not read it.")
    columns = ColumnStepSerializer(many=True)


class ConnectionSerializer(serializers.Serializer[Connection]):
    masking = serializers.BooleanField(source="is_masking", help_text="Whether a job masks values on the way.")
    jobs = MakerSerializer(many=True, source="makers")


class ConnectionView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_connections_retrieve",
        summary="What is behind the connection of two datasets",
        description="The jobs through which rows flow from the first to the second, now or once, and how columns make columns. "
        "You must be able to read the metadata of one of them, and know of the other.",
        responses=ConnectionSerializer,
    )
    def get(self, request: Request, dataset_id: int, target_id: int) -> Response:
        principal = rest_principal(request)
        source, target = visible_dataset(principal, dataset_id), visible_dataset(principal, target_id)
        focus = source if source.tier >= Tier.METADATA else target
        if focus.tier < Tier.METADATA:
            raise NotFound("There is no such connection, or you may not see it.")
        found = connection_between(principal, focus, str(source.pk), str(target.pk))
        return Response(ConnectionSerializer(found).data)


urlpatterns = [
    path("datasets/<int:dataset_id>/neighbours/", NeighboursView.as_view(), name="dataset-neighbours"),
    path("datasets/<int:dataset_id>/connections/<int:target_id>/", ConnectionView.as_view(), name="dataset-connection"),
]
