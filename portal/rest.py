"""REST of what composes several rooms: the impact of a change."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

from accounts.authentication import rest_principal
from accounts.tokens import Scope
from catalog.models import Tier
from catalog.queries.datasets import visible_dataset
from common.described_query import DescribedQuery
from lineage.impact import MAX_REACHED, Change, Effect
from portal.impact import ImpactReport, ImpactRow, impact_report
from portal.views.impact import planned

_EFFECTS = [effect.value for effect in Effect]


class ReachedColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    distance = serializers.IntegerField()
    effect = serializers.ChoiceField(choices=_EFFECTS)
    masked = serializers.BooleanField(help_text="Every way to it masks the values.")


class ReachedDatasetSerializer(serializers.Serializer[Any]):
    """A dataset downstream; `dataset` is null, and names are empty, where you may not know of it."""

    dataset = serializers.IntegerField(allow_null=True)
    namespace = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    level = serializers.CharField(allow_null=True)
    owners = serializers.ListField(child=serializers.CharField())
    distance = serializers.IntegerField()
    effect = serializers.ChoiceField(choices=_EFFECTS)
    uncharted = serializers.BooleanField(help_text="Reached through a job of which nobody told how it fills columns.")
    columns = ReachedColumnSerializer(many=True)
    jobs = serializers.ListField(child=serializers.IntegerField())
    open_grants = serializers.IntegerField(help_text="Those that you may know of.")


class ImpactJobSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    namespace = serializers.CharField()
    name = serializers.CharField()


class ImpactCountsSerializer(serializers.Serializer[Any]):
    """Of everything that is reached, shown here or not."""

    datasets = serializers.IntegerField()
    hidden = serializers.IntegerField()
    breaking = serializers.IntegerField()
    broken_columns = serializers.IntegerField()
    changed_columns = serializers.IntegerField()
    jobs = serializers.IntegerField()
    open_grants = serializers.IntegerField()


class ImpactSerializer(serializers.Serializer[Any]):
    verdict = serializers.CharField()
    counts = ImpactCountsSerializer()
    complete = serializers.BooleanField(help_text=f"False where more than {MAX_REACHED:,} would be reached.")
    datasets = ReachedDatasetSerializer(many=True)
    jobs = ImpactJobSerializer(many=True)
    more = serializers.IntegerField(help_text="Datasets that the limit left out.")


class ImpactView(DescribedQuery, APIView):
    scope_read = Scope.LINEAGE_READ

    @extend_schema(
        operation_id="impact_datasets_retrieve",
        summary="What a change of a dataset or column reaches",
        description="Without a planned change, what depends on it. The nearest datasets come first.",
        parameters=[
            OpenApiParameter(
                "column", {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[^\\u0000]*$"},
                description="Its path, with dots; the whole dataset where none is given.",
            ),
            OpenApiParameter("change", OpenApiTypes.STR, enum=[change.value for change in Change]),
            OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_REACHED, "default": 500}),
        ],
        responses=ImpactSerializer,
    )  # fmt: skip
    def get(self, request: Request, dataset_id: int) -> HttpResponse:
        principal, asked = rest_principal(request), request._request.GET
        dataset = visible_dataset(principal, dataset_id, tier=Tier.METADATA)
        report = impact_report(principal, dataset, **planned(asked))
        body = _told(report, int(asked.get("limit", 500)))
        return HttpResponse(msgspec.json.encode(body), content_type="application/json")


def _told(report: ImpactReport, limit: int) -> dict[str, Any]:
    found, shown = report.impact, report.rows[:limit]
    used = {job.id: job for row in shown for job in row.jobs}
    return {
        "verdict": found.verdict,
        "counts": {
            "datasets": len(found.datasets),
            "hidden": found.hidden,
            "breaking": len(found.having(Effect.BREAKS)),
            "broken_columns": found.broken_columns,
            "changed_columns": found.changed_columns,
            "jobs": len(found.jobs),
            "open_grants": report.grants,
        },
        "complete": found.complete,
        "datasets": [_row(row) for row in shown],
        "jobs": [{"id": job.id, "namespace": job.namespace, "name": job.name} for job in used.values()],
        "more": len(report.rows) - len(shown),
    }


def _row(row: ImpactRow) -> dict[str, Any]:
    reached = row.reached
    return {
        "dataset": reached.dataset_id,
        "namespace": reached.namespace,
        "name": reached.name,
        "kind": reached.kind,
        "level": row.level.name if row.level else None,
        "owners": reached.owners,
        "distance": reached.distance,
        "effect": reached.effect,
        "uncharted": reached.uncharted,
        "columns": reached.columns,
        "jobs": reached.jobs,
        "open_grants": row.grants,
    }


def register(router: DefaultRouter) -> None:
    """Nothing here is a list of things of its own."""


urlpatterns = [path("impact/datasets/<int:dataset_id>/", ImpactView.as_view(), name="dataset-impact")]
