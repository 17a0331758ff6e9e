"""REST of levels and labels."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.rest import PrincipalSerializer
from catalog.models import Dataset, Field, Tier
from classification.actions import add_level, clear_level, delete_level, edit_level, reorder_levels, set_level
from classification.models import LONGEST_GRANT_DAYS, MOST_APPROVALS, Category, Label, Level
from classification.querysets import LabelQuerySet
from classification.rest.bodies import IF_MATCH, checked
from common.components import COLOURS
from common.described_query import DescribedQuery
from common.errors import Invalid, NotFound
from common.filters import IdFilter, TextFilter
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

MOST_TARGETS = 10_000


class LevelSerializer(serializers.ModelSerializer[Level]):
    class Meta:
        model = Level
        fields = [
            "slug",
            "name",
            "rank",
            "description",
            "handling",
            "colour",
            "longest_grant_days",
            "approvals",
            "updated_at",
        ]
        read_only_fields = fields


class LevelChangeSerializer(BodySerializer):
    """What of a level may be changed; its place is changed by `levels/order/`."""

    name = serializers.CharField(max_length=60, required=False)
    description = serializers.CharField(allow_blank=True, max_length=10_000, required=False)
    handling = serializers.CharField(allow_blank=True, max_length=10_000, required=False)
    colour = serializers.ChoiceField(choices=[(colour, colour.capitalize()) for colour in COLOURS], required=False)
    longest_grant_days = serializers.IntegerField(min_value=1, max_value=LONGEST_GRANT_DAYS, required=False)
    approvals = serializers.IntegerField(min_value=1, max_value=MOST_APPROVALS, required=False)


class NewLevelSerializer(LevelChangeSerializer):
    slug = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=60)
    colour = serializers.ChoiceField(choices=[(colour, colour.capitalize()) for colour in COLOURS])
    above = serializers.SlugField(
        required=False,
        help_text="The slug of the level below it; without it the new one is the most sensitive.",
    )


class LevelOrderSerializer(BodySerializer):
    """The slugs of all levels, least sensitive first."""

    order = serializers.ListField(child=serializers.SlugField(max_length=60), max_length=1000)


class LabelSerializer(serializers.ModelSerializer[Label]):
    """A level on a dataset, or on one of its fields where `field` is not null."""

    evidence = serializers.JSONField(read_only=True)
    level: serializers.SlugRelatedField[Level] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    path = serializers.ListField(
        child=serializers.CharField(), source="field.path", read_only=True, allow_null=True, default=None
    )
    author = PrincipalSerializer(read_only=True)
    category: serializers.SlugRelatedField[Category] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True
    )
    rule_set = serializers.IntegerField(
        source="rule_set.version", read_only=True, allow_null=True, default=None, help_text="The version of the rules."
    )

    class Meta:
        model = Label
        fields = [
            "id", "dataset", "field", "path", "level", "category", "state", "origin", "author", "reason", "confidence",
            "rule_set", "evidence", "hint", "valid_from", "valid_to",
        ]  # fmt: skip
        read_only_fields = fields


class TargetsSerializer(BodySerializer):
    """Datasets and fields by their ids, and why."""

    datasets = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        default=list,
        max_length=MOST_TARGETS,
    )
    fields_ = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        default=list,
        max_length=MOST_TARGETS,
    )
    reason = serializers.CharField(max_length=2000)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`fields` is a property of every serializer, so the field of that name is put in here."""
        found = super().get_fields()
        found["fields"] = found.pop("fields_")
        return found


class SetLevelSerializer(TargetsSerializer):
    level = serializers.SlugField(max_length=60, help_text="The slug of a level.")


class ChangedSerializer(serializers.Serializer[Any]):
    """How many labels were written or ended; what was so already is not counted."""

    changed = serializers.IntegerField(min_value=0)


class LabelFilter(filters.FilterSet):
    dataset = IdFilter()
    field = IdFilter()
    level = TextFilter(field_name="level__slug")
    state = filters.ChoiceFilter(choices=Label.State.choices)
    current = filters.BooleanFilter(
        field_name="valid_to", lookup_expr="isnull", label="Only what holds now; false: only what ended."
    )

    class Meta:
        model = Label
        fields: list[str] = []


def etag_of_level(level: Level) -> str:
    return etag_of("level", level.pk, level.rank, level.updated_at.isoformat())


@extend_schema_view(list=extend_schema(summary="Levels, least sensitive first"))
class LevelViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Level]):
    queryset = Level.objects.all()
    serializer_class = LevelSerializer
    pagination_class = KeysetPagination
    keyset_order = ("rank", "id")
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,60}"

    @extend_schema(summary="A level")
    def retrieve(self, request: Request, slug: str) -> Response:
        return _answer_level(self.get_object())

    @extend_schema(summary="Add a level", request=NewLevelSerializer, responses={201: LevelSerializer})
    def create(self, request: Request) -> Response:
        values = checked(NewLevelSerializer, request)
        above = values.pop("above", None)
        below = Level.objects.filter(slug=above).first() if above else None
        if above and below is None:
            raise Invalid("There is no such level to stand above.", {"above": [f"no level is called {above}"]})
        level = add_level(**values, above=below, by=rest_principal(request))
        return _answer_level(level, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a level",
        request=LevelChangeSerializer,
        responses=LevelSerializer,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        level = self.get_object()
        check_if_match(request._request, etag_of_level(level))
        changes = checked(LevelChangeSerializer, request)
        return _answer_level(edit_level(level=level, changes=changes, by=rest_principal(request)))

    @extend_schema(summary="Delete a level that was never used", responses={204: None}, parameters=[IF_MATCH])
    def destroy(self, request: Request, slug: str) -> Response:
        level = self.get_object()
        check_if_match(request._request, etag_of_level(level))
        delete_level(level=level, by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Order the levels anew", request=LevelOrderSerializer, responses=LevelSerializer(many=True))
    @action(detail=False, methods=["post"], pagination_class=None)
    def order(self, request: Request) -> Response:
        slugs = checked(LevelOrderSerializer, request)["order"]
        known = {level.slug: level for level in Level.objects.all()}
        unknown = [slug for slug in slugs if slug not in known]
        if unknown:
            raise Invalid("Name the levels that exist.", {"order": [f"no level is called {slug}" for slug in unknown]})
        reorder_levels(order=[known[slug] for slug in slugs], by=rest_principal(request))
        return Response(LevelSerializer(Level.objects.order_by("rank"), many=True).data)


@extend_schema_view(
    list=extend_schema(summary="Labels of datasets and fields, newest first"),
    retrieve=extend_schema(summary="A label"),
)
class LabelViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Label]):
    queryset = Label.objects.none()
    serializer_class = LabelSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = LabelFilter
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> LabelQuerySet:
        shown: LabelQuerySet = Label.objects.visible_to(rest_principal(self.request))
        return shown.select_related("level", "category", "rule_set", "field", "author")

    @extend_schema(
        summary="Put a level on datasets and fields", request=SetLevelSerializer, responses=ChangedSerializer
    )
    def create(self, request: Request) -> Response:
        values = checked(SetLevelSerializer, request)
        level = Level.objects.filter(slug=values["level"]).first()
        if level is None:
            raise Invalid("There is no such level.", {"level": [f"no level is called {values['level']}"]})
        by = rest_principal(request)
        datasets, fields = _targets(by, values)
        made = set_level(datasets=datasets, fields=fields, level=level, reason=values["reason"], by=by)
        return Response({"changed": len(made)})

    @extend_schema(
        summary="Take the level off datasets and fields",
        request=TargetsSerializer,
        responses=ChangedSerializer,
    )
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def clear(self, request: Request) -> Response:
        values = checked(TargetsSerializer, request)
        by = rest_principal(request)
        datasets, fields = _targets(by, values)
        return Response({"changed": clear_level(datasets=datasets, fields=fields, reason=values["reason"], by=by)})


def _answer_level(level: Level, code: int = status.HTTP_200_OK) -> Response:
    return Response(LevelSerializer(level).data, status=code, headers={"ETag": etag_of_level(level)})


def _targets(by: Principal, values: dict[str, Any]) -> tuple[list[Dataset], list[Field]]:
    """The datasets and fields of these ids, all of them visible; two statements.

    A field is hidden from whoever may only know that its dataset exists.
    """
    datasets = list(Dataset.objects.visible_to(by).filter(pk__in=values["datasets"]))
    described: QuerySet[Dataset] = Dataset.objects.visible_to(by, Tier.METADATA)
    fields = list(Field.objects.filter(pk__in=values["fields"], dataset__in=described))
    if len(datasets) < len(set(values["datasets"])) or len(fields) < len(set(values["fields"])):
        raise NotFound("One of these datasets or fields does not exist, or you may not see it.")
    return datasets, fields
