"""REST of sources: what is said of them, what their crawls include, and how they are reached."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.models import Principal
from catalog.actions import edit_source
from catalog.models import Domain, SamplingAmount, Source, System
from catalog.permissions import check_can_edit_source
from catalog.visibility import scope_of
from common.described_query import IF_MATCH, DescribedQuery
from common.errors import Conflict, Invalid
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination
from connections.addresses import Address, parse_address
from connections.models import Connection
from connections.permissions import check_can_manage_connections
from ingestion.connectors.scope import parse_pattern
from ingestion.permissions import can_see_runs_of
from ingestion.queries import source_for
from ingestion.sources import Reconnected, add_crawled_source, change_source_connection, connection_of


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source without its connection. `dataset_count` is null unless the reader sees all of the source, and `include` and
    `exclude`, which name schemas and datasets, are null for whoever may not see its runs.
    """

    system = serializers.SlugRelatedField[System](slug_field="slug", read_only=True, allow_null=True)
    domain = serializers.SlugRelatedField[Domain](slug_field="slug", read_only=True, allow_null=True)
    dataset_count = serializers.SerializerMethodField()
    include = serializers.ListField(child=serializers.CharField(), read_only=True, allow_null=True)
    exclude = serializers.ListField(child=serializers.CharField(), read_only=True, allow_null=True)

    class Meta:
        model = Source
        fields = [
            "slug", "name", "system", "domain", "platform", "namespace", "frequency", "structure", "location",
            "description", "include", "exclude", "sampling", "dataset_count", "last_crawled_at", "created_at",
        ]  # fmt: skip

    def get_dataset_count(self, source: Source) -> int | None:
        return source.dataset_count if self.context.get("sees_everything") else None

    def to_representation(self, source: Source) -> dict[str, Any]:
        told: dict[str, Any] = super().to_representation(source)
        reader = self.context.get("reader")
        if reader is None or not can_see_runs_of(reader, source):
            told |= {"include": None, "exclude": None}
        return told


def _check_pattern(text: str) -> None:
    try:
        parse_pattern(text.strip())
    except Invalid as error:
        raise serializers.ValidationError(error.message) from None


class SourceChangesSerializer(BodySerializer):
    """What is said of a source, and which of its datasets a crawl reads."""

    name = serializers.CharField(max_length=150, required=False)
    system = serializers.CharField(max_length=60, allow_null=True, required=False, help_text="Slug of a system.")
    domain = serializers.CharField(
        max_length=60,
        allow_null=True,
        required=False,
        help_text="Slug of the domain that the datasets begin in; without one, few see them.",
    )
    frequency = serializers.ChoiceField(choices=Source.Frequency.choices, required=False)
    structure = serializers.ChoiceField(choices=Source.Structure.choices, required=False)
    location = serializers.CharField(max_length=200, allow_blank=True, required=False)
    description = serializers.CharField(max_length=50_000, allow_blank=True, required=False)
    include = serializers.ListField(
        child=serializers.CharField(max_length=300, validators=[_check_pattern]),
        required=False,
        help_text="Only these, such as public.* or sales.report_?; empty: everything.",
    )
    exclude = serializers.ListField(
        child=serializers.CharField(max_length=300, validators=[_check_pattern]),
        required=False,
        help_text="Never these, such as *.tmp_*.",
    )
    sampling = serializers.ChoiceField(choices=SamplingAmount.choices, required=False)

    def validate_system(self, slug: str | None) -> System | None:
        system = System.objects.filter(slug=slug).first()
        if slug is not None and system is None:
            raise serializers.ValidationError("There is no such system.")
        return system

    def validate_domain(self, slug: str | None) -> Domain | None:
        domain = Domain.objects.filter(slug=slug).first()
        if slug is not None and domain is None:
            raise serializers.ValidationError("There is no such domain.")
        return domain

    def changes(self) -> dict[str, Any]:
        """The validated values as `catalog.actions.edit_source` takes them."""
        changes = dict(self.validated_data)
        for name in ("system", "domain"):
            if name in changes:
                chosen = changes.pop(name)
                changes[f"{name}_id"] = chosen.pk if chosen else None
        return changes


class AddressSerializer(BodySerializer):
    """How a source is reached, with its secrets apart."""

    url = serializers.CharField(
        max_length=2000, help_text="As in postgres://reader@db.example.org:5432/shop, with or without the password."
    )
    password = serializers.CharField(max_length=2000, allow_blank=True, required=False, trim_whitespace=False)
    tls_ca = serializers.CharField(
        max_length=200_000,
        allow_blank=True,
        required=False,
        trim_whitespace=False,
        help_text="PEM text of the authority that signed the server's certificate, where the catalog does not know it.",
    )

    def validate_url(self, url: str) -> Address:
        try:
            return parse_address(url)
        except Invalid as error:
            raise serializers.ValidationError(error.message) from None

    def address(self, present: Address | None = None) -> Address:
        """The address with the secret of `password`, or of the URL; without a URL, the present address."""
        address: Address = self.validated_data.get("url", present)
        password = self.validated_data.get("password", "")
        return replace(address, secret=password) if password else address


class NewSourceSerializer(AddressSerializer, SourceChangesSerializer):
    name = serializers.CharField(max_length=150)
    slug = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]*$", max_length=60, required=False, help_text="Made from the name where it is left out."
    )
    public_address = serializers.CharField(
        max_length=300,
        allow_blank=True,
        required=False,
        help_text="host:port by which pipelines speak of this server, where it is another one.",
    )

    def values(self) -> dict[str, Any]:
        """The validated values as `ingestion.sources.add_crawled_source` takes them, beside the address."""
        return {name: value for name, value in self.validated_data.items() if name not in ("url", "password")}


class SourceConnectionChangesSerializer(AddressSerializer):
    """What is left out stays. An empty password stays too, unless server, account or TLS change: then it is sent again."""

    url = serializers.CharField(max_length=2000, required=False)
    unchecked = serializers.BooleanField(default=False, help_text="Save it though the source was not asked.")


class NewSourceConnectionSerializer(AddressSerializer):
    unchecked = serializers.BooleanField(default=False, help_text="Save it though the source was not asked.")


class SourceConnectionSerializer(serializers.Serializer[Any]):
    """How a source is reached; the password is never shown."""

    url = serializers.CharField(source="address.url")
    tls = serializers.CharField()
    tls_ca = serializers.CharField()
    has_password = serializers.BooleanField(source="has_secret")


class ChangedSourceConnectionSerializer(SourceConnectionSerializer):
    reachable = serializers.BooleanField(allow_null=True, help_text="Null where it was not tested.")
    reason = serializers.CharField(help_text="What the test found.")
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="What the change means for the source's datasets."
    )


@extend_schema_view(list=extend_schema(summary="Sources with something that you see, by name"))
class SourceViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Source]):
    serializer_class = SourceSerializer
    pagination_class = KeysetPagination
    keyset_order = ("name", "id")
    queryset = Source.objects.none()
    lookup_field = "slug"
    lookup_value_regex = "[a-z0-9][a-z0-9_-]{0,59}"

    def get_queryset(self) -> QuerySet[Source]:
        rows = Source.objects.visible_to(rest_principal(self.request))
        return rows.select_related("system", "domain")

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if self.request is not None and getattr(self.request, "user", None):
            context["reader"] = rest_principal(self.request)
            context["sees_everything"] = scope_of(context["reader"]).everything
        return context

    @extend_schema(summary="A source, with its ETag")
    def retrieve(self, request: Request, slug: str) -> Response:
        return self._answer(self.get_object())

    @extend_schema(
        summary="Add a source to crawl; for administrators",
        description="Its connection is not tested: `POST sources/{slug}/check/` does that.",
        request=NewSourceSerializer,
        responses={201: SourceSerializer},
    )
    def create(self, request: Request) -> Response:
        wanted = NewSourceSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        added = add_crawled_source(address=wanted.address(), by=rest_principal(request), **wanted.values())
        return self._answer(added, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change what is said of a source and what its crawls include; for owners of its domain",
        parameters=[IF_MATCH],
        request=SourceChangesSerializer,
        responses=SourceSerializer,
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        wanted = SourceChangesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            locked = Source.objects.select_for_update().get(pk=self.get_object().pk)
            check_if_match(request._request, _etag_of_source(locked))
            changed = edit_source(source=locked, changes=wanted.changes(), by=rest_principal(request))
        return self._answer(changed)

    def _answer(self, source: Source, code: int = status.HTTP_200_OK) -> Response:
        headers = {"ETag": _etag_of_source(source)}
        return Response(self.get_serializer(source).data, status=code, headers=headers)


def _etag_of_source(source: Source) -> str:
    """What people say of it; what crawls count does not change it."""
    return etag_of(
        "source", source.pk, source.name, source.system_id, source.domain_id, source.frequency, source.structure,
        source.location, source.description, source.include, source.exclude, source.sampling,
    )  # fmt: skip


class SourceConnectionView(DescribedQuery, APIView):
    @extend_schema(
        summary="How a source is reached, with its ETag; for owners of its domain",
        operation_id="sources_connection",
        responses=SourceConnectionSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        connection = connection_of(_editable(rest_principal(request), slug))
        return Response(SourceConnectionSerializer(connection).data, headers={"ETag": _etag_of_connection(connection)})

    @extend_schema(
        summary="Change how a source is reached; for administrators",
        description=(
            "It is tested first, within five seconds, and nothing is changed where the source does not answer. The namespace"
            " stays, whatever the address becomes."
        ),
        operation_id="sources_connection_change",
        parameters=[IF_MATCH],
        request=SourceConnectionChangesSerializer,
        responses=ChangedSourceConnectionSerializer,
    )
    def patch(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        wanted = SourceConnectionChangesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            source = _editable(by, slug)
            connection = Connection.objects.select_for_update().get(pk=connection_of(source).pk)
            check_if_match(request._request, _etag_of_connection(connection))
            changed = change_source_connection(
                source=source,
                address=wanted.address(connection.address()),
                tls_ca=wanted.validated_data.get("tls_ca"),
                unchecked=wanted.validated_data["unchecked"],
                by=by,
            )
        return self._answer(changed)

    @extend_schema(
        summary="Give a source that was only pushed to its connection; for administrators",
        description=(
            "It is tested first, within five seconds, and nothing is changed where the source does not answer. The address"
            " must lead to the source's namespace. 409 where the source has a connection already."
        ),
        operation_id="sources_connection_create",
        request=NewSourceConnectionSerializer,
        responses={201: ChangedSourceConnectionSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        wanted = NewSourceConnectionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        source = _editable(by, slug)
        check_can_manage_connections(by)
        if source.connection is not None:
            raise Conflict(f"{source} has a connection already. PATCH changes it.")
        made = change_source_connection(
            source=source,
            address=wanted.address(),
            tls_ca=wanted.validated_data.get("tls_ca"),
            unchecked=wanted.validated_data["unchecked"],
            by=by,
        )
        return self._answer(made, status.HTTP_201_CREATED)

    @staticmethod
    def _answer(changed: Reconnected, code: int = status.HTTP_200_OK) -> Response:
        now = connection_of(changed.source)
        answer = {
            **SourceConnectionSerializer(now).data,
            "reachable": changed.check.ok if changed.check else None,
            "reason": changed.check.reason if changed.check else "not tested",
            "warnings": list(changed.told),
        }
        return Response(answer, status=code, headers={"ETag": _etag_of_connection(now)})


def _editable(by: Principal, slug: str) -> Source:
    source = source_for(by, slug)
    check_can_edit_source(by, source)
    return source


def _etag_of_connection(connection: Connection) -> str:
    """A new password makes a new one, though nobody reads it."""
    return etag_of("connection", connection.pk, connection.updated_at.isoformat())


urlpatterns = [
    path("sources/<slug:slug>/connection/", SourceConnectionView.as_view(), name="source-connection"),
]
