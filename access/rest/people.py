"""REST of people's accounts, for administrators: whoever leaves loses everything."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions import deactivate_person
from access.rest.requests import ReasonSerializer, checked
from accounts.actions import reopen_account
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from common.described_query import DescribedQuery
from common.keyset import KeysetPagination


class PersonSerializer(serializers.ModelSerializer[Principal]):
    """Somebody with an account."""

    username = serializers.CharField(source="user.username", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    is_active = serializers.BooleanField(read_only=True, help_text="Whether the account is open.")
    is_administrator = serializers.BooleanField(read_only=True)

    class Meta:
        model = Principal
        fields = ["id", "name", "username", "email", "is_active", "is_administrator", "created_at", "disabled_at"]
        read_only_fields = fields


class LostSerializer(serializers.Serializer[Any]):
    """What somebody lost with the account, beside sessions and tokens."""

    grants = serializers.IntegerField()
    delegations = serializers.IntegerField()
    requests = serializers.IntegerField()


@extend_schema_view(list=extend_schema(summary="Everybody with an account; for administrators"))
class PersonViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Principal]):
    queryset = Principal.objects.none()
    serializer_class = PersonSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Principal]:
        check_is_administrator(rest_principal(self.request))
        return Principal.objects.filter(kind=Principal.Kind.PERSON).select_related("user")

    @extend_schema(summary="Somebody's account")
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(PersonSerializer(self.get_object()).data)

    @extend_schema(
        summary="Close an account, and end everything that it opened",
        request=ReasonSerializer,
        responses=LostSerializer,
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        person = self.get_object()
        reason = checked(ReasonSerializer, request)["reason"]
        left = deactivate_person(person=person, reason=reason, by=rest_principal(request))
        return Response({"grants": left.grants, "delegations": left.delegations, "requests": left.requests})

    @extend_schema(
        summary="Open an account again; nothing comes back with it", request=None, responses=PersonSerializer
    )
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        reopen_account(person=self.get_object(), by=rest_principal(request))
        return Response(PersonSerializer(self.get_object()).data)
