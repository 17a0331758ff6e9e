"""REST of jobs and runs, for reading, and the root of what REST says of lineage; events are written to `/api/v1/lineage`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.tokens import Scope
from common.described_query import DescribedQuery
from common.keyset import KeysetPagination
from common.pagination import Stretch
from lineage import reading
from lineage.attention import RunOrder, jobs_by_attention, runs_in_order
from lineage.dataset_rest import urlpatterns as dataset_urlpatterns
from lineage.explorer_rest import urlpatterns as explorer_urlpatterns
from lineage.filters import JobFilter, RejectedEventFilter, RunFilter
from lineage.graph_rest import urlpatterns as graph_urlpatterns
from lineage.models import Direction, Job, RejectedEvent, Run, RunState
from lineage.querysets import JobQuerySet, RunQuerySet
from lineage.reading import Use, Uses


class JobSerializer(serializers.ModelSerializer[Job]):
    latest_state = serializers.ChoiceField(choices=[("", ""), *RunState.choices], read_only=True)
    due_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When its latest run should have ended; null once it has."
    )
    overdue = serializers.BooleanField(read_only=True, help_text="Whether its latest run has not ended by `due_at`.")

    class Meta:
        model = Job
        fields = [
            "id", "namespace", "name", "first_seen", "last_seen", "latest_run", "latest_state", "latest_at",
            "usual_seconds", "due_at", "overdue",
        ]  # fmt: skip
        read_only_fields = fields


class UseSerializer(serializers.Serializer[Use]):
    """A dataset that is read or written; one that you may not know of has neither id nor name."""

    direction = serializers.ChoiceField(choices=["input", "output"])
    dataset = serializers.IntegerField(allow_null=True)
    namespace = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    last_at = serializers.DateTimeField()

    def to_representation(self, instance: Use) -> dict[str, Any]:
        dataset = instance.dataset
        return {
            "direction": Direction(instance.direction).name.lower(),
            "dataset": dataset.pk if dataset else None,
            "namespace": dataset.namespace if dataset else None,
            "name": dataset.qualified_name if dataset else None,
            "last_at": serializers.DateTimeField().to_representation(instance.last_at),
        }


class JobDetailSerializer(JobSerializer):
    datasets = UseSerializer(many=True, help_text="What you may be told: with an end of theirs that you may read.")
    facets = serializers.DictField(
        child=serializers.JSONField(),
        allow_null=True,
        help_text="Null for whoever may not read the code of every dataset that the job touches.",
    )

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "datasets", "facets"]


class RunSerializer(serializers.ModelSerializer[Run]):
    state = serializers.ChoiceField(choices=RunState.choices, read_only=True)
    began_at = serializers.DateTimeField(read_only=True)
    due_at = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="Three times its job's usual duration after it began, 10 minutes at least, 24 hours without history; "
        "null once it has ended.",
    )
    overdue = serializers.BooleanField(read_only=True, help_text="Whether it has not ended by `due_at`.")

    class Meta:
        model = Run
        fields = ["id", "job", "state", "began_at", "started_at", "ended_at", "parent", "root", "due_at", "overdue"]
        read_only_fields = fields


class RunDetailSerializer(RunSerializer):
    datasets = UseSerializer(many=True, help_text="What you may be told: with an end of theirs that you may read.")
    facets = serializers.DictField(
        child=serializers.JSONField(),
        allow_null=True,
        help_text="Null for whoever may not read the code of every dataset that the job touches.",
    )

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "datasets", "facets"]


def _told(uses: Uses) -> list[dict[str, Any]]:
    return [UseSerializer(use).data for use in uses.told]


def _facets(found: list[reading.Facet]) -> dict[str, Any]:
    return {facet.name: facet.value for facet in found}


class FamilyRunSerializer(RunSerializer):
    namespace = serializers.CharField(source="job.namespace")
    name = serializers.CharField(source="job.name", help_text="Of its job.")

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "namespace", "name"]
        read_only_fields = fields


class FamilySerializer(serializers.Serializer[Any]):
    """The tree of runs that a run is part of, below `first`: the run that nobody started."""

    first = serializers.UUIDField(help_text="Only those it started may tell of it; it is none of `runs` then.")
    runs = FamilyRunSerializer(
        many=True,
        help_text="Those that you may see, by when they began; `parent` makes the tree, or `root` where the parent never "
        "reported.",
    )
    more = serializers.BooleanField(
        help_text=f"Whether there are more than the {reading.MOST_RUNS} nearest to the root."
    )


def _order(*choices: str) -> OpenApiParameter:
    return OpenApiParameter(
        "order", OpenApiTypes.STR, enum=list(choices), default=choices[0],
        description="`attention` puts first what is overdue, then what failed, then what runs.",
    )  # fmt: skip


@extend_schema_view(
    list=extend_schema(summary="Jobs by name, or what needs somebody first", parameters=[_order("name", "attention")])
)
class JobViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Job]):
    queryset = Job.objects.none()
    serializer_class = JobSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = JobFilter
    lookup_value_regex = "[0-9]{1,18}"
    scope_read = Scope.LINEAGE_READ

    def get_queryset(self) -> JobQuerySet:
        return Job.objects.visible_to(rest_principal(self.request)).listed().with_overdue(timezone.now())

    def stretches(self, jobs: JobQuerySet) -> list[Stretch[Job]]:
        if self.request.GET.get("order") == "attention":
            return jobs_by_attention(jobs, timezone.now())
        return [Stretch(jobs, ("name", "id"))]

    @extend_schema(summary="A job, and what it reads and writes", responses=JobDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        principal = rest_principal(request)
        job = reading.visible_job(principal, int(pk))
        extra = {
            "datasets": _told(reading.uses_of_job(principal, job)),
            "facets": _facets(reading.job_facets(job)) if reading.may_read_code(principal, job) else None,
        }
        return Response(JobSerializer(job).data | extra)


@extend_schema_view(
    list=extend_schema(summary="Runs, latest or what needs somebody first", parameters=[_order("latest", "attention")])
)
class RunViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[Run]):
    queryset = Run.objects.none()
    serializer_class = RunSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = RunFilter
    # A router of regular expressions reads this one, and no converter.
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    scope_read = Scope.LINEAGE_READ

    def get_queryset(self) -> RunQuerySet:
        return Run.objects.visible_to(rest_principal(self.request)).with_overdue(timezone.now()).select_related("job")

    def stretches(self, runs: RunQuerySet) -> list[Stretch[Run]]:
        order: RunOrder = "attention" if self.request.GET.get("order") == "attention" else "latest"
        return runs_in_order(runs, order, timezone.now())

    @extend_schema(summary="A run, and what it read and wrote", responses=RunDetailSerializer)
    def retrieve(self, request: Request, pk: Any) -> Response:
        principal = rest_principal(request)
        run = reading.visible_run(principal, pk)
        extra = {
            "datasets": _told(reading.uses_of_run(principal, run)),
            "facets": _facets(reading.run_facets(run)) if reading.may_read_run(principal, run) else None,
        }
        return Response(RunSerializer(run).data | extra)

    @extend_schema(summary="The tree of runs that a run is part of", filters=False, responses=FamilySerializer)
    @action(detail=True, pagination_class=None)
    def family(self, request: Request, pk: Any) -> Response:
        principal = rest_principal(request)
        family = reading.family_of(principal, reading.visible_run(principal, pk), timezone.now())
        runs = sorted(family.runs.values(), key=lambda run: (run.began_at, run.pk))
        return Response(FamilySerializer({"first": family.root, "runs": runs, "more": family.more}).data)


class RejectedEventSerializer(serializers.ModelSerializer[RejectedEvent]):
    class Meta:
        model = RejectedEvent
        fields = ["id", "token", "rejected_at", "status", "field", "reason", "batch_index", "size", "body"]
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(
        summary="Events that the intake refused of your tokens, newest first; for administrators of everybody's"
    )
)
class RejectedEventViewSet(DescribedQuery, mixins.ListModelMixin, GenericViewSet[RejectedEvent]):
    queryset = RejectedEvent.objects.none()
    serializer_class = RejectedEventSerializer
    pagination_class = KeysetPagination
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = RejectedEventFilter
    scope_read = Scope.LINEAGE_READ

    def get_queryset(self) -> QuerySet[RejectedEvent]:
        return RejectedEvent.objects.visible_to(rest_principal(self.request))


def register(router: DefaultRouter) -> None:
    router.register("jobs", JobViewSet, basename="job")
    router.register("job-runs", RunViewSet, basename="job-run")
    router.register("rejected-events", RejectedEventViewSet, basename="rejected-event")


urlpatterns = [*graph_urlpatterns, *explorer_urlpatterns, *dataset_urlpatterns]
