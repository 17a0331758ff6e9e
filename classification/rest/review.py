"""REST of suggestions, of coverage, and of labels as CSV."""

from __future__ import annotations

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from accounts.authentication import rest_principal
from classification.actions import accept, reject, relabel, undo
from classification.actions.importing import import_labels
from classification.coverage import Coverage, coverage_by, recent_shares, trend
from classification.label_csv import planned
from classification.models import Category, CoverageDay, Decision, Label, Level, NegativeRule
from classification.querysets import LabelQuerySet
from classification.rest.bodies import LONG_TEXT, checked, named
from classification.review import MOST_AT_ONCE, PAGE, Group, Narrowed, groups_of, waiting_for
from classification.withdrawing import Withdrawal, withdrawn_by
from common.described_query import DescribedQuery
from common.errors import Invalid, NotFound
from common.filters import IdFilter, TextFilter
from common.json_body import BodySerializer
from common.keyset import KeysetPagination


class SuggestionSerializer(serializers.ModelSerializer[Label]):
    """A label that waits for a decision."""

    level: serializers.SlugRelatedField[Level] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    category: serializers.SlugRelatedField[Category] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    path = serializers.ListField(child=serializers.CharField(), source="field.path", read_only=True)
    evidence = serializers.JSONField(read_only=True)
    rule_set = serializers.IntegerField(source="rule_set.version", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Label
        fields = [
            "id", "dataset", "field", "path", "category", "level", "confidence", "evidence", "phrase", "rule_set", "valid_from",
        ]  # fmt: skip
        read_only_fields = fields


class ChosenSerializer(BodySerializer):
    """Suggestions by their ids."""

    suggestions = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=1, max_length=MOST_AT_ONCE
    )
    reason = serializers.CharField(max_length=LONG_TEXT, allow_blank=True, default="")


class RejectSerializer(ChosenSerializer):
    reason = serializers.CharField(max_length=LONG_TEXT)
    as_rule = serializers.ChoiceField(
        choices=NegativeRule.Scope.choices,
        required=False,
        help_text="Rules out look-alike columns in this scope as well.",
    )


class PreviewSerializer(BodySerializer):
    """Suggestions by their ids, and the scope of the rule that rejecting them would make."""

    suggestions = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=1, max_length=MOST_AT_ONCE
    )
    as_rule = serializers.ChoiceField(choices=NegativeRule.Scope.choices)


class WithdrawalSerializer(serializers.Serializer[Any]):
    """What one rule would withdraw beyond the suggestions: of the columns that you see."""

    category = serializers.CharField()
    phrase = serializers.CharField(source="rule.phrase")
    count = serializers.IntegerField(help_text="Columns whose suggestion would be withdrawn.")
    datasets = serializers.IntegerField()
    sample = serializers.ListField(child=serializers.IntegerField(), help_text="Some of these suggestions, by id.")

    def to_representation(self, instance: Withdrawal) -> dict[str, Any]:
        return {
            "category": instance.category,
            "phrase": instance.rule.phrase,
            "count": instance.count,
            "datasets": instance.datasets,
            "sample": [label.pk for label in instance.sample],
        }


class GroupSerializer(serializers.Serializer[Group]):
    """Suggestions for columns that look alike; list them by category, level, phrase and type."""

    category = serializers.SlugField(source="category.slug")
    level = serializers.SlugField(source="level.slug")
    phrase = serializers.CharField(source="key.phrase")
    type = serializers.CharField(source="key.type")
    count = serializers.IntegerField(help_text="Columns.")
    datasets = serializers.IntegerField()
    certainty = serializers.FloatField(help_text="How certain the detectors are on average: 0 to 1.")
    sample = serializers.SerializerMethodField(help_text="Some of the suggestions by id, the least certain first.")

    def get_sample(self, group: Group) -> list[int]:
        return [label.pk for label in group.sample]


class GroupPageSerializer(serializers.Serializer[Any]):
    next = serializers.IntegerField(allow_null=True, help_text="Where the next page starts, if there is one.")
    results = GroupSerializer(many=True)


class CoverageDaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    columns = serializers.IntegerField()
    decided = serializers.IntegerField()
    suggested = serializers.IntegerField()
    clear = serializers.IntegerField(help_text="Looked at: nothing was found, or what was found was rejected.")


class RelabelSerializer(ChosenSerializer):
    reason = serializers.CharField(max_length=LONG_TEXT)
    category = serializers.SlugField(max_length=60, required=False)
    level = serializers.SlugField(max_length=60, required=False, help_text="Without it, the category's.")


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    class Meta:
        model = Decision
        fields = ["id", "kind", "at", "reason", "count", "undone_at"]
        read_only_fields = fields


class UndoSerializer(BodySerializer):
    decision = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class RestoredSerializer(serializers.Serializer[Any]):
    restored = serializers.IntegerField(help_text="How many suggestions wait again.")


class CoverageSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField()
    name = serializers.CharField()
    columns = serializers.IntegerField()
    decided = serializers.IntegerField()
    suggested = serializers.IntegerField()
    clear = serializers.IntegerField(help_text="Looked at: nothing was found, or what was found was rejected.")
    undecided = serializers.IntegerField(help_text="Not looked at.")
    shares = serializers.SerializerMethodField(
        help_text="The share that was decided or clear on some of the last 90 days, spread evenly, oldest first: 0 to 1."
    )

    def get_shares(self, one: Coverage) -> list[float]:
        shares: list[float] = self.context["shares"].get(one.subject[:200], [])
        return shares


class ImportSerializer(BodySerializer):
    """A file in the form of the export. Without `apply` nothing is changed."""

    csv = serializers.CharField(max_length=10 * 1024 * 1024, trim_whitespace=False)
    reason = serializers.CharField(max_length=LONG_TEXT)
    apply = serializers.BooleanField(default=False)


class FaultSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    text = serializers.CharField()


class PlannedSerializer(serializers.Serializer[Any]):
    """How many columns the file changes (or changed, if `applied`), how many it leaves, and the lines that cannot be used."""

    applied = serializers.BooleanField()
    changes = serializers.IntegerField()
    same = serializers.IntegerField()
    faults = FaultSerializer(many=True)


class SuggestionFilter(filters.FilterSet):
    dataset = IdFilter()
    category = TextFilter(field_name="category__slug")
    level = TextFilter(field_name="level__slug")
    phrase = TextFilter()
    type = TextFilter(field_name="field__type")

    class Meta:
        model = Label
        fields: list[str] = []


_SLUG = {"type": "string", "maxLength": 60, "pattern": "^[-a-zA-Z0-9_]+$"}
_NARROWED = [OpenApiParameter(name, _SLUG) for name in ("category", "source", "domain")]
_START = OpenApiParameter("start", {"type": "integer", "minimum": 0, "maximum": 9_999_999}, description="From `next`.")


@extend_schema_view(list=extend_schema(summary="Suggestions that you may decide about, newest first"))
class SuggestionViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Label]):
    queryset = Label.objects.none()
    serializer_class = SuggestionSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = SuggestionFilter

    def get_queryset(self) -> LabelQuerySet:
        found: LabelQuerySet = waiting_for(rest_principal(self.request))
        return found.select_related("level", "category", "rule_set", "field")

    @extend_schema(
        summary="Suggestions in groups of columns that look alike, riskiest and least certain first",
        parameters=[*_NARROWED, _START],
        responses=GroupPageSerializer,
    )
    @action(detail=False, filter_backends=[], pagination_class=None)
    def groups(self, request: Request) -> Response:
        asked = request.query_params
        start = int(asked.get("start", 0))
        narrowed = Narrowed(**{name: asked.get(name, "") for name in ("category", "source", "domain")})
        found, more = groups_of(rest_principal(request), narrowed, start=start)
        return Response(GroupPageSerializer({"next": start + PAGE if more else None, "results": found}).data)

    @extend_schema(summary="Accept suggestions", request=ChosenSerializer, responses=DecisionSerializer)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def accept(self, request: Request) -> Response:
        values = checked(ChosenSerializer, request)
        labels = self._chosen(values)
        return Response(
            DecisionSerializer(accept(labels=labels, by=rest_principal(request), reason=values["reason"])).data
        )

    @extend_schema(summary="Reject suggestions", request=RejectSerializer, responses=DecisionSerializer)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def reject(self, request: Request) -> Response:
        values = checked(RejectSerializer, request)
        scope = NegativeRule.Scope(values["as_rule"]) if "as_rule" in values else None
        labels = self._chosen(values)
        decision = reject(labels=labels, by=rest_principal(request), reason=values["reason"], as_rule=scope)
        return Response(DecisionSerializer(decision).data)

    @extend_schema(
        summary="See what rejecting as a rule would withdraw",
        request=PreviewSerializer,
        responses=WithdrawalSerializer(many=True),
    )
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def preview(self, request: Request) -> Response:
        values = checked(PreviewSerializer, request)
        found = withdrawn_by(
            labels=self._chosen(values), scope=NegativeRule.Scope(values["as_rule"]), by=rest_principal(request)
        )
        return Response(WithdrawalSerializer(found, many=True).data)

    @extend_schema(summary="Label otherwise than suggested", request=RelabelSerializer, responses=DecisionSerializer)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def relabel(self, request: Request) -> Response:
        values = checked(RelabelSerializer, request)
        decision = relabel(
            labels=self._chosen(values),
            category=named(Category.objects.select_related("level"), "category", values),
            level=named(Level.objects.all(), "level", values),
            reason=values["reason"],
            by=rest_principal(request),
        )
        return Response(DecisionSerializer(decision).data)

    @extend_schema(summary="Undo a decision", request=UndoSerializer, responses=RestoredSerializer)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def undo(self, request: Request) -> Response:
        by = rest_principal(request)
        decision = Decision.objects.filter(pk=checked(UndoSerializer, request)["decision"], by=by).first()
        if decision is None:
            raise NotFound("There is no such decision of yours.")
        return Response({"restored": undo(decision=decision, by=by)})

    def _chosen(self, values: dict[str, Any]) -> list[Label]:
        """The suggestions of these ids, all of them the principal's to decide; one statement."""
        found = list(self.get_queryset().select_related("dataset__source").filter(pk__in=values["suggestions"]))
        if len(found) < len(set(values["suggestions"])):
            raise NotFound("One of these suggestions does not wait, or you may not decide about it.")
        return found


_BY = [by.value for by in CoverageDay.By]
_COVERAGE_BY = OpenApiParameter("by", OpenApiTypes.STR, enum=_BY, required=True)
_TREND_OF = [
    OpenApiParameter(
        "by", OpenApiTypes.STR, enum=_BY, description="Of one source, domain or owner; without it, of all."
    ),
    OpenApiParameter(
        "subject", {"type": "string", "maxLength": 200}, description="Which: the slug or name of the list."
    ),
]


class CoverageViewSet(DescribedQuery, ViewSet):
    @extend_schema(
        summary="Coverage of what you see", parameters=[_COVERAGE_BY], responses=CoverageSerializer(many=True)
    )
    def list(self, request: Request) -> Response:
        by, principal = _by(request), rest_principal(request)
        shares = recent_shares(principal, by)
        return Response(CoverageSerializer(coverage_by(principal, by), many=True, context={"shares": shares}).data)

    @extend_schema(
        summary="Coverage of the domains that you read in the last 90 days, oldest first",
        parameters=_TREND_OF,
        responses=CoverageDaySerializer(many=True),
    )
    @action(detail=False)
    def trend(self, request: Request) -> Response:
        asked = request.query_params
        by = _by(request) if "by" in asked or "subject" in asked else None
        days = trend(rest_principal(request), by, asked.get("subject", ""))
        return Response(CoverageDaySerializer(days, many=True).data)


def _by(request: Request) -> CoverageDay.By:
    by = request.query_params.get("by", "")
    if by not in _BY:
        raise Invalid("by is source, domain or owner.", {"by": ["source, domain or owner"]})
    return CoverageDay.By(by)


class LabelImportViewSet(DescribedQuery, ViewSet):
    @extend_schema(
        summary="See what a CSV file of labels would change, or apply it",
        request=ImportSerializer,
        responses={200: PlannedSerializer},
    )
    def create(self, request: Request) -> Response:
        values = checked(ImportSerializer, request)
        by = rest_principal(request)
        plan = planned(by, values["csv"].encode())
        if values["apply"]:
            import_labels(wanted=plan.changes, reason=values["reason"], by=by)
        found = {
            "applied": values["apply"],
            "changes": len(plan.changes),
            "same": plan.same,
            "faults": plan.faults,
        }
        return Response(PlannedSerializer(found).data)
