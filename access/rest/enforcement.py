"""REST of how grants are carried out in sources: settings, plans, logins, findings, the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.actions import accept_finding, adopt_finding, ask_comparison, confirm_plan, name_login, set_enforcement
from access.enforcement.logins import lacking_since
from access.enforcement.queries import SourceOverview, enforced_sources, overviews, service_grants_of, waiting_plan
from access.models import PROFILES, DatabaseLogin, Enforcement, Finding, Grant, JournalEntry, Reconciliation
from access.permissions import check_can_enforce_grants, check_can_see_enforcement
from access.querysets import FindingQuerySet
from access.rest.requests import IF_MATCH, GrantSerializer, checked
from accounts.authentication import rest_principal
from accounts.models import Principal
from accounts.recent import check_may_decide_now
from accounts.rest import PrincipalSerializer
from catalog.models import Source
from catalog.queries.members import members_called
from classification.limits import LONGEST_GRANT_DAYS
from common.described_query import DescribedQuery
from common.errors import Invalid, NotFound
from common.filters import IdFilter
from common.http import check_if_match, etag_of
from common.json_body import BodySerializer
from common.keyset import KeysetPagination

_SETTING = ("mode", "profile", "revoke_limit", "prefix", "mask_schema", "ends_sessions")


class EnforcementSerializer(serializers.Serializer[Any]):
    """How grants are carried out in a source, and how they stand there."""

    id = serializers.IntegerField(source="source.pk", help_text="Of the source.")
    source = serializers.SlugField(source="source.slug")  # type: ignore[assignment]
    mode = serializers.ChoiceField(choices=Enforcement.Mode.choices, source="setting.mode")
    profile = serializers.ChoiceField(choices=PROFILES, source="setting.profile")
    revoke_limit = serializers.IntegerField(source="setting.revoke_limit")
    prefix = serializers.CharField(source="setting.prefix")
    mask_schema = serializers.CharField(source="setting.mask_schema")
    ends_sessions = serializers.BooleanField(source="setting.ends_sessions")
    checked_at = serializers.DateTimeField(source="setting.checked_at", allow_null=True)
    problem = serializers.CharField(
        source="setting.problem", help_text="Why it cannot be compared now; empty if it can."
    )
    active = serializers.IntegerField(help_text="Grants that were read back.")
    waiting = serializers.IntegerField(help_text="Grants on their way in or out.")
    failing = serializers.IntegerField()
    findings = serializers.IntegerField(help_text="What the source allows and nobody approved.")


class SettingSerializer(BodySerializer):
    mode = serializers.ChoiceField(choices=Enforcement.Mode.choices, required=False)
    profile = serializers.ChoiceField(choices=PROFILES, required=False)
    revoke_limit = serializers.IntegerField(min_value=0, max_value=1_000_000, required=False)
    prefix = serializers.RegexField(r"^[a-z][a-z0-9_]{0,19}$", required=False)
    mask_schema = serializers.RegexField(r"^[a-z][a-z0-9_]{0,39}$", required=False)
    ends_sessions = serializers.BooleanField(required=False)


class PlanSerializer(serializers.ModelSerializer[Reconciliation]):
    """Steps with their exact statements, what undoes them, why, and the grants concerned."""

    confirmed_by = PrincipalSerializer(read_only=True, allow_null=True)
    plan = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Reconciliation
        fields = [
            "id", "state", "started_at", "message", "plan", "plan_hash", "steps", "revokes", "confirmed_by",
            "confirmed_at",
        ]  # fmt: skip
        read_only_fields = fields


class ConfirmationSerializer(BodySerializer):
    plan_hash = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="Of the plan that you looked at.")


class StatementsSerializer(serializers.Serializer[Any]):
    statements = serializers.ListField(child=serializers.CharField())


class JournalEntrySerializer(serializers.ModelSerializer[JournalEntry]):
    grants = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = JournalEntry
        fields = [
            "id", "source", "reconciliation", "change", "statements", "undo", "grants", "reason", "risk", "state", "at",
            "settled_at", "error",
        ]  # fmt: skip
        read_only_fields = fields


class LoginSerializer(serializers.ModelSerializer[DatabaseLogin]):
    principal = PrincipalSerializer(read_only=True)

    class Meta:
        model = DatabaseLogin
        fields = ["id", "source", "principal", "name", "valid_from", "valid_to"]
        read_only_fields = fields


class NamedLoginSerializer(LoginSerializer):
    lacking_since = serializers.SerializerMethodField(
        help_text="When the source was last read and had no such login: grants wait for it. Null: it has one, or was not read."
    )

    class Meta(LoginSerializer.Meta):
        fields = [*LoginSerializer.Meta.fields, "lacking_since"]
        read_only_fields = fields

    def get_lacking_since(self, login: DatabaseLogin) -> dt.datetime | None:
        return lacking_since(login.source, login.name)


class NewLoginSerializer(BodySerializer):
    source = serializers.IntegerField(min_value=1, max_value=2**63 - 1)  # type: ignore[assignment]
    person = serializers.CharField(max_length=254, help_text="A user name or e-mail address.")
    name = serializers.CharField(max_length=128)


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """`remedy` are the statements with which an administrator of the source ends it."""

    principal = PrincipalSerializer(read_only=True, allow_null=True)
    resolved_by = PrincipalSerializer(read_only=True, allow_null=True)
    resolution = serializers.ChoiceField(
        choices=[("", "Open"), *Finding.Resolution.choices], read_only=True, help_text="Empty while it is open."
    )

    class Meta:
        model = Finding
        fields = [
            "id", "source", "kind", "sentence", "grantee", "principal", "dataset", "columns", "remedy", "first_seen",
            "last_seen", "resolution", "resolved_at", "resolved_by", "note",
        ]  # fmt: skip
        read_only_fields = fields


class AcceptanceSerializer(BodySerializer):
    note = serializers.CharField(max_length=2000, help_text="Why it may stay.")


class AdoptionSerializer(BodySerializer):
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_GRANT_DAYS)
    note = serializers.CharField(max_length=2000, help_text="Why they need it.")


def _mine(request: Request) -> QuerySet[Source]:
    return enforced_sources(rest_principal(request))


class EnforcementViewSet(DescribedQuery, GenericViewSet[Source]):
    """By the id of the source."""

    queryset = Source.objects.none()
    serializer_class = EnforcementSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Source]:
        return _mine(self.request)

    @extend_schema(summary="Sources whose enforcement you may read", responses=EnforcementSerializer(many=True))
    def list(self, request: Request) -> Response:
        page = list(self.paginate_queryset(self.get_queryset().order_by()) or [])
        return self.get_paginated_response([_shown(one) for one in overviews(page)])

    @extend_schema(summary="The enforcement of a source", responses=EnforcementSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return _answer(self._source())

    @extend_schema(
        summary="Set how grants are carried out in a source",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=SettingSerializer,
        responses=EnforcementSerializer,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        values = checked(SettingSerializer, request)
        source = self._source()
        check_if_match(request._request, _etag(source))
        set_enforcement(source=source, by=rest_principal(request), **values)
        return _answer(Source.objects.select_related("enforcement", "connection").get(pk=source.pk))

    @extend_schema(summary="Compare a source now", request=None, responses={202: None})
    @action(detail=True, methods=["post"])
    def compare(self, request: Request, pk: str) -> Response:
        ask_comparison(source=self._source(), by=rest_principal(request))
        return Response(status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="The plan that waits, or that a dry run made", responses=PlanSerializer)
    @action(detail=True)
    def plan(self, request: Request, pk: str) -> Response:
        return Response(PlanSerializer(self._plan()).data)

    @extend_schema(
        summary="Let the waiting plan be carried out as it is",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=ConfirmationSerializer,
        responses=PlanSerializer,
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        values = checked(ConfirmationSerializer, request)
        done = confirm_plan(reconciliation=self._plan(), by=rest_principal(request), **values)
        return Response(PlanSerializer(done).data)

    @extend_schema(summary="What the catalog's account needs, as statements", responses=StatementsSerializer)
    @action(detail=True, url_path="service-grants")
    def service_grants(self, request: Request, pk: str) -> Response:
        source = self._source()
        made = service_grants_of(source, getattr(source, "enforcement", None))
        return Response({"statements": list(made)})

    def _source(self) -> Source:
        pk = self.kwargs["pk"]
        source = Source.objects.visible_to(rest_principal(self.request)).filter(pk=pk)
        found = source.select_related("enforcement", "connection").first()
        if found is None:
            raise NotFound("There is no such source, or you may not see it.")
        check_can_see_enforcement(rest_principal(self.request), found)
        return found

    def _plan(self) -> Reconciliation:
        found = waiting_plan(self._source())
        if found is None:
            raise NotFound("No plan waits for this source: it holds what it should, or was not compared yet.")
        return found


@extend_schema_view(list=extend_schema(summary="What was run in sources, newest last"))
class JournalViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[JournalEntry]):
    queryset = JournalEntry.objects.none()
    serializer_class = JournalEntrySerializer
    pagination_class = KeysetPagination

    class JournalFilter(filters.FilterSet):
        source = IdFilter()
        reconciliation = IdFilter()

        class Meta:
            model = JournalEntry
            fields: Sequence[str] = ()

    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = JournalFilter

    def get_queryset(self) -> QuerySet[JournalEntry]:
        return JournalEntry.objects.filter(source__in=_mine(self.request).order_by().values("pk"))


@extend_schema_view(list=extend_schema(summary="As whom people log in to sources"))
class LoginViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[DatabaseLogin]):
    queryset = DatabaseLogin.objects.none()
    serializer_class = LoginSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    class LoginFilter(filters.FilterSet):
        source = IdFilter()
        principal = IdFilter()

        class Meta:
            model = DatabaseLogin
            fields: Sequence[str] = ()

    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = LoginFilter

    def get_queryset(self) -> QuerySet[DatabaseLogin]:
        mine = DatabaseLogin.objects.filter(source__in=_mine(self.request).order_by().values("pk"))
        return mine.filter(valid_to__isnull=True).select_related("principal__user", "source")

    @extend_schema(
        summary="Say as whom somebody logs in",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=NewLoginSerializer,
        responses={201: NamedLoginSerializer},
    )
    def create(self, request: Request) -> Response:
        check_may_decide_now(request)
        values = checked(NewLoginSerializer, request)
        by = rest_principal(request)
        source = Source.objects.visible_to(by).filter(pk=values["source"]).first()
        if source is None:
            raise NotFound("There is no such source, or you may not see it.")
        check_can_enforce_grants(by, source)
        made = name_login(source=source, principal=_person(values["person"]), name=values["name"], by=by)
        return Response(NamedLoginSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Forget a login: what it was granted is taken",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=None,
        responses={204: None},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        found = self.get_object()
        name_login(source=found.source, principal=found.principal, name="", by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema_view(
    list=extend_schema(summary="What sources allow and nobody approved"), retrieve=extend_schema(summary="A finding")
)
class FindingViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Finding]):
    queryset = Finding.objects.none()
    serializer_class = FindingSerializer
    pagination_class = KeysetPagination
    lookup_value_regex = "[0-9]{1,18}"

    class FindingFilter(filters.FilterSet):
        """`role=reviewer`: those that wait for you, to adopt or to accept."""

        source = IdFilter()
        dataset = IdFilter()
        kind = filters.ChoiceFilter(choices=Finding.Kind.choices)
        open = filters.BooleanFilter(method="by_open")
        role = filters.ChoiceFilter(method="by_role", choices=[("reviewer", "Those that wait for you")])

        class Meta:
            model = Finding
            fields: Sequence[str] = ()

        def by_open(self, queryset: FindingQuerySet, name: str, value: bool) -> FindingQuerySet:
            return queryset.open() if value else queryset.exclude(resolution="")

        def by_role(self, queryset: FindingQuerySet, name: str, value: str) -> FindingQuerySet:
            return queryset.judgeable_by(rest_principal(self.request))

    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = FindingFilter

    def get_queryset(self) -> QuerySet[Finding]:
        mine = Finding.objects.visible_to(rest_principal(self.request))
        return mine.select_related("source", "principal__user", "resolved_by__user", "dataset")

    @extend_schema(summary="Accept a finding as it is", request=AcceptanceSerializer, responses=FindingSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        values = checked(AcceptanceSerializer, request)
        done = accept_finding(finding=self.get_object(), by=rest_principal(request), **values)
        return Response(FindingSerializer(done).data)

    @extend_schema(
        summary="Adopt a finding as a grant",
        description="Needs a sign-in that is not long ago, or a token with the scope access:approve.",
        request=AdoptionSerializer,
        responses={201: GrantSerializer},
    )
    @action(detail=True, methods=["post"])
    def adopt(self, request: Request, pk: str) -> Response:
        check_may_decide_now(request)
        values = checked(AdoptionSerializer, request)
        made: Grant = adopt_finding(finding=self.get_object(), by=rest_principal(request), **values)
        return Response(GrantSerializer(made).data, status=status.HTTP_201_CREATED)


def _person(text: str) -> Principal:
    found = members_called([text]).called(text)
    if not isinstance(found, Principal):
        raise Invalid(
            "Name a person with an open account.", {"person": ["Nobody with an open account is called that."]}
        )
    return found


def _shown(overview: SourceOverview) -> dict[str, Any]:
    told = {
        "source": overview.source,
        "setting": overview.enforcement or Enforcement(mode=Enforcement.Mode.OFF),
        "active": overview.active,
        "waiting": overview.waiting,
        "failing": overview.failing,
        "findings": overview.findings,
    }
    return dict(EnforcementSerializer(told).data)


def _etag(source: Source) -> str:
    setting = getattr(source, "enforcement", None)
    return etag_of("enforcement", source.pk, *(getattr(setting, name, "") for name in _SETTING))


def _answer(source: Source) -> Response:
    (overview,) = overviews([source])
    return Response(_shown(overview), headers={"ETag": _etag(source)})
