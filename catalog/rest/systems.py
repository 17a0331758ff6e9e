"""REST of systems and tags."""

from __future__ import annotations

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from catalog.actions import add_system, create_tag, rename_tag
from catalog.models import System, Tag
from catalog.queries.tags import tag_called
from catalog.rest.shapes import (
    NewSystemSerializer,
    NewTagSerializer,
    SystemSerializer,
    TagChangesSerializer,
    TagSerializer,
)
from common.described_query import IF_MATCH, DescribedQuery
from common.http import check_if_match, etag_of
from common.keyset import KeysetPagination

SLUG = "[a-z0-9][a-z0-9_-]{0,59}"


@extend_schema_view(list=extend_schema(summary="Systems by name"), retrieve=extend_schema(summary="A system"))
class SystemViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[System]):
    serializer_class = SystemSerializer
    pagination_class = KeysetPagination
    keyset_order = ("name", "id")
    queryset = System.objects.all()
    lookup_field = "slug"
    lookup_value_regex = SLUG

    @extend_schema(
        summary="Add a system; for administrators", request=NewSystemSerializer, responses={201: SystemSerializer}
    )
    def create(self, request: Request) -> Response:
        wanted = NewSystemSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = add_system(**wanted.validated_data, by=rest_principal(request))
        return Response(SystemSerializer(made).data, status=status.HTTP_201_CREATED)


@extend_schema_view(list=extend_schema(summary="Tags by name"))
class TagViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Tag]):
    serializer_class = TagSerializer
    pagination_class = KeysetPagination
    keyset_order = ("name", "id")
    queryset = Tag.objects.all()
    lookup_field = "slug"
    lookup_value_regex = SLUG

    @extend_schema(summary="A tag, with its ETag")
    def retrieve(self, request: Request, slug: str) -> Response:
        return _answer(tag_called(slug))

    @extend_schema(
        summary="Create a tag; for stewards and owners of any domain",
        request=NewTagSerializer,
        responses={201: TagSerializer},
    )
    def create(self, request: Request) -> Response:
        wanted = NewTagSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return _answer(create_tag(**wanted.validated_data, by=rest_principal(request)), status.HTTP_201_CREATED)

    @extend_schema(
        summary="Rename a tag on everything that has it; its slug stays",
        parameters=[IF_MATCH],
        request=TagChangesSerializer,
        responses=TagSerializer,
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        wanted = TagChangesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            tag = Tag.objects.select_for_update().get(pk=tag_called(slug).pk)
            check_if_match(request._request, _etag_of(tag))
            if "name" in wanted.validated_data:
                tag = rename_tag(tag=tag, name=wanted.validated_data["name"], by=rest_principal(request))
        return _answer(tag)


def _etag_of(tag: Tag) -> str:
    return etag_of("tag", tag.pk, tag.name)


def _answer(tag: Tag, code: int = status.HTTP_200_OK) -> Response:
    return Response(TagSerializer(tag).data, status=code, headers={"ETag": _etag_of(tag)})
