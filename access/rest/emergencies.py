"""REST of what is opened in an emergency, and of its reviews."""

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

from access.actions import close_emergency_review, open_in_emergency
from access.models import AccessRequest, EmergencyReview
from access.models.requests import MOST_EMERGENCY_HOURS
from access.querysets import EmergencyReviewQuerySet
from access.rest.requests import ACCEPTS, IF_MATCH, GrantSerializer, checked, fields_of, visible_dataset
from accounts.authentication import rest_principal
from accounts.recent import check_may_decide_now
from accounts.rest import PrincipalSerializer
from common.described_query import DescribedQuery
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

_ID: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class EmergencyReviewSerializer(serializers.ModelSerializer[EmergencyReview]):
    """A look at what somebody opened in an emergency."""

    requester = PrincipalSerializer(read_only=True)
    closed_by = PrincipalSerializer(read_only=True, allow_null=True)
    verdict = serializers.ChoiceField(
        choices=EmergencyReview.Verdict.choices, read_only=True, allow_blank=True, help_text="Empty while it is open."
    )

    class Meta:
        model = EmergencyReview
        fields = [
            "id", "request", "requester", "opened_at", "due_at", "escalated_at", "verdict", "reason", "closed_at",
            "closed_by",
        ]  # fmt: skip
        read_only_fields = fields


class EmergencySerializer(BodySerializer):
    dataset = serializers.IntegerField(**_ID)
    columns = serializers.ListField(
        child=serializers.IntegerField(**_ID),
        default=list,
        max_length=10_000,
        help_text="Ids of fields; empty for all.",
    )
    reason = serializers.CharField(max_length=2000)
    hours = serializers.IntegerField(min_value=1, max_value=MOST_EMERGENCY_HOURS)
    accepts = ACCEPTS


class VerdictSerializer(BodySerializer):
    verdict = serializers.ChoiceField(choices=EmergencyReview.Verdict.choices)
    reason = serializers.CharField(max_length=2000)


class EmergencyReviewFilter(filters.FilterSet):
    """`open=true`: those that nobody has closed; `role=reviewer`: those that you may close."""

    open = filters.BooleanFilter(field_name="closed_at", lookup_expr="isnull")
    role = filters.ChoiceFilter(method="by_role", choices=[("reviewer", "Those you may close")])

    class Meta:
        model = EmergencyReview
        fields: Sequence[str] = ()

    def by_role(self, queryset: EmergencyReviewQuerySet, name: str, value: str) -> EmergencyReviewQuerySet:
        return queryset.closable_by(rest_principal(self.request))


def etag_of_review(review: EmergencyReview) -> str:
    return etag_of("emergency-review", review.pk, review.closed_at)


@extend_schema_view(list=extend_schema(summary="Reviews of emergencies that you may see, newest first"))
class EmergencyReviewViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[EmergencyReview]):
    queryset = EmergencyReview.objects.none()
    serializer_class = EmergencyReviewSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = EmergencyReviewFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[EmergencyReview]:
        seen = AccessRequest.objects.filter(is_emergency=True).visible_to(rest_principal(self.request))
        rows = EmergencyReview.objects.filter(request__in=seen.values("pk"))
        return rows.select_related("requester__user", "closed_by__user")

    @extend_schema(summary="A review of an emergency")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(self.get_object())

    @extend_schema(
        summary="Open data in an emergency",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=EmergencySerializer,
        responses={201: GrantSerializer},
    )
    def create(self, request: Request) -> Response:
        check_may_decide_now(request)
        values = checked(EmergencySerializer, request)
        by = rest_principal(request)
        dataset = visible_dataset(by, values["dataset"])
        grant = open_in_emergency(
            dataset=dataset,
            fields=fields_of(dataset, values["columns"]),
            reason=values["reason"],
            hours=values["hours"],
            accepts=values["accepts"],
            by=by,
        )
        return Response(GrantSerializer(grant).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Close a review",
        request=VerdictSerializer,
        responses=EmergencyReviewSerializer,
        parameters=[IF_MATCH],
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        values = checked(VerdictSerializer, request)
        found: EmergencyReview = self.get_object()
        check_if_match(request._request, etag_of_review(found))
        justified = values["verdict"] == EmergencyReview.Verdict.JUSTIFIED
        by = rest_principal(request)
        return _answer(close_emergency_review(review=found, justified=justified, reason=values["reason"], by=by))


def _answer(review: EmergencyReview) -> Response:
    return Response(EmergencyReviewSerializer(review).data, headers={"ETag": etag_of_review(review)})
