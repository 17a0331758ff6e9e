"""REST of crawls: runs, and what may be asked of a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.models import ApiToken, Principal
from accounts.tokens import Scope
from catalog.actions import edit_source
from catalog.models import SamplingAmount, Source
from catalog.permissions import check_can_edit_source
from common.described_query import DescribedQuery
from common.errors import Forbidden, Invalid
from common.filters import LARGEST_ID
from common.json_body import BodySerializer, JsonParser
from common.keyset import KeysetPagination
from ingestion.actions import cancel_run, confirm_plan, cron_of, push_snapshots, request_crawl, set_schedule
from ingestion.models import Run, RunLogLine, RunState
from ingestion.permissions import can_crawl_source, check_can_crawl_source
from ingestion.queries import run_for, runs_for, schedule_of, source_for
from ingestion.sources import check_source, grants_of
from ingestion.views import send


@extend_schema_serializer(component_name="CrawlRun")
class RunSerializer(serializers.ModelSerializer[Run]):
    """A crawl: how far it is and how it ended."""

    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]  # declared, not the option
        slug_field="slug", read_only=True
    )
    requested_by = serializers.StringRelatedField[Any]()
    plan = serializers.SerializerMethodField()
    seconds_left = serializers.FloatField(allow_null=True, read_only=True)

    class Meta:
        model = Run
        fields = [
            "id", "source", "state", "trigger", "dry_run", "requested_by", "queued_at", "started_at", "finished_at",
            "heartbeat_at", "cancel_requested_at", "phase", "datasets_read", "datasets_expected", "seconds_left",
            "tables_sampled", "tables_to_sample", "schemas", "plan", "message", "retry_of",
        ]  # fmt: skip
        read_only_fields = fields

    def get_plan(self, run: Run) -> dict[str, Any]:
        """What the run would change or changed: counts, and the first names of each kind."""
        return {name: value for name, value in run.plan.items() if name != "staged"}


class LogLineSerializer(serializers.ModelSerializer[RunLogLine]):
    class Meta:
        model = RunLogLine
        fields = ["id", "at", "severity", "text"]
        read_only_fields = fields


class CrawlSerializer(BodySerializer):
    dry_run = serializers.BooleanField(default=False, help_text="Show the plan and change nothing.")


class ScheduleSerializer(BodySerializer):
    cron = serializers.CharField(
        max_length=200,
        allow_blank=True,
        help_text="Minute, hour, day of month, month, day of week, in UTC; empty: none.",
    )
    enabled = serializers.BooleanField(default=True)


class SamplingSerializer(BodySerializer):
    sampling = serializers.ChoiceField(
        choices=SamplingAmount.choices,
        help_text="How much crawls read of each table, to profile and classify it.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    reason = serializers.CharField()
    version = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
    grants = serializers.ListField(child=serializers.CharField())


@extend_schema_view(
    list=extend_schema(
        summary="Runs, the newest first",
        parameters=[
            OpenApiParameter("state", str, enum=RunState.values),
            OpenApiParameter(
                "source",
                {"type": "string", "maxLength": 60, "pattern": "^[-a-zA-Z0-9_]+$"},
                description="Slug of a source.",
            ),
        ],
    ),
    retrieve=extend_schema(summary="A run"),
)
class RunViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Run]):
    serializer_class = RunSerializer
    pagination_class = KeysetPagination
    queryset = Run.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Run]:
        runs = runs_for(rest_principal(self.request))
        if self.action != "list":
            return runs
        state = self.request.query_params.get("state")
        source = self.request.query_params.get("source")
        if state is not None:
            runs = runs.filter(state=state)
        return runs.filter(source__slug=source) if source is not None else runs


class RunLogView(DescribedQuery, APIView):
    @extend_schema(
        summary="The log of a run",
        operation_id="runs_log",
        parameters=[
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
                description="Lines after this one's id.",
            )
        ],
        responses=LogLineSerializer(many=True),
    )
    def get(self, request: Request, run_id: int) -> Response:
        run = run_for(rest_principal(request), run_id)
        after = int(request.query_params.get("after", 0))
        lines = run.log.filter(pk__gt=after).order_by("pk")[:1000]
        return Response(LogLineSerializer(lines, many=True).data)


class RunCancelView(DescribedQuery, APIView):
    @extend_schema(summary="Cancel an open run", operation_id="runs_cancel", request=None, responses=RunSerializer)
    def post(self, request: Request, run_id: int) -> Response:
        by = rest_principal(request)
        return Response(RunSerializer(cancel_run(run=run_for(by, run_id), by=by)).data)


class RunConfirmView(DescribedQuery, APIView):
    @extend_schema(
        summary="Let the plan of a waiting run pass",
        operation_id="runs_confirm",
        request=None,
        responses=RunSerializer,
    )
    def post(self, request: Request, run_id: int) -> Response:
        by = rest_principal(request)
        run = confirm_plan(run=run_for(by, run_id), by=by)
        transaction.on_commit(lambda: send(run))
        return Response(RunSerializer(run).data)


class SourceCrawlView(DescribedQuery, APIView):
    @extend_schema(
        summary="Queue a crawl of a source",
        operation_id="sources_crawl",
        request=CrawlSerializer,
        responses={202: RunSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        source = source_for(by, slug)
        wanted = CrawlSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        run = request_crawl(source=source, by=by, **wanted.validated_data)
        transaction.on_commit(lambda: send(run))
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class SourceCheckView(DescribedQuery, APIView):
    @extend_schema(
        summary="Test the connection of a source, within five seconds",
        operation_id="sources_check",
        request=None,
        responses=CheckSerializer,
    )
    def post(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        source = source_for(by, slug)
        check_can_edit_source(by, source)
        check = check_source(source)
        answer = {
            "ok": check.ok,
            "reason": check.reason,
            "version": check.version,
            "warnings": list(check.warnings),
            "grants": list(grants_of(source)),
        }
        return Response(answer)


class SourceScheduleView(DescribedQuery, APIView):
    @extend_schema(
        summary="When a source is crawled by itself",
        operation_id="sources_schedule",
        responses=ScheduleSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        schedule = schedule_of(source_for(rest_principal(request), slug))
        enabled = bool(schedule and schedule.periodic_task.enabled)
        return Response({"cron": cron_of(schedule) or "", "enabled": enabled})

    @extend_schema(
        summary="Set when a source is crawled by itself",
        operation_id="sources_schedule_set",
        request=ScheduleSerializer,
        responses=ScheduleSerializer,
    )
    def put(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        source = source_for(by, slug)
        wanted = ScheduleSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        schedule = set_schedule(source=source, by=by, **wanted.validated_data)
        return Response({"cron": cron_of(schedule) or "", "enabled": bool(schedule and schedule.periodic_task.enabled)})


class SourceSamplingView(DescribedQuery, APIView):
    @extend_schema(
        summary="Whether crawls of a source read rows",
        operation_id="sources_sampling",
        responses=SamplingSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response({"sampling": source_for(rest_principal(request), slug).sampling})

    @extend_schema(
        summary="Set whether crawls of a source read rows",
        operation_id="sources_sampling_set",
        request=SamplingSerializer,
        responses=SamplingSerializer,
    )
    def put(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        source = source_for(by, slug)
        wanted = SamplingSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        source = edit_source(source=source, changes=wanted.validated_data, by=by)
        return Response({"sampling": source.sampling})


class LinesParser(BaseParser):
    """One JSON value a line, read as it comes: the body is never held whole."""

    media_type = "application/x-ndjson"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class SourceSnapshotsView(DescribedQuery, APIView):
    """Take a reading that a connector made elsewhere."""

    scope_write = Scope.SNAPSHOT_WRITE
    parser_classes = [LinesParser, JsonParser]

    @extend_schema(
        summary="Push a reading of a source: one JSON value a line",
        operation_id="sources_push",
        description=(
            "The values of `catalog.snapshots`: `schemas`, `dataset`, `unchanged`, `schema_read`, `schema_failed`, told"
            " apart by `type`. Compared and applied by a worker; what may be called gone is only what a `schema_read` covers."
        ),
        request={"application/x-ndjson": OpenApiTypes.STR},
        responses={202: RunSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        by = rest_principal(request)
        source = source_for_push(by, slug)
        _check_namespace(request.auth, source)
        if request.content_type.split(";")[0].strip() != LinesParser.media_type:
            raise Invalid(f"Send the readings as {LinesParser.media_type}, one JSON value a line.")
        run = push_snapshots(source=source, lines=_lines(request._request), by=by)
        send(run)
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


def source_for_push(by: Principal, slug: str) -> Source:
    """The source that `by` may push to; one that it may neither see nor push to does not exist for it."""
    source = Source.objects.filter(slug=slug).first()
    if source is None or not can_crawl_source(by, source):
        source = source_for(by, slug)
        check_can_crawl_source(by, source)
    return source


def _check_namespace(auth: object, source: Source) -> None:
    """Raises `Forbidden` where the token is for other namespaces: that its owner has another one for this says nothing."""
    if isinstance(auth, ApiToken) and auth.namespaces and source.namespace not in auth.namespaces:
        raise Forbidden(f"The token {auth.name} may not speak of the namespace {source.namespace}. Add it to its list.")


def _lines(request: HttpRequest, limit: int = 64 * 1024 * 1024 + 1) -> Iterator[bytes]:
    while line := request.readline(limit):
        yield line


urlpatterns = [
    path("runs/<int:run_id>/log/", RunLogView.as_view(), name="run-log"),
    path("runs/<int:run_id>/cancel/", RunCancelView.as_view(), name="run-cancel"),
    path("runs/<int:run_id>/confirm/", RunConfirmView.as_view(), name="run-confirm"),
    path("sources/<slug:slug>/crawl/", SourceCrawlView.as_view(), name="source-crawl"),
    path("sources/<slug:slug>/check/", SourceCheckView.as_view(), name="source-check"),
    path("sources/<slug:slug>/schedule/", SourceScheduleView.as_view(), name="source-schedule"),
    path("sources/<slug:slug>/sampling/", SourceSamplingView.as_view(), name="source-sampling"),
    path("sources/<slug:slug>/snapshots/", SourceSnapshotsView.as_view(), name="source-snapshots"),
]
