"""REST of how a label came to a field."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import rest_principal
from catalog.models import Field, Tier
from catalog.queries.datasets import visible_dataset
from classification.propagation.paths import inherited_path
from common.described_query import DescribedQuery
from common.errors import NotFound
from lineage.models import EdgeOrigin, RunState

_KINDS = ("identity", "transformation", "aggregation", "masking", "indirect")


class PlaceSerializer(serializers.Serializer[Any]):
    """A column. Empty of what you may not know: the column, or its dataset as well."""

    dataset = serializers.IntegerField(source="dataset_id", allow_null=True)
    dataset_name = serializers.CharField(source="dataset")
    column = serializers.CharField(help_text="Its path, with dots.")
    field = serializers.IntegerField(
        source="field_id", allow_null=True, help_text="Null also for a column that only lineage knows."
    )


class StepSerializer(serializers.Serializer[Any]):
    """What a job does with a column. The job is null where you may read neither end; the run also where there is none."""

    kind = serializers.ChoiceField(choices=[(kind, kind) for kind in _KINDS])
    subtype = serializers.CharField(help_text="As the producer says.")
    origin = serializers.ChoiceField(choices=[("", ""), *EdgeOrigin.choices])
    job = serializers.IntegerField(source="job_id", allow_null=True)
    job_name = serializers.CharField(source="job")
    run = serializers.UUIDField(source="run_id", allow_null=True, help_text="The latest that did so.")
    run_state = serializers.ChoiceField(choices=[("", ""), *RunState.choices])
    run_at = serializers.DateTimeField(allow_null=True)


class HopSerializer(serializers.Serializer[Any]):
    upstream = PlaceSerializer()
    downstream = PlaceSerializer()
    step = StepSerializer()


class LabelInfluenceSerializer(serializers.Serializer[Any]):
    """A labelled column that raises nothing here: it decides about rows or values (`indirect`), or a job masks it.

    `whole`: it influences all rows of the dataset.
    """

    upstream = PlaceSerializer()
    level = serializers.CharField(source="level.slug", read_only=True, allow_null=True, default=None)
    whole = serializers.BooleanField()
    step = StepSerializer()


class InheritedPathSerializer(serializers.Serializer[Any]):
    """How the label that a field inherits came to it, from its source on. Without hops nothing is inherited.

    `aggregated`: to be reviewed. `held`: masking on the way waits for a steward's decision.
    """

    level = serializers.CharField(source="level.slug", read_only=True, allow_null=True, default=None)
    aggregated = serializers.BooleanField()
    held = serializers.BooleanField()
    hops = HopSerializer(many=True)
    influences = LabelInfluenceSerializer(many=True)


class InheritedPathView(DescribedQuery, APIView):
    @extend_schema(
        operation_id="datasets_fields_inherited_retrieve",
        summary="How a label came to a field, hop by hop",
        responses=InheritedPathSerializer,
    )
    def get(self, request: Request, dataset_id: int, field_id: int) -> Response:
        principal = rest_principal(request)
        dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        field = Field.objects.filter(pk=field_id, dataset=dataset).first()
        if field is None:
            raise NotFound("This dataset has no such field.")
        return Response(InheritedPathSerializer(inherited_path(principal, field)).data)


urlpatterns = [
    path(
        "datasets/<int:dataset_id>/fields/<int:field_id>/inherited/",
        InheritedPathView.as_view(),
        name="field-inherited",
    ),
]
