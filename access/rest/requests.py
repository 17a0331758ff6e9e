"""REST of requests and grants; with shapes and look-ups that the rest of access shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions import approve_request, cancel_request, deny_request, request_access, revoke_grant
from access.models import AccessRequest, ApprovalStep, Grant, Purpose
from access.queries import visible_grants
from access.querysets import GrantQuerySet, RequestQuerySet
from access.states import GrantState, RequestState
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.recent import check_may_decide_now
from accounts.rest import PrincipalSerializer
from catalog.models import Dataset, Field
from classification.limits import LONGEST_GRANT_DAYS
from common.described_query import DescribedQuery
from common.errors import Invalid, NotFound
from common.filters import IdFilter
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The ETag that you read."
)
_ID: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}
ACCEPTS = serializers.ListField(
    child=serializers.IntegerField(**_ID),
    default=list,
    max_length=100,
    help_text="Ids of the versions of terms that you accept.",
)


class ApprovalStepSerializer(serializers.ModelSerializer[ApprovalStep]):
    """Whose approvals a request needs, and how many of them there are."""

    group = serializers.CharField(source="group.name", read_only=True, allow_null=True, default=None)
    given = serializers.SerializerMethodField(help_text="Approvals so far.")

    class Meta:
        model = ApprovalStep
        fields = ["position", "audience", "group", "needed", "given", "opened_at", "escalated_at", "passed_at"]
        read_only_fields = fields

    def get_given(self, step: ApprovalStep) -> int:
        return sum(vote.approves for vote in step.votes.all())


class RequestSerializer(serializers.ModelSerializer[AccessRequest]):
    """A request as it stands now."""

    requester = PrincipalSerializer(read_only=True)
    decided_by = PrincipalSerializer(read_only=True, allow_null=True)
    columns = serializers.ListField(
        child=serializers.IntegerField(), source="field_ids", read_only=True, help_text="Ids of fields; empty for all."
    )
    steps = ApprovalStepSerializer(many=True, read_only=True)
    purpose_kind = serializers.SlugRelatedField[Purpose](slug_field="slug", read_only=True, allow_null=True)
    accepted = serializers.SerializerMethodField(help_text="Ids of the versions of terms that the requester accepted.")

    class Meta:
        model = AccessRequest
        fields = [
            "id", "dataset", "columns", "requester", "purpose", "purpose_kind", "days", "renews", "is_emergency", "hours",
            "state", "created_at", "submitted_at", "decide_by", "decided_at", "decided_by", "decision_reason", "steps",
            "accepted",
        ]  # fmt: skip
        read_only_fields = fields

    def get_accepted(self, request: AccessRequest) -> list[int]:
        return [one.terms_id for one in request.acceptances.all()]


class NewRequestSerializer(BodySerializer):
    dataset = serializers.IntegerField(**_ID)
    columns = serializers.ListField(
        child=serializers.IntegerField(**_ID),
        default=list,
        max_length=10_000,
        help_text="Ids of fields; empty for all.",
    )
    purpose = serializers.CharField(max_length=2000)
    purpose_kind = serializers.SlugField(max_length=60, required=False, allow_null=True, default=None)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_GRANT_DAYS)
    accepts = ACCEPTS
    renews = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="The id of your grant that it replaces.", **_ID
    )


class ApprovalSerializer(BodySerializer):
    days = serializers.IntegerField(
        min_value=1, max_value=LONGEST_GRANT_DAYS, required=False, help_text="May shorten what was asked for."
    )
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ReasonSerializer(BodySerializer):
    reason = serializers.CharField(max_length=2000)


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """A grant and how it stands in its source: `recorded` is not applied there, `active` was read back.

    `problem` says what stands in the way there, and what to do.
    """

    principal = PrincipalSerializer(read_only=True)
    granted_by = PrincipalSerializer(read_only=True)
    ended_by = PrincipalSerializer(read_only=True, allow_null=True)
    columns = serializers.ListField(
        child=serializers.IntegerField(), source="field_ids", read_only=True, help_text="Ids of fields; empty for all."
    )
    masks = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="Id of a field → hash, partial, null or generalise."
    )

    class Meta:
        model = Grant
        fields = [
            "id", "dataset", "columns", "principal", "request", "state", "valid_from", "valid_to", "granted_by",
            "ended_by", "end_reason", "is_emergency", "masks", "applied_at", "verified_at", "removed_at", "problem",
        ]  # fmt: skip
        read_only_fields = fields


class RequestFilter(filters.FilterSet):
    """`role=requester`: what you asked for; `role=reviewer`: what you may decide."""

    dataset = IdFilter()
    state = filters.ChoiceFilter(choices=[(state.value, state.value) for state in RequestState])
    role = filters.ChoiceFilter(
        method="by_role", choices=[("requester", "Yours"), ("reviewer", "Those you may decide")]
    )

    class Meta:
        model = AccessRequest
        fields: Sequence[str] = ()

    def by_role(self, queryset: RequestQuerySet, name: str, value: str) -> RequestQuerySet:
        principal = rest_principal(self.request)
        if value == "requester":
            return queryset.filter(requester=principal)
        return queryset.reviewable_by(principal)


class GrantFilter(filters.FilterSet):
    dataset = IdFilter()
    principal = IdFilter()
    state = filters.ChoiceFilter(choices=[(state.value, state.value) for state in GrantState])

    class Meta:
        model = Grant
        fields: Sequence[str] = ()


def etag_of_request(request: AccessRequest) -> str:
    votes = sorted(vote.pk for step in request.steps.all() for vote in step.votes.all())
    return etag_of("access-request", request.pk, request.state, request.decided_at, request.step_id, *votes)


def etag_of_grant(grant: Grant) -> str:
    return etag_of("grant", grant.pk, grant.state, grant.valid_to)


@extend_schema_view(list=extend_schema(summary="Requests that you may see, newest first"))
class AccessRequestViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[AccessRequest]):
    queryset = AccessRequest.objects.none()
    serializer_class = RequestSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = RequestFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> RequestQuerySet:
        # No more than is told: with eight tables joined or less, PostgreSQL looks first which rows the page has.
        told = AccessRequest.objects.select_related("requester__user", "decided_by__user", "purpose_kind")
        return told.visible_to(rest_principal(self.request)).prefetch_related(
            "steps__votes", "steps__group", "acceptances"
        )

    @extend_schema(summary="A request")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer_request(self.get_object())

    @extend_schema(summary="Ask for access", request=NewRequestSerializer, responses={201: RequestSerializer})
    def create(self, request: Request) -> Response:
        values = checked(NewRequestSerializer, request)
        by = rest_principal(request)
        dataset = visible_dataset(by, values["dataset"])
        made = request_access(
            dataset=dataset,
            fields=fields_of(dataset, values["columns"]),
            purpose=values["purpose"],
            purpose_kind=_purpose_kind(values["purpose_kind"]),
            days=values["days"],
            accepts=values["accepts"],
            renews=_own_grant(by, values["renews"]),
            by=by,
        )
        return _answer_request(made, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Approve a request",
        description="Answers with the grant, or with 202 and the request while it needs more approvals.",
        request=ApprovalSerializer,
        responses={200: GrantSerializer, 202: RequestSerializer},
        parameters=[IF_MATCH],
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        values = checked(ApprovalSerializer, request)
        grant = approve_request(request=self._matched(), by=rest_principal(request), **values)
        return _answer_grant(grant) if grant else _answer_request(self.get_object(), status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Refuse a request", request=ReasonSerializer, responses=RequestSerializer, parameters=[IF_MATCH]
    )
    @action(detail=True, methods=["post"])
    def deny(self, request: Request, pk: str) -> Response:
        reason = checked(ReasonSerializer, request)["reason"]
        return _answer_request(deny_request(request=self._matched(), reason=reason, by=rest_principal(request)))

    @extend_schema(
        summary="Withdraw one's own request", request=None, responses=RequestSerializer, parameters=[IF_MATCH]
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        return _answer_request(cancel_request(request=self._matched(), by=rest_principal(request)))

    def _matched(self) -> AccessRequest:
        found: AccessRequest = self.get_object()
        check_if_match(self.request._request, etag_of_request(found))
        return found


@extend_schema_view(list=extend_schema(summary="Grants that you may see, newest first"))
class GrantViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Grant]):
    queryset = Grant.objects.none()
    serializer_class = GrantSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = GrantFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> GrantQuerySet:
        return visible_grants(rest_principal(self.request))

    @extend_schema(summary="A grant")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer_grant(self.get_object())

    @extend_schema(summary="End a grant", request=ReasonSerializer, responses=GrantSerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        reason = checked(ReasonSerializer, request)["reason"]
        grant = self.get_object()
        check_if_match(request._request, etag_of_grant(grant))
        return _answer_grant(revoke_grant(grant=grant, reason=reason, by=rest_principal(request)))


def visible_dataset(by: Principal, dataset_id: int) -> Dataset:
    found: Dataset | None = Dataset.objects.visible_to(by).filter(pk=dataset_id).first()
    if found is None:
        raise NotFound("There is no such dataset, or you may not see it.")
    return found


def fields_of(dataset: Dataset, ids: Sequence[int]) -> list[Field]:
    """The dataset's fields with these ids. Raises `NotFound` where one is missing."""
    fields = list(Field.objects.filter(dataset=dataset, pk__in=ids))
    if len(fields) < len(set(ids)):
        raise NotFound("One of these columns does not exist in the dataset, or you may not see it.")
    return fields


def _purpose_kind(slug: str | None) -> Purpose | None:
    if slug is None:
        return None
    found = Purpose.objects.filter(slug=slug, enabled=True).first()
    if found is None:
        raise Invalid("There is no such kind of purpose.", {"purpose_kind": ["Choose one that requests may name."]})
    return found


def _own_grant(by: Principal, grant_id: int | None) -> Grant | None:
    if grant_id is None:
        return None
    found: Grant | None = Grant.objects.filter(pk=grant_id, principal=by).first()
    if found is None:
        raise Invalid("There is no such grant of yours.", {"renews": ["Choose one of your own grants."]})
    return found


def checked(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def _answer_request(request: AccessRequest, code: int = status.HTTP_200_OK) -> Response:
    return Response(RequestSerializer(request).data, status=code, headers={"ETag": etag_of_request(request)})


def _answer_grant(grant: Grant) -> Response:
    return Response(GrantSerializer(grant).data, headers={"ETag": etag_of_grant(grant)})
