"""REST of policies: what they say, drafts, publishing, and what a draft would change."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions.policies import (
    discard_draft,
    draft_policy,
    edit_policy,
    end_policy,
    publish_policy,
    rule_from,
)
from access.models import Policy, PolicyVersion
from access.permissions import check_can_edit_policy, check_can_see_policies
from access.policy_queries import draft_of, etag_of_policy, visible_policies
from access.previewing import Preview, Side, preview_of
from access.standing import StandingPreview
from accounts.authentication import rest_principal
from accounts.recent import check_may_decide_now
from accounts.rest import PrincipalSerializer
from catalog.models import Domain
from common.described_query import DescribedQuery
from common.errors import Conflict, NotFound
from common.http import check_if_match
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

_NO_DRAFT = "This policy has no draft. PATCH it to make one."
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The ETag that you read."
)


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyVersion]):
    """What a policy says from a time to a time; docs/policies.md describes the rule."""

    made_by = PrincipalSerializer(read_only=True, allow_null=True)
    published_by = PrincipalSerializer(read_only=True, allow_null=True)
    rule = serializers.SerializerMethodField()

    class Meta:
        model = PolicyVersion
        fields = [
            "id", "number", "state", "name", "rule", "reason", "made_at", "made_by", "published_at", "published_by",
            "valid_from", "valid_to", "ends_refused",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_rule(self, version: PolicyVersion) -> Any:
        return version.rule


class PolicySerializer(serializers.ModelSerializer[Policy]):
    """A policy with all its versions, the newest first."""

    domain = serializers.SlugRelatedField[Domain](slug_field="slug", read_only=True, allow_null=True)
    versions = PolicyVersionSerializer(many=True, read_only=True)

    class Meta:
        model = Policy
        fields = ["id", "slug", "name", "description", "domain", "shipped", "created_at", "versions"]
        read_only_fields = fields


class NewPolicySerializer(BodySerializer):
    name = serializers.CharField(max_length=150)
    rule = serializers.DictField(help_text="See docs/policies.md.")
    description = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")
    domain = serializers.SlugField(
        max_length=60, required=False, help_text="Of a domain's own policy: the domain's slug."
    )


class DraftSerializer(BodySerializer):
    """What is left out stays as it is."""

    name = serializers.CharField(max_length=150, required=False)
    rule = serializers.DictField(required=False, help_text="See docs/policies.md.")
    description = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    reason = serializers.CharField(max_length=2000, allow_blank=True, required=False)


class PublishSerializer(BodySerializer):
    valid_from = serializers.DateTimeField(required=False, help_text="From now on, unless told.")
    ends_refused = serializers.BooleanField(
        default=True,
        help_text="Grants that it refuses end as it comes into force. False: whoever answers for the data is asked first.",
    )


class EndSerializer(BodySerializer):
    reason = serializers.CharField(max_length=2000)


class SampleSerializer(serializers.Serializer[Any]):
    who = serializers.CharField()
    dataset = serializers.IntegerField(source="dataset.pk")


class PreviewSideSerializer(serializers.Serializer[Side]):
    """Pairs of somebody and a dataset of which they may read a column that they could not otherwise."""

    pairs = serializers.IntegerField()
    samples = SampleSerializer(many=True)


class StandingSerializer(serializers.Serializer[StandingPreview]):
    """Grants that would be decided otherwise when it is in force: those that it refuses end, or are asked about as those
    are that it would mask.
    """

    refused = serializers.IntegerField(help_text="Would not be granted any more.")
    masked = serializers.IntegerField(help_text="Would be masked, or more than they are.")
    allowed = serializers.IntegerField(help_text="Would not be granted now and would then.")
    looser = serializers.IntegerField(help_text="Would be masked less.")
    is_capped = serializers.BooleanField(help_text="There are more grants than were looked at.")


class PolicyPreviewSerializer(serializers.Serializer[Preview]):
    """What the draft would change for reading if it were published now."""

    gains = PreviewSideSerializer()
    losses = PreviewSideSerializer()
    concerned = serializers.IntegerField(help_text="People, services and pipelines that it is about.")
    datasets = serializers.IntegerField(
        help_text="Datasets of which it is about some column, levels and categories counted."
    )
    is_capped = serializers.BooleanField(help_text="There are more kinds of people than were counted.")
    standing = StandingSerializer()


@extend_schema_view(list=extend_schema(summary="Policies that you may see, newest first"))
class PolicyViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Policy]):
    queryset = Policy.objects.none()
    serializer_class = PolicySerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> Any:
        principal = rest_principal(self.request)
        if self.action == "list":
            check_can_see_policies(principal)
        return visible_policies(principal)

    @extend_schema(summary="A policy with its versions")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(self.get_object())

    @extend_schema(summary="Draft a new policy", request=NewPolicySerializer, responses={201: PolicySerializer})
    def create(self, request: Request) -> Response:
        values = _checked(NewPolicySerializer, request)
        by = rest_principal(request)
        check_can_see_policies(by)
        slug = values.get("domain")
        domain = Domain.objects.filter(slug=slug).first() if slug else None
        if slug and domain is None:
            raise NotFound("There is no such domain.")
        made = draft_policy(
            name=values["name"],
            rule=rule_from(values["rule"]),
            description=values["description"],
            reason=values["reason"],
            domain=domain,
            by=by,
        )
        return _answer(visible_policies(by).get(pk=made.policy_id), status.HTTP_201_CREATED)

    @extend_schema(
        summary="Edit the draft, or make one from what the policy says",
        request=DraftSerializer,
        responses=PolicySerializer,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        values = _checked(DraftSerializer, request)
        by, policy = rest_principal(request), self._matched()
        rule = rule_from(values.pop("rule")) if "rule" in values else None
        edit_policy(policy=policy, seen=etag_of_policy(policy), rule=rule, by=by, **values)
        return self._anew(policy)

    @extend_schema(
        summary="Put the draft into force",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=PublishSerializer,
        responses=PolicySerializer,
        parameters=[IF_MATCH],
    )
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        values = _checked(PublishSerializer, request)
        policy = self._matched()
        publish_policy(version=_draft(policy), seen=etag_of_policy(policy), by=rest_principal(request), **values)
        return self._anew(policy)

    @extend_schema(
        summary="Take a policy out of force",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=EndSerializer,
        responses=PolicySerializer,
        parameters=[IF_MATCH],
    )
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        reason = _checked(EndSerializer, request)["reason"]
        policy = self._matched()
        end_policy(policy=policy, reason=reason, by=rest_principal(request))
        return self._anew(policy)

    @extend_schema(summary="Discard the draft", request=None, responses=PolicySerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: str) -> Response:
        policy = self._matched()
        discard_draft(version=_draft(policy), by=rest_principal(request))
        return self._anew(policy)

    @extend_schema(summary="Who would gain and lose by the draft", responses=PolicyPreviewSerializer)
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        policy = self.get_object()
        check_can_edit_policy(rest_principal(request), policy)
        draft = draft_of(policy)
        if draft is None:
            raise NotFound(_NO_DRAFT)
        return Response(PolicyPreviewSerializer(preview_of(policy, draft.contents)).data)

    def _matched(self) -> Policy:
        found: Policy = self.get_object()
        check_can_edit_policy(rest_principal(self.request), found)
        check_if_match(self.request._request, etag_of_policy(found))
        return found

    def _anew(self, policy: Policy) -> Response:
        return _answer(visible_policies(rest_principal(self.request)).get(pk=policy.pk))


def _draft(policy: Policy) -> PolicyVersion:
    draft = draft_of(policy)
    if draft is None:
        raise Conflict(_NO_DRAFT)
    return draft


def _checked(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def _answer(policy: Policy, code: int = status.HTTP_200_OK) -> Response:
    return Response(PolicySerializer(policy).data, status=code, headers={"ETag": etag_of_policy(policy)})
