"""REST of delegations."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions import delegate_decisions, end_delegation
from access.models import Delegation
from access.rest.requests import checked
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.recent import check_may_decide_now
from accounts.rest import PrincipalSerializer
from catalog.queries.members import members_called
from common.described_query import DescribedQuery
from common.errors import Invalid
from common.json_body import BodySerializer
from common.keyset import KeysetPagination


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    """From a time to a time the receiver decides in the place of the giver."""

    giver = PrincipalSerializer(read_only=True)
    receiver = PrincipalSerializer(read_only=True)
    created_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = Delegation
        fields = ["id", "giver", "receiver", "valid_from", "valid_to", "reason", "created_by", "created_at"]
        read_only_fields = fields


class NewDelegationSerializer(BodySerializer):
    giver = serializers.CharField(
        max_length=254, required=False, allow_null=True, default=None, help_text="Somebody else; for administrators."
    )
    receiver = serializers.CharField(max_length=254, help_text="A user name or e-mail address.")
    valid_from = serializers.DateTimeField(required=False, allow_null=True, default=None, help_text="Null: now.")
    valid_to = serializers.DateTimeField()
    reason = serializers.CharField(max_length=2000, allow_blank=True, default="")


@extend_schema_view(
    list=extend_schema(summary="Delegations that you gave or received; for administrators all"),
    retrieve=extend_schema(summary="A delegation"),
)
class DelegationViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Delegation]):
    queryset = Delegation.objects.none()
    serializer_class = DelegationSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Delegation]:
        rows = Delegation.objects.visible_to(rest_principal(self.request))
        return rows.select_related("giver__user", "receiver__user", "created_by__user")

    @extend_schema(
        summary="Let somebody decide in your place",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=NewDelegationSerializer,
        responses={201: DelegationSerializer},
    )
    def create(self, request: Request) -> Response:
        check_may_decide_now(request)
        values = checked(NewDelegationSerializer, request)
        by = rest_principal(request)
        made = delegate_decisions(
            giver=_person("giver", values["giver"]) if values["giver"] else by,
            receiver=_person("receiver", values["receiver"]),
            valid_from=values["valid_from"] or timezone.now(),
            valid_to=values["valid_to"],
            reason=values["reason"],
            by=by,
        )
        return Response(DelegationSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="End a delegation now", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        end_delegation(delegation=self.get_object(), by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _person(name: str, text: str) -> Principal:
    found = members_called([text]).called(text)
    if not isinstance(found, Principal):
        raise Invalid("Name a person with an open account.", {name: ["Nobody with an open account is called that."]})
    return found
