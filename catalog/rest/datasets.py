"""REST of datasets: what they are, their fields and versions, and what people say of them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.models import Principal
from audit.events import Subject
from audit.queries import records_about, tell
from catalog import actions
from catalog.filters import Narrowing
from catalog.models import Dataset, Field, FieldProfile, Ownership, Profile, SchemaVersion, Tag, Tier
from catalog.permissions import check_can_curate
from catalog.queries import datasets as reads
from catalog.queries.activity import hidden_activity
from catalog.queries.domains import domain_called
from catalog.queries.exceptions import exception_of, exceptions_of
from catalog.queries.search import listed
from catalog.rest.exceptions import DatasetExceptionSerializer, NewDatasetExceptionSerializer
from catalog.rest.members import member_called
from catalog.rest.parameters import FILTERS
from catalog.rest.profiles import FieldProfileSerializer, ProfileSerializer
from catalog.rest.shapes import (
    ActivitySerializer,
    DatasetChangesSerializer,
    DatasetLineSerializer,
    DatasetSerializer,
    DiffSerializer,
    FieldChangesSerializer,
    FieldSerializer,
    NameSerializer,
    NewOwnerSerializer,
    OwnershipSerializer,
    TagAssignmentSerializer,
    VersionLineSerializer,
    VersionSerializer,
)
from catalog.rest.systems import SLUG
from catalog.schema_history import differences, summary
from common.described_query import IF_MATCH, DescribedQuery
from common.errors import Invalid, NotFound
from common.http import check_if_match, etag_of
from common.keyset import KeysetPagination

_ID = "[0-9]{1,18}"


def _path(name: str, kind: Any = OpenApiTypes.INT64) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.PATH)


_SLUG = _path("slug", OpenApiTypes.STR)


def etag_of_dataset(dataset: Dataset) -> str:
    """Changes with what people may change here and with the schema, not with every crawl that found it as it was."""
    return etag_of(
        "dataset", dataset.pk, dataset.tier, dataset.version, dataset.description, dataset.comment, dataset.domain_id,
        dataset.level, dataset.owner_names, dataset.tag_names, dataset.gone_since,
    )  # fmt: skip


class DatasetViewSet(DescribedQuery, GenericViewSet[Dataset]):
    serializer_class = DatasetLineSerializer
    pagination_class = KeysetPagination
    queryset = Dataset.objects.none()
    lookup_value_regex = _ID
    keyset_order: tuple[str, ...] = ("id",)

    def _read(self, request: Request, pk: str, tier: int = Tier.DISCOVER) -> tuple[Principal, Dataset]:
        principal = rest_principal(request)
        return principal, reads.visible_dataset(principal, int(pk), tier=tier)

    def _page(self, rows: QuerySet[Any], order: tuple[str, ...]) -> list[Any]:
        self.keyset_order = order
        return list(self.paginate_queryset(rows) or [])

    @extend_schema(
        summary="Datasets that you see",
        parameters=FILTERS,
        responses=DatasetLineSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        rows = listed(rest_principal(request), Narrowing(request._request.GET))
        return self.get_paginated_response(DatasetLineSerializer(self._page(rows, ("id",)), many=True).data)

    @extend_schema(summary="A dataset, with its ETag", responses=DatasetSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._answer(*self._read(request, pk))

    def _answer(self, principal: Principal, dataset: Dataset) -> Response:
        context = {"keys": reads.keys_of(principal, dataset)}
        return Response(DatasetSerializer(dataset, context=context).data, headers={"ETag": etag_of_dataset(dataset)})

    @extend_schema(
        summary="Describe a dataset, or move it to another domain",
        parameters=[IF_MATCH],
        request=DatasetChangesSerializer,
        responses=DatasetSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        wanted = DatasetChangesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        changes = wanted.validated_data
        with transaction.atomic():
            principal, dataset = self._read(request, pk)
            Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
            principal, dataset = self._read(request, pk)
            check_if_match(request._request, etag_of_dataset(dataset))
            if "description" in changes:
                actions.describe(dataset=dataset, text=changes["description"], by=principal)
            if "domain" in changes:
                slug = changes["domain"]
                try:
                    domain = domain_called(slug) if slug is not None else None
                except NotFound:
                    raise Invalid("Correct the fields named below.", {"domain": ["There is no such domain."]}) from None
                actions.move_datasets(datasets=[dataset], domain=domain, by=principal)
        return self._answer(*self._read(request, pk))

    @extend_schema(summary="Its present fields, in order", responses=FieldSerializer(many=True))
    @action(detail=True, methods=["get"])
    def fields(self, request: Request, pk: str) -> Response:
        _, dataset = self._read(request, pk, Tier.METADATA)
        rows = self._page(Field.objects.filter(dataset=dataset, gone_since__isnull=True), ("position", "id"))
        return self.get_paginated_response(FieldSerializer(rows, many=True).data)

    @extend_schema(summary="One field", methods=["GET"], parameters=[_path("field_id")], responses=FieldSerializer)
    @extend_schema(
        summary="Describe a field",
        methods=["PATCH"],
        parameters=[_path("field_id"), IF_MATCH],
        request=FieldChangesSerializer,
        responses=FieldSerializer,
    )
    @action(detail=True, methods=["get", "patch"], url_path=f"fields/(?P<field_id>{_ID})", url_name="field")
    def field(self, request: Request, pk: str, field_id: str) -> Response:
        principal, dataset = self._read(request, pk, Tier.METADATA)
        if request.method == "PATCH":
            wanted = FieldChangesSerializer(data=request.data)
            wanted.is_valid(raise_exception=True)
            with transaction.atomic():
                found = _field(dataset, field_id, lock=True)
                check_if_match(request._request, _etag_of_field(found))
                if "description" in wanted.validated_data:
                    text = wanted.validated_data["description"]
                    actions.describe(dataset=dataset, field=found, text=text, by=principal)
        found = _field(dataset, field_id)
        return Response(FieldSerializer(found).data, headers={"ETag": _etag_of_field(found)})

    @extend_schema(summary="The names that it is known by", responses=NameSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def names(self, request: Request, pk: str) -> Response:
        _, dataset = self._read(request, pk, Tier.METADATA)
        return Response(NameSerializer(reads.names_of(dataset), many=True).data)

    @extend_schema(summary="Its schema versions, newest first", responses=VersionLineSerializer(many=True))
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, pk: str) -> Response:
        _, dataset = self._read(request, pk, Tier.METADATA)
        rows = self._page(SchemaVersion.objects.filter(dataset=dataset).defer("content"), ("-number", "-id"))
        return self.get_paginated_response(VersionLineSerializer(rows, many=True).data)

    @extend_schema(
        summary="A schema version", parameters=[_path("number", OpenApiTypes.INT)], responses=VersionSerializer
    )
    @action(detail=True, methods=["get"], url_path="versions/(?P<number>[0-9]{1,9})", url_name="version")
    def version(self, request: Request, pk: str, number: str) -> Response:
        principal, dataset = self._read(request, pk, Tier.METADATA)
        version = reads.version_of(dataset, int(number))
        version.content = reads.content_for(principal, dataset, version.content)
        return Response(VersionSerializer(version).data)

    @extend_schema(
        summary="What changed from another version to this one",
        parameters=[
            _path("number", OpenApiTypes.INT),
            OpenApiParameter(
                "against",
                {"type": "integer", "minimum": 1, "maximum": 999_999_999},
                description="Number of the other version; the one before without it.",
            ),
        ],
        responses=DiffSerializer,
    )
    @action(detail=True, methods=["get"], url_path="versions/(?P<number>[0-9]{1,9})/diff", url_name="diff")
    def diff(self, request: Request, pk: str, number: str) -> Response:
        _, dataset = self._read(request, pk, Tier.METADATA)
        after = int(number)
        before = int(request.query_params.get("against", after - 1))
        newer, older = reads.version_of(dataset, after), reads.version_of(dataset, before)
        found = differences(older.content, newer.content)
        values = {"before": before, "after": after, "summary": summary(found), "changes": found}
        return Response(DiffSerializer(values).data)

    @extend_schema(summary="Who answers for it", methods=["GET"], responses=OwnershipSerializer(many=True))
    @extend_schema(
        summary="Have a person or group answer for it",
        methods=["POST"],
        request=NewOwnerSerializer,
        responses={201: OwnershipSerializer(many=True)},
    )
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def owners(self, request: Request, pk: str) -> Response:
        principal, dataset = self._read(request, pk)
        code: int = status.HTTP_200_OK
        if request.method == "POST":
            wanted = NewOwnerSerializer(data=request.data)
            wanted.is_valid(raise_exception=True)
            member = member_called(wanted.validated_data["member"])
            kind = wanted.validated_data["kind"]
            actions.assign_owner(datasets=[dataset], kind=kind, by=principal, **member)
            code = status.HTTP_201_CREATED
        return Response(OwnershipSerializer(reads.owners_of(dataset), many=True).data, status=code)

    @extend_schema(
        summary="End an ownership now", parameters=[_path("ownership_id")], request=None, responses={204: None}
    )
    @action(detail=True, methods=["delete"], url_path=f"owners/(?P<ownership_id>{_ID})", url_name="owner")
    def owner(self, request: Request, pk: str, ownership_id: str) -> Response:
        principal, dataset = self._read(request, pk)
        held = Ownership.objects.select_related("dataset", "principal", "group")
        ownership = held.filter(pk=int(ownership_id), dataset=dataset, valid_to__isnull=True).first()
        if ownership is None:
            raise NotFound("There is no such owner of this dataset.")
        actions.remove_owner(ownership=ownership, by=principal)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Who sees it whatever their roles; for those who curate it",
        methods=["GET"],
        responses=DatasetExceptionSerializer(many=True),
    )
    @extend_schema(
        summary="Let a person or group see it whatever their roles; for owners of its domain",
        methods=["POST"],
        request=NewDatasetExceptionSerializer,
        responses={201: DatasetExceptionSerializer},
    )
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def exceptions(self, request: Request, pk: str) -> Response:
        principal, dataset = self._read(request, pk)
        if request.method != "POST":
            check_can_curate(principal, [dataset])
            return Response(DatasetExceptionSerializer(exceptions_of(dataset), many=True).data)
        wanted = NewDatasetExceptionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        member = member_called(wanted.validated_data.pop("member"))
        granted = actions.grant_exception(dataset=dataset, by=principal, **wanted.validated_data, **member)
        return Response(DatasetExceptionSerializer(granted).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="End an exception now", parameters=[_path("exception_id")], request=None, responses={204: None}
    )
    @action(detail=True, methods=["delete"], url_path=f"exceptions/(?P<exception_id>{_ID})", url_name="exception")
    def exception(self, request: Request, pk: str, exception_id: str) -> Response:
        principal, dataset = self._read(request, pk)
        actions.end_exception(exception=exception_of(dataset, int(exception_id)), by=principal)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Its tags", responses=TagAssignmentSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def tags(self, request: Request, pk: str) -> Response:
        _, dataset = self._read(request, pk, Tier.METADATA)
        return Response(TagAssignmentSerializer(reads.said_of(dataset).tags.get(None, ()), many=True).data)

    @extend_schema(summary="Put a tag on it", methods=["PUT"], parameters=[_SLUG], request=None, responses={204: None})
    @extend_schema(
        summary="Take a tag off it", methods=["DELETE"], parameters=[_SLUG], request=None, responses={204: None}
    )
    @action(detail=True, methods=["put", "delete"], url_path=f"tags/(?P<slug>{SLUG})", url_name="tag")
    def tag(self, request: Request, pk: str, slug: str) -> Response:
        principal, dataset = self._read(request, pk)
        tag = Tag.objects.filter(slug=slug).first()
        if tag is None:
            raise NotFound("There is no such tag.")
        act = actions.add_tag if request.method == "PUT" else actions.remove_tag
        act(datasets=[dataset], tag=tag, by=principal)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="What the latest sample says of each field; for those who may read profiles",
        responses=FieldProfileSerializer(many=True),
    )
    @action(detail=True, methods=["get"], url_path="field-profiles")
    def field_profiles(self, request: Request, pk: str) -> Response:
        _, dataset = self._read(request, pk, Tier.PROFILE)
        rows = FieldProfile.objects.filter(dataset=dataset, field__gone_since__isnull=True).select_related("field")
        page = self._page(rows, ("field_id",))
        return self.get_paginated_response(FieldProfileSerializer(page, many=True).data)

    @extend_schema(
        summary="Its profiles over time, newest first; for those who may read profiles",
        responses=ProfileSerializer(many=True),
    )
    @action(detail=True, methods=["get"])
    def profiles(self, request: Request, pk: str) -> Response:
        _, dataset = self._read(request, pk, Tier.PROFILE)
        rows = self._page(Profile.objects.filter(dataset=dataset), ("-taken_at", "-id"))
        return self.get_paginated_response(ProfileSerializer(rows, many=True).data)

    @extend_schema(summary="What happened to it, newest first", responses=ActivitySerializer(many=True))
    @action(detail=True, methods=["get"])
    def activity(self, request: Request, pk: str) -> Response:
        principal, dataset = self._read(request, pk, Tier.METADATA)
        rows = records_about(Subject("dataset", dataset.pk), hidden_activity(principal, dataset))
        found = self._page(rows, ("-record_id",))
        told = tell([row.record for row in found], {row.record_id: row.change for row in found})
        return self.get_paginated_response(ActivitySerializer(told, many=True).data)


def _field(dataset: Dataset, field_id: str, *, lock: bool = False) -> Field:
    rows = Field.objects.select_for_update() if lock else Field.objects.all()
    found = rows.filter(pk=int(field_id), dataset=dataset).first()
    if found is None:
        raise NotFound("This dataset has no such field.")
    return found


def _etag_of_field(field: Field) -> str:
    return etag_of("field", field.pk, field.description, field.comment, field.native_type, field.nullable, field.level)
