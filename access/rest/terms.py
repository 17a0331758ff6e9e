"""REST of terms to accept."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions import publish_terms, retire_terms, revise_terms
from access.agreements import terms_for
from access.models import Terms
from access.rest.requests import IF_MATCH, checked, visible_dataset
from accounts.authentication import rest_principal
from accounts.rest import PrincipalSerializer
from catalog.models import Domain
from classification.models import Level
from common.described_query import DescribedQuery
from common.errors import Invalid
from common.filters import IdFilter
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination


class TermsSerializer(serializers.ModelSerializer[Terms]):
    """One version of terms. It concerns data of a level and above, or a domain and those below it."""

    level = serializers.SlugRelatedField[Level](slug_field="slug", read_only=True, allow_null=True)
    domain = serializers.SlugRelatedField[Domain](slug_field="slug", read_only=True, allow_null=True)
    published_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = Terms
        fields = ["id", "slug", "number", "name", "text", "level", "domain", "valid_from", "valid_to", "published_by"]
        read_only_fields = fields


class NewTermsSerializer(BodySerializer):
    name = serializers.CharField(max_length=150)
    text = serializers.CharField(max_length=20_000, help_text="Markdown.")
    level = serializers.SlugField(max_length=60, required=False, allow_null=True, default=None)
    domain = serializers.SlugField(max_length=60, required=False, allow_null=True, default=None)


class RevisionSerializer(BodySerializer):
    text = serializers.CharField(max_length=20_000, help_text="Markdown.")


class TermsFilter(filters.FilterSet):
    """`dataset=7`: those in force that a request for the whole dataset must accept."""

    dataset = IdFilter(method="by_dataset")

    class Meta:
        model = Terms
        fields: Sequence[str] = ()

    def by_dataset(self, queryset: QuerySet[Terms], name: str, value: int) -> QuerySet[Terms]:
        dataset = visible_dataset(rest_principal(self.request), int(value))
        return queryset.filter(pk__in=[one.pk for one in terms_for(dataset, ())])


def etag_of_terms(terms: Terms) -> str:
    return etag_of("terms", terms.pk, terms.valid_to)


@extend_schema_view(list=extend_schema(summary="Every version of terms, newest first"))
class TermsViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Terms]):
    queryset = Terms.objects.none()
    serializer_class = TermsSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = TermsFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Terms]:
        return Terms.objects.select_related("level", "domain", "published_by__user")

    @extend_schema(summary="A version of terms")
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(self.get_object())

    @extend_schema(summary="Publish new terms", request=NewTermsSerializer, responses={201: TermsSerializer})
    def create(self, request: Request) -> Response:
        values = checked(NewTermsSerializer, request)
        level = Level.objects.filter(slug=values["level"]).first() if values["level"] else None
        domain = Domain.objects.filter(slug=values["domain"]).first() if values["domain"] else None
        for name, found in (("level", level), ("domain", domain)):
            if values[name] and found is None:
                raise Invalid(f"There is no such {name}.", {name: ["Choose one that there is."]})
        made = publish_terms(
            name=values["name"], text=values["text"], level=level, domain=domain, by=rest_principal(request)
        )
        return _answer(made, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Replace a version by a new one",
        request=RevisionSerializer,
        responses={201: TermsSerializer},
        parameters=[IF_MATCH],
    )
    @action(detail=True, methods=["post"])
    def revise(self, request: Request, pk: str) -> Response:
        text = checked(RevisionSerializer, request)["text"]
        made = revise_terms(terms=self._matched(), text=text, by=rest_principal(request))
        return _answer(made, status.HTTP_201_CREATED)

    @extend_schema(summary="Retire terms", request=None, responses=TermsSerializer, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        return _answer(retire_terms(terms=self._matched(), by=rest_principal(request)))

    def _matched(self) -> Terms:
        found: Terms = self.get_object()
        check_if_match(self.request._request, etag_of_terms(found))
        return found


def _answer(terms: Terms, code: int = status.HTTP_200_OK) -> Response:
    return Response(TermsSerializer(terms).data, status=code, headers={"ETag": etag_of_terms(terms)})
