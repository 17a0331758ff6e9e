"""REST of the graphs: datasets, columns, and paths. Answers are encoded as they are: thousands of nodes pass no serializer."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import rest_principal
from accounts.tokens import Scope
from catalog.models import Tier
from catalog.queries.datasets import visible_dataset
from common.described_query import DescribedQuery
from lineage.filters import COLUMN_LIMIT, DEPTH, GRAPH_LIMIT, column_query, graph_query
from lineage.models import EdgeOrigin, Influence, JobOrigin, RunState
from lineage.queries import (
    DIRECTIONS,
    MAX_DEPTH,
    MAX_NODES,
    MAX_PATHS,
    column_lineage,
    dataset_distances,
    dataset_lineage,
    paths_between,
)

_TEXT = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[^\\u0000]*$"}
_HIDDEN = "Negative, and of this answer only, for one that you may not know of; it has no name then."


def _range(limit: int) -> list[OpenApiParameter]:
    return [
        OpenApiParameter("direction", OpenApiTypes.STR, enum=list(DIRECTIONS), default="both"),
        OpenApiParameter("depth", {"type": "integer", "minimum": 1, "maximum": MAX_DEPTH, "default": DEPTH}),
        OpenApiParameter(
            "limit", {"type": "integer", "minimum": 1, "maximum": MAX_NODES, "default": limit},
            description="How many are shown beside the one in the middle; the nearest come first.",
        ),
        OpenApiParameter("as_of", OpenApiTypes.DATETIME, description="What was current at that time."),
    ]  # fmt: skip


INFLUENCES = [(label, label) for label in Influence.labels]


class DatasetNodeSerializer(serializers.Serializer[Any]):
    """A dataset. `up` and `down` are its distances; `upstream` and `downstream` count all its direct neighbours."""

    id = serializers.IntegerField(help_text=_HIDDEN)
    namespace = serializers.CharField()
    name = serializers.CharField()
    title = serializers.CharField(help_text="The last part of its path.")
    place = serializers.CharField(help_text="The other parts.")
    kind = serializers.CharField()
    level = serializers.IntegerField(allow_null=True)
    gone = serializers.BooleanField()
    criticality = serializers.IntegerField(allow_null=True)
    up = serializers.IntegerField(allow_null=True)
    down = serializers.IntegerField(allow_null=True)
    upstream = serializers.IntegerField(allow_null=True)
    downstream = serializers.IntegerField(allow_null=True)


class JobNodeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    origin = serializers.ChoiceField(choices=JobOrigin.choices)
    state = serializers.ChoiceField(choices=[("", ""), *RunState.choices])


class LineageEdgeSerializer(serializers.Serializer[Any]):
    upstream = serializers.IntegerField()
    downstream = serializers.IntegerField()
    job = serializers.IntegerField()


class GraphSerializer(serializers.Serializer[Any]):
    """Edges point the way rows flow. `more` counts what the limit left out, as far as it was counted."""

    nodes = DatasetNodeSerializer(many=True)
    jobs = JobNodeSerializer(many=True)
    edges = LineageEdgeSerializer(many=True)
    more = serializers.IntegerField()


class DistancesSerializer(serializers.Serializer[Any]):
    """Ids by distance: the first list of `up` holds the direct upstream."""

    up = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    down = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    hidden = serializers.IntegerField()
    more = serializers.IntegerField()


class ColumnDatasetSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text=_HIDDEN)
    namespace = serializers.CharField()
    name = serializers.CharField()
    title = serializers.CharField()
    level = serializers.IntegerField(allow_null=True)


class ColumnNodeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Negative for a column that you may not know of.")
    dataset = serializers.IntegerField()
    name = serializers.CharField()
    whole = serializers.BooleanField(help_text="Stands for the whole dataset.")
    up = serializers.IntegerField(allow_null=True)
    down = serializers.IntegerField(allow_null=True)


class FlowSerializer(serializers.Serializer[Any]):
    upstream = serializers.IntegerField()
    downstream = serializers.IntegerField()
    job = serializers.IntegerField(allow_null=True)
    origin = serializers.ChoiceField(choices=[("", ""), *EdgeOrigin.choices])
    type = serializers.ChoiceField(choices=INFLUENCES)
    subtype = serializers.CharField()
    masking = serializers.BooleanField()
    description = serializers.CharField()


class WholeInfluenceSerializer(FlowSerializer):
    """What filters, joins or sorts a whole dataset: `upstream` and `downstream` are datasets."""

    upstream_column = serializers.CharField()
    downstream_column = serializers.CharField()


class ColumnLineageSerializer(serializers.Serializer[Any]):
    datasets = ColumnDatasetSerializer(many=True)
    nodes = ColumnNodeSerializer(many=True)
    flows = FlowSerializer(many=True)
    influences = WholeInfluenceSerializer(many=True)
    jobs = JobNodeSerializer(many=True)
    more = serializers.IntegerField()


class PathsSerializer(serializers.Serializer[Any]):
    """Each path holds the ids of datasets from the source to the target; the shortest is first."""

    paths = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    nodes = DatasetNodeSerializer(many=True)
    jobs = JobNodeSerializer(many=True)
    edges = LineageEdgeSerializer(many=True)


def _edges(edges: Any) -> list[dict[str, int]]:
    return [{"upstream": up, "downstream": down, "job": job} for up, down, job in edges]


def _answer(body: Any) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


class DatasetLineageView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_lineage_retrieve",
        summary="The graph around a dataset",
        description="Of what is current, unless one of `as_of`, `run`, `version` and `job_version` is given.",
        parameters=[
            *_range(GRAPH_LIMIT),
            OpenApiParameter("run", OpenApiTypes.UUID, description="Only what this run did."),
            OpenApiParameter("version", _TEXT, description="Only what runs did that wrote or read this version."),
            OpenApiParameter("job_version", OpenApiTypes.UUID, description="Only what this version of a job did."),
            OpenApiParameter(
                "only",
                OpenApiTypes.STR,
                enum=["ids"],
                description="Ids by distance, without a limit unless you give one.",
            ),
        ],
        responses=PolymorphicProxySerializer("GraphOrDistances", [GraphSerializer, DistancesSerializer], None),
    )
    def get(self, request: Request, dataset_id: int) -> HttpResponse:
        principal, asked = rest_principal(request), request._request.GET
        dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        query = graph_query(asked)
        if "only" in asked:
            distances = dataset_distances(
                principal, dataset, direction=query["direction"], slice_=query["slice_"],
                depth=query["depth"] if "depth" in asked else MAX_DEPTH,
                limit=query["limit"] if "limit" in asked else None,
            )  # fmt: skip
            return _answer(dataclasses.asdict(distances))
        found = dataset_lineage(principal, dataset, **query)
        return _answer({"nodes": found.nodes, "jobs": found.jobs, "edges": _edges(found.edges), "more": found.more})


class ColumnLineageView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_column_lineage_retrieve",
        summary="The columns around one column of a dataset, or all of them",
        parameters=[
            OpenApiParameter("column", _TEXT, description="Its path, with dots. All columns where none is given."),
            *_range(COLUMN_LIMIT),
            OpenApiParameter(
                "influences", OpenApiTypes.STR, enum=["apart", "through"], default="apart",
                description="Whether the walk goes on through what influences whole datasets.",
            ),
        ],
        responses=ColumnLineageSerializer,
    )  # fmt: skip
    def get(self, request: Request, dataset_id: int) -> HttpResponse:
        principal = rest_principal(request)
        dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        found = column_lineage(principal, dataset, **column_query(request._request.GET))
        names = ("datasets", "nodes", "flows", "influences", "jobs", "more")
        return _answer({name: getattr(found, name) for name in names})


class PathsView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="datasets_paths_retrieve",
        summary="The shortest ways from one dataset to another",
        parameters=[
            OpenApiParameter("most", {"type": "integer", "minimum": 1, "maximum": MAX_PATHS, "default": 3}),
        ],
        responses=PathsSerializer,
    )
    def get(self, request: Request, dataset_id: int, target_id: int) -> HttpResponse:
        principal = rest_principal(request)
        source = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        target = visible_dataset(principal, target_id, tier=Tier.METADATA)
        found = paths_between(principal, source, target, most=int(request._request.GET.get("most", 3)))
        return _answer({"paths": found.paths, "nodes": found.nodes, "jobs": found.jobs, "edges": _edges(found.edges)})


urlpatterns = [
    path("datasets/<int:dataset_id>/lineage/", DatasetLineageView.as_view(), name="dataset-lineage"),
    path("datasets/<int:dataset_id>/column-lineage/", ColumnLineageView.as_view(), name="dataset-column-lineage"),
    path("datasets/<int:dataset_id>/paths/<int:target_id>/", PathsView.as_view(), name="dataset-paths"),
]
