"""REST of systems, sources and tags. A source's connection and crawls are the subject of `ingestion`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from catalog.actions import add_system
from catalog.models import Source, System, Tag
from catalog.rest.shapes import NewSystemSerializer, SourceSerializer, SystemSerializer, TagSerializer
from catalog.visibility import scope_of
from common.described_query import DescribedQuery
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


@extend_schema_view(list=extend_schema(summary="Tags by name"), retrieve=extend_schema(summary="A tag"))
class TagViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Tag]):
    serializer_class = TagSerializer
    pagination_class = KeysetPagination
    keyset_order = ("name", "id")
    queryset = Tag.objects.all()
    lookup_field = "slug"
    lookup_value_regex = SLUG


@extend_schema_view(
    list=extend_schema(summary="Sources with something that you see, by name"),
    retrieve=extend_schema(summary="A source"),
)
class SourceViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Source]):
    serializer_class = SourceSerializer
    pagination_class = KeysetPagination
    keyset_order = ("name", "id")
    queryset = Source.objects.none()
    lookup_field = "slug"
    lookup_value_regex = SLUG

    def get_queryset(self) -> QuerySet[Source]:
        rows = Source.objects.visible_to(rest_principal(self.request))
        return rows.select_related("system", "domain")

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if self.request is not None and getattr(self.request, "user", None):
            context["sees_everything"] = scope_of(rest_principal(self.request)).everything
        return context
