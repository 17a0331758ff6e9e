"""REST of who can read a dataset or a column, and of what somebody can read."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.effective import what_reads, who_reads
from access.evidence import ToldRoute
from access.models import EmergencyReview
from access.permissions import check_can_explain, check_can_explain_reader
from access.provisioning.facts import RelationKind
from access.provisioning.readers import Way
from access.readers_asking import column_of, moment_of
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.rest import PrincipalSerializer
from catalog.models import Tier
from catalog.queries.datasets import visible_dataset
from common.described_query import DescribedQuery

_AT = OpenApiParameter("at", OpenApiTypes.DATETIME, description="A past time; left out: now.")
_COLUMN: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}


class ApprovedBySerializer(serializers.Serializer[Any]):
    """Who approved at a step; `acting_for` is whose authority they used."""

    by = PrincipalSerializer(read_only=True)
    acting_for = PrincipalSerializer(read_only=True)
    at = serializers.DateTimeField()


class PolicyVersionNamedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    number = serializers.IntegerField()


class EmergencyNamedSerializer(serializers.Serializer[Any]):
    """The review of what its holder opened in an emergency; `verdict` is empty until somebody has closed it."""

    review = serializers.IntegerField(source="pk")
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    verdict = serializers.ChoiceField(choices=EmergencyReview.Verdict.choices, read_only=True, allow_blank=True)
    reviewed_by = PrincipalSerializer(source="closed_by", read_only=True, allow_null=True)
    reviewed_at = serializers.DateTimeField(source="closed_at", allow_null=True)


class EvidenceSerializer(serializers.Serializer[Any]):
    """The grant that explains a way. `over`: it has ended, and the source still lets its holder read. `emergency`: nobody
    approved it, its holder opened it, which `granted_by` is then.
    """

    grant = serializers.IntegerField(source="grant.pk")
    request = serializers.IntegerField(source="grant.request_id", allow_null=True)
    valid_from = serializers.DateTimeField(source="grant.valid_from")
    valid_to = serializers.DateTimeField(source="grant.valid_to")
    granted_by = PrincipalSerializer(source="given_by", read_only=True)
    approvals = ApprovedBySerializer(many=True)
    policies = PolicyVersionNamedSerializer(source="versions", many=True, help_text="In the version that was in force.")
    record = serializers.IntegerField(source="record_id", allow_null=True, help_text="Of the audit.")
    over = serializers.BooleanField(source="is_over")
    emergency = EmergencyNamedSerializer(allow_null=True)


class AcceptanceSerializer(serializers.Serializer[Any]):
    """Who let stay what no grant explains, when and why."""

    by = PrincipalSerializer(source="resolved_by", read_only=True)
    at = serializers.DateTimeField(source="resolved_at")
    note = serializers.CharField()


class RouteSerializer(serializers.Serializer[Any]):
    """A way to what was asked. `open` is false where a right opens nothing; `set_role` must be set first ("": none).

    `drift`: it is open, nobody approved or accepted it, and it is not the catalog's own login. `finding` is its work item;
    `acceptance` says who let it stay, null where nobody had by then.
    """

    open = serializers.BooleanField(source="route.is_open")
    way = serializers.ChoiceField(source="route.way", choices=[(way.value, way.value) for way in Way])
    account = serializers.CharField(source="route.account")
    set_role = serializers.CharField(source="route.set_role")
    filtered = serializers.BooleanField(source="route.filtered", help_text="Row security shows some rows only.")
    why = serializers.CharField(source="sentence")
    evidence = EvidenceSerializer(allow_null=True)
    drift = serializers.BooleanField(source="is_drift")
    finding = serializers.SerializerMethodField()
    acceptance = AcceptanceSerializer(allow_null=True)

    def get_finding(self, told: ToldRoute) -> int | None:
        return told.finding.pk if told.finding else None


class ReaderSerializer(serializers.Serializer[Any]):
    """A login or a role with its ways. `reads` at once, `may` after SET ROLE, or is `blocked`."""

    login = serializers.CharField(source="reader.name")
    can_login = serializers.BooleanField(source="reader.can_login")
    principal = PrincipalSerializer(read_only=True, allow_null=True)
    standing = serializers.ChoiceField(choices=[("reads", "reads"), ("may", "may"), ("blocked", "blocked")])
    routes = RouteSerializer(many=True)


class DefaultSerializer(serializers.Serializer[Any]):
    made_by = serializers.CharField(source="creator")
    readable_to = serializers.CharField(source="grantee", help_text="Empty for everybody.")


class ReadersSerializer(serializers.Serializer[Any]):
    """Who could read a dataset, or one column of it.

    `known` is false where the catalog does not read the source's privileges. `told_at` is the reading that this is from,
    null where there was none by then; where `unknown_until` is set nothing is known of the time between.
    """

    dataset = serializers.IntegerField(source="dataset.pk")
    column = serializers.IntegerField(source="field.pk", allow_null=True, default=None)
    at = serializers.DateTimeField()
    level = serializers.CharField(source="level.slug", allow_null=True, default=None, help_text="At that time.")
    known = serializers.BooleanField(source="is_known")
    told_at = serializers.DateTimeField(source="observed.told_at", allow_null=True)
    unknown_until = serializers.DateTimeField(source="observed.until", allow_null=True)
    people = ReaderSerializer(many=True)
    roles = ReaderSerializer(many=True)
    new_tables = DefaultSerializer(source="future", many=True, help_text="What tables made here are born with.")


class ReadableSerializer(serializers.Serializer[Any]):
    """A relation of a source. `columns` is empty where all are read; `shows` are relations that a view reads."""

    source = serializers.CharField(source="source.slug")  # type: ignore[assignment]
    dataset = serializers.IntegerField(source="dataset.pk", allow_null=True, default=None)
    path = serializers.ListField(child=serializers.CharField())
    kind = serializers.ChoiceField(choices=[(kind.value, kind.value) for kind in RelationKind])
    columns = serializers.ListField(child=serializers.CharField())
    shows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    routes = RouteSerializer(many=True)


class ReadingLoginSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(source="source.slug")  # type: ignore[assignment]
    login = serializers.CharField()
    told_at = serializers.DateTimeField(source="observed.told_at", allow_null=True)
    unknown_until = serializers.DateTimeField(source="observed.until", allow_null=True)


class RecordedGrantSerializer(serializers.Serializer[Any]):
    """A grant in a source whose privileges were not read, or that knows no login of its holder: the decision stands,
    whether the source lets them read is not known. `columns` is empty where it is of all.
    """

    dataset = serializers.IntegerField(source="evidence.grant.dataset_id")
    source = serializers.CharField(source="evidence.grant.dataset.source.slug", allow_null=True, default=None)  # type: ignore[assignment]
    columns = serializers.ListField(child=serializers.CharField())
    why = serializers.CharField(source="sentence")
    evidence = EvidenceSerializer()


class ReadsSerializer(serializers.Serializer[Any]):
    """What somebody could read. `yours_only`: of datasets that you answer for. `recorded` are grants beside `relations`, in
    sources of which those do not tell.
    """

    principal = PrincipalSerializer(read_only=True)
    at = serializers.DateTimeField()
    yours_only = serializers.BooleanField(source="is_partial")
    logins = ReadingLoginSerializer(source="sources", many=True)
    relations = ReadableSerializer(source="datasets", many=True)
    recorded = RecordedGrantSerializer(many=True)


class DatasetReadersView(DescribedQuery, APIView):
    @extend_schema(
        operation_id="datasets_readers_retrieve",
        summary="Who can read a dataset or a column, and why",
        description="For its owners, the stewards and owners of its domain, and administrators.",
        parameters=[_AT, OpenApiParameter("column", _COLUMN, description="The id of a field; left out: any column.")],
        responses=ReadersSerializer,
    )
    def get(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        dataset = visible_dataset(principal, dataset_id, tier=Tier.DISCOVER)
        check_can_explain(principal, dataset)
        asked = request.query_params
        field = column_of(dataset, asked.get("column", ""))
        return Response(ReadersSerializer(who_reads(dataset, field, at=moment_of(asked.get("at", "")))).data)


class PrincipalReadsView(DescribedQuery, APIView):
    @extend_schema(
        operation_id="principals_reads_retrieve",
        summary="What somebody can read, and why",
        description="Everybody may ask of themselves, administrators of anybody, and whoever answers for datasets what"
        " somebody reads of those.",
        parameters=[_AT],
        responses=ReadsSerializer,
    )
    def get(self, request: Request, principal_id: int) -> Response:
        asker = rest_principal(request)
        principal = get_object_or_404(Principal.objects.select_related("user"), pk=principal_id)
        check_can_explain_reader(asker, principal)
        found = what_reads(principal, asker=asker, at=moment_of(request.query_params.get("at", "")))
        return Response(ReadsSerializer(found).data)


urlpatterns = [
    path("datasets/<int:dataset_id>/readers/", DatasetReadersView.as_view(), name="dataset-readers"),
    path("principals/<int:principal_id>/reads/", PrincipalReadsView.as_view(), name="principal-reads"),
]
