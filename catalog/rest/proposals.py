"""REST of proposals: what pipelines say of governed datasets, and the decisions about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.rest import PrincipalSerializer
from catalog.actions import accept_proposal, decline_proposal
from catalog.models import Proposal
from catalog.queries.proposals import visible_proposal
from catalog.querysets import ProposalQuerySet
from common.described_query import IF_MATCH, DescribedQuery
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

_ID: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class ProposalSerializer(serializers.ModelSerializer[Proposal]):
    """Something that a pipeline says of a dataset. What `payload` holds depends on the kind:

    owner `{owner, as}`, description `{text}`, tag `{tag, field}`, gone `{written}`, same_as `{dataset}`,
    masking `{field, job, called}`.
    """

    told_by = PrincipalSerializer(read_only=True, allow_null=True)
    decided_by = PrincipalSerializer(read_only=True, allow_null=True)
    payload = serializers.SerializerMethodField()

    class Meta:
        model = Proposal
        fields = [
            "id", "dataset", "kind", "payload", "told_by", "at", "state", "decided_by", "decided_at", "reason",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.DictField())
    def get_payload(self, proposal: Proposal) -> dict[str, Any]:
        payload: dict[str, Any] = proposal.payload
        return payload


class DecisionSerializer(BodySerializer):
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


class ProposalFilter(filters.FilterSet):
    """`mine=true`: those that you may decide about."""

    dataset = filters.NumberFilter(**_ID)
    kind = filters.ChoiceFilter(choices=Proposal.Kind.choices)
    state = filters.ChoiceFilter(choices=Proposal.State.choices)
    mine = filters.BooleanFilter(method="by_decider")

    class Meta:
        model = Proposal
        fields: list[str] = []

    def by_decider(self, queryset: ProposalQuerySet, name: str, value: bool) -> ProposalQuerySet:
        return queryset.decidable_by(rest_principal(self.request)) if value else queryset


def etag_of_proposal(proposal: Proposal) -> str:
    return etag_of("proposal", proposal.pk, proposal.state, proposal.decided_at)


@extend_schema_view(list=extend_schema(summary="What pipelines propose for datasets that you read, newest first"))
class ProposalViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Proposal]):
    queryset = Proposal.objects.none()
    serializer_class = ProposalSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = ProposalFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Proposal]:
        rows = Proposal.objects.visible_to(rest_principal(self.request))
        return rows.select_related("told_by", "decided_by")

    @extend_schema(summary="A proposal, with its ETag")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(visible_proposal(rest_principal(request), int(pk)))

    @extend_schema(
        summary="Let it be as the pipeline says", request=DecisionSerializer, responses=ProposalSerializer,
        parameters=[IF_MATCH],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        return self._decide(request, pk, accept_proposal)

    @extend_schema(
        summary="Leave it as it is; it is not asked again", request=DecisionSerializer, responses=ProposalSerializer,
        parameters=[IF_MATCH],
    )  # fmt: skip
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        return self._decide(request, pk, decline_proposal)

    def _decide(self, request: Request, pk: str, decide: Callable[..., Proposal]) -> Response:
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        by = rest_principal(request)
        proposal = visible_proposal(by, int(pk))
        check_if_match(request._request, etag_of_proposal(proposal))
        decide(proposal=proposal, by=by, reason=given.validated_data["reason"])
        return _answer(visible_proposal(by, int(pk)))


def _answer(proposal: Proposal) -> Response:
    return Response(ProposalSerializer(proposal).data, headers={"ETag": etag_of_proposal(proposal)})
