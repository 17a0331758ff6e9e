"""REST of what policies and decisions speak of: attributes, purposes, query engines' catalogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions.vocabulary import (
    add_engine_catalog,
    add_purpose,
    edit_engine_catalog,
    edit_purpose,
    end_attribute,
    remove_engine_catalog,
    set_attribute,
)
from access.models import EngineCatalog, PrincipalAttribute, Purpose
from access.rest.requests import IF_MATCH, checked
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from accounts.recent import check_may_decide_now
from accounts.rest import PrincipalSerializer
from catalog.models import Source
from common.described_query import DescribedQuery
from common.errors import Invalid
from common.filters import IdFilter, TextFilter
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

_ID: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class AttributeSerializer(serializers.ModelSerializer[PrincipalAttribute]):
    """Something that is so of a principal, by which policies know it."""

    principal = PrincipalSerializer(read_only=True)
    set_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = PrincipalAttribute
        fields = ["id", "principal", "name", "value", "valid_from", "set_by"]
        read_only_fields = fields


class NewAttributeSerializer(BodySerializer):
    principals = serializers.ListField(child=serializers.IntegerField(**_ID), min_length=1, max_length=1000)
    name = serializers.CharField(max_length=60)
    value = serializers.CharField(max_length=200)


class PurposeSerializer(serializers.ModelSerializer[Purpose]):
    """A kind of purpose. New requests cannot name one that is not `enabled`."""

    class Meta:
        model = Purpose
        fields = ["id", "slug", "name", "description", "enabled"]
        read_only_fields = fields


class NewPurposeSerializer(BodySerializer):
    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=2000, allow_blank=True, default="")


class PurposeChangeSerializer(BodySerializer):
    """What is left out stays as it is."""

    name = serializers.CharField(max_length=80, required=False)
    description = serializers.CharField(max_length=2000, allow_blank=True, required=False)
    enabled = serializers.BooleanField(required=False)


class EngineCatalogSerializer(serializers.ModelSerializer[EngineCatalog]):
    """What a query engine calls a source. `prefix` is what stands before the schema in the source's paths."""

    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]

    class Meta:
        model = EngineCatalog
        fields = ["id", "name", "source", "prefix"]
        read_only_fields = fields


class EngineCatalogChangeSerializer(BodySerializer):
    """What is left out stays as it is."""

    name = serializers.CharField(max_length=200, required=False)
    source = serializers.SlugField(max_length=60, required=False)  # type: ignore[assignment]
    prefix = serializers.ListField(child=serializers.CharField(max_length=200), max_length=5, required=False)


class NewEngineCatalogSerializer(EngineCatalogChangeSerializer):
    """`prefix` is empty unless told."""

    name = serializers.CharField(max_length=200)
    source = serializers.SlugField(max_length=60)


class AttributeFilter(filters.FilterSet):
    principal = IdFilter()
    name = TextFilter()

    class Meta:
        model = PrincipalAttribute
        fields: Sequence[str] = ()


@extend_schema_view(list=extend_schema(summary="Attributes of principals that are so now; for administrators"))
class AttributeViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[PrincipalAttribute]):
    queryset = PrincipalAttribute.objects.none()
    serializer_class = AttributeSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = AttributeFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[PrincipalAttribute]:
        check_is_administrator(rest_principal(self.request))
        rows = PrincipalAttribute.objects.filter(valid_to__isnull=True)
        return rows.select_related("principal__user", "set_by__user")

    @extend_schema(
        summary="Say that something is so of principals",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve. Answers with what is new.",
        request=NewAttributeSerializer,
        responses={201: AttributeSerializer(many=True)},
    )
    def create(self, request: Request) -> Response:
        check_may_decide_now(request)
        values = checked(NewAttributeSerializer, request)
        by = rest_principal(request)
        check_is_administrator(by)
        ids = set(values["principals"])
        principals = list(Principal.objects.filter(pk__in=ids).select_related("user"))
        if len(principals) < len(ids):
            raise Invalid("One of these principals does not exist.", {"principals": ["Choose those that there are."]})
        made = set_attribute(principals=principals, name=values["name"], value=values["value"], by=by)
        return Response(AttributeSerializer(made, many=True).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Say that it is so no more", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        end_attribute(attribute=self.get_object(), by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(list=extend_schema(summary="Kinds of purposes that requests may name and policies may ask for"))
class PurposeViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Purpose]):
    queryset = Purpose.objects.all()
    serializer_class = PurposeSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(summary="A purpose")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(PurposeSerializer(self.get_object()))

    @extend_schema(summary="Add a purpose", request=NewPurposeSerializer, responses={201: PurposeSerializer})
    def create(self, request: Request) -> Response:
        made = add_purpose(**checked(NewPurposeSerializer, request), by=rest_principal(request))
        return _answer(PurposeSerializer(made), status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change or retire a purpose",
        request=PurposeChangeSerializer,
        responses=PurposeSerializer,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        values = checked(PurposeChangeSerializer, request)
        by, found = rest_principal(request), self.get_object()
        check_is_administrator(by)
        check_if_match(request._request, etag_of("vocabulary", *PurposeSerializer(found).data.values()))
        return _answer(PurposeSerializer(edit_purpose(purpose=found, **values, by=by)))


@extend_schema_view(list=extend_schema(summary="What query engines call sources; for administrators"))
class EngineCatalogViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[EngineCatalog]):
    queryset = EngineCatalog.objects.none()
    serializer_class = EngineCatalogSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[EngineCatalog]:
        check_is_administrator(rest_principal(self.request))
        return EngineCatalog.objects.select_related("source")

    @extend_schema(summary="An engine's catalog")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(EngineCatalogSerializer(self.get_object()))

    @extend_schema(
        summary="Say which source an engine's catalog is",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=NewEngineCatalogSerializer,
        responses={201: EngineCatalogSerializer},
    )
    def create(self, request: Request) -> Response:
        check_may_decide_now(request)
        values = checked(NewEngineCatalogSerializer, request)
        by = rest_principal(request)
        check_is_administrator(by)
        made = add_engine_catalog(**_with_source(values), by=by)
        return _answer(EngineCatalogSerializer(made), status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change which source it is",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=EngineCatalogChangeSerializer,
        responses=EngineCatalogSerializer,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        values = checked(EngineCatalogChangeSerializer, request)
        found = self.get_object()
        check_if_match(request._request, etag_of("vocabulary", *EngineCatalogSerializer(found).data.values()))
        made = edit_engine_catalog(catalog=found, **_with_source(values), by=rest_principal(request))
        return _answer(EngineCatalogSerializer(made))

    @extend_schema(summary="Remove it: it is no source any more", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        remove_engine_catalog(catalog=self.get_object(), by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _with_source(values: dict[str, Any]) -> dict[str, Any]:
    """The values with the source that they name. Raises `Invalid` for one that there is not."""
    if "source" not in values:
        return values
    source = Source.objects.filter(slug=values["source"]).first()
    if source is None:
        raise Invalid("There is no such source.", {"source": ["Choose one that there is."]})
    return values | {"source": source}


def _answer(shown: serializers.ModelSerializer[Any], code: int = status.HTTP_200_OK) -> Response:
    """A row with the tag by which a change of it must name it."""
    tag = etag_of("vocabulary", *shown.data.values())
    return Response(shown.data, status=code, headers={"ETag": tag})
