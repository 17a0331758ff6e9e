"""REST of categories and rule sets."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.rest import PrincipalSerializer
from classification.actions import add_category, apply_rule_set, discard_rule_set, draft_rule_set, edit_category
from classification.models import Category, Level, Reclassification, RuleSet
from classification.permissions import check_can_edit_rules
from classification.rest.bodies import IF_MATCH, checked, named
from classification.rule_queries import last_pass
from classification.tasks import reclassify
from classification.trying import MOST_NAMES, MOST_VALUES, try_rules
from common.described_query import DescribedQuery
from common.errors import NotFound
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination


class CategorySerializer(serializers.ModelSerializer[Category]):
    level: serializers.SlugRelatedField[Level] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    names = serializers.ListField(child=serializers.CharField(), read_only=True)
    patterns = serializers.ListField(child=serializers.CharField(), read_only=True)
    abbreviations = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Category
        fields = [
            "slug", "name", "level", "jurisdiction", "personal", "special", "description", "shipped", "enabled", "names",
            "abbreviations", "patterns", "checksum", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class CategoryChangeSerializer(BodySerializer):
    """What of a category may be changed; how a shipped one is found is the detectors'."""

    name = serializers.CharField(max_length=80, required=False)
    level = serializers.SlugField(max_length=60, required=False, help_text="The slug of a level.")
    jurisdiction = serializers.RegexField("^[A-Z]{2}$|^$", required=False, allow_blank=True)
    personal = serializers.BooleanField(required=False)
    special = serializers.BooleanField(required=False)
    description = serializers.CharField(allow_blank=True, max_length=10_000, required=False)
    enabled = serializers.BooleanField(required=False)
    names = serializers.ListField(child=serializers.CharField(max_length=100), max_length=200, required=False)
    abbreviations = serializers.DictField(child=serializers.CharField(max_length=100), required=False)
    patterns = serializers.ListField(child=serializers.CharField(max_length=500), max_length=50, required=False)
    checksum = serializers.CharField(allow_blank=True, max_length=40, required=False)


class NewCategorySerializer(CategoryChangeSerializer):
    slug = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=80)
    level = serializers.SlugField(max_length=60, help_text="The slug of a level.")
    enabled = None  # type: ignore[assignment]  # a new category is looked for


class RuleSetSerializer(serializers.ModelSerializer[RuleSet]):
    made_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = RuleSet
        fields = ["version", "state", "weights_version", "made_at", "made_by", "applied_at"]
        read_only_fields = fields


class FoundSerializer(serializers.Serializer[Any]):
    """What the rule set adds, changes and removes of one category."""

    category = serializers.CharField(source="category.slug")
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()


class PreviewSerializer(serializers.Serializer[Any]):
    """A pass over the stored columns, by name. Values are not stored: `kept` suggestions rest on them till the next sample."""

    progress = serializers.CharField(source="row.state", help_text="running, done, failed or stopped")
    datasets = serializers.IntegerField(source="row.datasets")
    done = serializers.IntegerField(source="row.done")
    columns = serializers.IntegerField(source="row.columns")
    kept = serializers.IntegerField()
    found = FoundSerializer(many=True)


class TrySerializer(BodySerializer):
    """Names, and values that are judged and forgotten."""

    names = serializers.ListField(child=serializers.CharField(max_length=500), min_length=1, max_length=MOST_NAMES)
    type = serializers.CharField(max_length=100, allow_blank=True, default="")
    values = serializers.ListField(
        child=serializers.CharField(max_length=10_000, allow_blank=True), max_length=MOST_VALUES, default=list
    )


class ContributionSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    text = serializers.CharField()
    weight = serializers.FloatField(help_text="In log-odds.")


class VerdictSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    category = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField()
    evidence = ContributionSerializer(many=True)


def etag_of_category(category: Category) -> str:
    return etag_of("category", category.pk, category.updated_at.isoformat())


@extend_schema_view(list=extend_schema(summary="Categories by slug"))
class CategoryViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Category]):
    queryset = Category.objects.select_related("level")
    serializer_class = CategorySerializer
    pagination_class = KeysetPagination
    keyset_order = ("slug", "id")
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,60}"

    @extend_schema(summary="A category")
    def retrieve(self, request: Request, slug: str) -> Response:
        return _answer_category(self.get_object())

    @extend_schema(summary="Add a category", request=NewCategorySerializer, responses={201: CategorySerializer})
    def create(self, request: Request) -> Response:
        values = _with_level(checked(NewCategorySerializer, request))
        return _answer_category(add_category(**values, by=rest_principal(request)), status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a category",
        request=CategoryChangeSerializer,
        responses=CategorySerializer,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        category = self.get_object()
        check_if_match(request._request, etag_of_category(category))
        changes = _with_level(checked(CategoryChangeSerializer, request))
        return _answer_category(edit_category(category=category, changes=changes, by=rest_principal(request)))


@extend_schema_view(list=extend_schema(summary="Rule sets, newest first"), retrieve=extend_schema(summary="A rule set"))
class RuleSetViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[RuleSet]):
    queryset = RuleSet.objects.select_related("made_by__user")
    serializer_class = RuleSetSerializer
    pagination_class = KeysetPagination
    keyset_order = ("-version", "id")
    lookup_field = "version"
    lookup_value_regex = "[0-9]{1,9}"

    @extend_schema(
        summary="Draft a rule set from the categories as they are", request=None, responses={201: RuleSetSerializer}
    )
    def create(self, request: Request) -> Response:
        made = draft_rule_set(by=rest_principal(request))
        transaction.on_commit(lambda: reclassify.delay(made.pk))
        return Response(RuleSetSerializer(made.rule_set).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="What a draft would change", responses=PreviewSerializer)
    @action(detail=True, methods=["get"], pagination_class=None)
    def preview(self, request: Request, version: str) -> Response:
        check_can_edit_rules(rest_principal(request))
        found = last_pass(self.get_object(), Reclassification.Purpose.PREVIEW)
        if found is None:
            raise NotFound("This rule set was never looked at.")
        return Response(PreviewSerializer(found).data)

    @extend_schema(summary="Apply a draft that was looked at", request=None, responses=RuleSetSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def apply(self, request: Request, version: str) -> Response:
        found = apply_rule_set(rule_set=self.get_object(), by=rest_principal(request))
        transaction.on_commit(lambda: reclassify.delay(found.pk))
        return Response(RuleSetSerializer(found.rule_set).data)

    @extend_schema(summary="Discard a draft", request=None, responses={204: None})
    @action(detail=True, methods=["post"], pagination_class=None)
    def discard(self, request: Request, version: str) -> Response:
        discard_rule_set(rule_set=self.get_object(), by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Try the rules as they are edited", request=TrySerializer, responses=VerdictSerializer(many=True)
    )
    @action(detail=False, methods=["post"], url_path="try", pagination_class=None)
    def try_out(self, request: Request) -> Response:
        check_can_edit_rules(rest_principal(request))
        values = checked(TrySerializer, request)
        verdicts = try_rules(names=values["names"], type=values["type"], values=values["values"])
        found = [
            {"name": name, "category": one.category, "confidence": one.confidence, "evidence": one.evidence}
            for name, one in zip(values["names"], verdicts, strict=True)
        ]
        return Response(VerdictSerializer(found, many=True).data)


def _with_level(values: dict[str, Any]) -> dict[str, Any]:
    return values | ({"level": named(Level.objects.all(), "level", values)} if "level" in values else {})


def _answer_category(category: Category, code: int = status.HTTP_200_OK) -> Response:
    return Response(CategorySerializer(category).data, status=code, headers={"ETag": etag_of_category(category)})
