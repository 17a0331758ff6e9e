"""REST of domains and the roles on them."""

from __future__ import annotations

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from catalog.actions import add_domain, edit_domain, end_role, grant_role
from catalog.models import Domain, DomainMembership
from catalog.queries.domains import current_memberships, domain_called, members_of
from catalog.rest.members import member_called
from catalog.rest.shapes import (
    DomainChangesSerializer,
    DomainSerializer,
    MembershipSerializer,
    NewDomainSerializer,
    NewMemberSerializer,
)
from catalog.rest.systems import SLUG
from common.described_query import IF_MATCH, DescribedQuery
from common.errors import NotFound
from common.http import check_if_match, etag_of
from common.keyset import KeysetPagination


def etag_of_domain(domain: Domain) -> str:
    return etag_of("domain", domain.pk, domain.name, domain.description, domain.open_tier, domain.parent_id)


@extend_schema_view(list=extend_schema(summary="Domains by name"))
class DomainViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Domain]):
    serializer_class = DomainSerializer
    pagination_class = KeysetPagination
    keyset_order = ("name", "id")
    queryset = Domain.objects.select_related("parent")
    lookup_field = "slug"
    lookup_value_regex = SLUG

    @extend_schema(summary="A domain, with its ETag")
    def retrieve(self, request: Request, slug: str) -> Response:
        return _answer(domain_called(slug))

    @extend_schema(
        summary="Add a domain; for administrators", request=NewDomainSerializer, responses={201: DomainSerializer}
    )
    def create(self, request: Request) -> Response:
        wanted = NewDomainSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return _answer(add_domain(**wanted.validated_data, by=rest_principal(request)), status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a domain; for its owners",
        parameters=[IF_MATCH],
        request=DomainChangesSerializer,
        responses=DomainSerializer,
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        wanted = DomainChangesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            locked = Domain.objects.select_for_update().get(pk=domain_called(slug).pk)
            check_if_match(request._request, etag_of_domain(locked))
            changed = edit_domain(domain=locked, changes=wanted.validated_data, by=rest_principal(request))
        return _answer(changed)

    @extend_schema(
        summary="The roles that are held now",
        methods=["GET"],
        responses=MembershipSerializer(many=True),
    )
    @extend_schema(
        summary="Give a person or group a role; for owners of the domain",
        methods=["POST"],
        request=NewMemberSerializer,
        responses={201: MembershipSerializer},
    )
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def members(self, request: Request, slug: str) -> Response:
        domain = domain_called(slug)
        if request.method != "POST":
            return Response(MembershipSerializer(members_of(domain), many=True).data)
        wanted = NewMemberSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        member = member_called(wanted.validated_data["member"])
        given = grant_role(domain=domain, role=wanted.validated_data["role"], by=rest_principal(request), **member)
        return Response(MembershipSerializer(given).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="End a role now",
        request=None,
        responses={204: None},
        parameters=[OpenApiParameter("membership_id", OpenApiTypes.INT64, OpenApiParameter.PATH)],
    )
    @action(detail=True, methods=["delete"], url_path="members/(?P<membership_id>[0-9]{1,18})", url_name="member")
    def member(self, request: Request, slug: str, membership_id: str) -> Response:
        held = DomainMembership.objects.filter(current_memberships(), pk=int(membership_id), domain=domain_called(slug))
        membership = held.select_related("domain", "principal", "group").first()
        if membership is None:
            raise NotFound("There is no such role in this domain.")
        end_role(membership=membership, by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _answer(domain: Domain, code: int = status.HTTP_200_OK) -> Response:
    return Response(DomainSerializer(domain).data, status=code, headers={"ETag": etag_of_domain(domain)})
