"""How lists of jobs and runs are narrowed, and what of a graph is asked for: the same for pages and REST."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypedDict

import django_filters
from django import forms
from django.db.models import QuerySet
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils import timezone

from common.errors import Invalid
from common.filters import IdFilter, TextFilter, TimeField, TimeFilter
from lineage.models import Attention, Job, RejectedEvent, Run, RunState
from lineage.queries import DIRECTIONS, MAX_DEPTH, MAX_NODES, Direction, Slice
from lineage.querysets import JobQuerySet, RunQuerySet

JOB_STATES = [("overdue", "Overdue"), *RunState.choices, ("never", "Never run")]
RUN_STATES = [("overdue", "Overdue"), *RunState.choices]


class JobFilter(django_filters.FilterSet):
    """`q` is a part of the name, `namespace` the exact one, `state` that of the latest run; a run that is overdue is
    running as well."""

    q = TextFilter(field_name="name", lookup_expr="icontains", label="Name")
    namespace = TextFilter(field_name="namespace", label="Namespace")
    state = django_filters.ChoiceFilter(choices=JOB_STATES, label="Latest run", method="in_state")

    class Meta:
        model = Job
        fields = ["q", "namespace", "state"]

    def in_state(self, jobs: JobQuerySet, _name: str, state: str) -> JobQuerySet:
        if state == "overdue":
            return jobs.overdue(timezone.now())
        if state == "never":
            return jobs.filter(attention=Attention.NEVER)
        # The rank as well: of an order by attention only its own stretch is then looked at.
        rank = {"failed": Attention.FAILING, "running": Attention.RUNNING}.get(state, Attention.ENDED)
        return jobs.filter(attention=rank, latest_state=state)


class RunFilter(django_filters.FilterSet):
    """`since` and `until` are of when a run began; a run that is overdue is running as well."""

    q = TextFilter(field_name="job__name", lookup_expr="icontains", label="Part of the job's name")
    job = IdFilter(field_name="job_id", label="Job")
    namespace = TextFilter(field_name="job__namespace", label="Namespace of the job")
    state = django_filters.ChoiceFilter(choices=RUN_STATES, label="State", method="in_state")
    since = TimeFilter(field_name="began_at", lookup_expr="gte", label="Began at or after")
    until = TimeFilter(field_name="began_at", lookup_expr="lt", label="Began before")
    parent = django_filters.UUIDFilter(label="The run that started it")

    class Meta:
        model = Run
        fields = ["q", "job", "namespace", "state", "since", "until", "parent"]

    def in_state(self, runs: RunQuerySet, _name: str, state: str) -> RunQuerySet:
        if state == "overdue":
            return runs.overdue(timezone.now())
        return runs.filter(ended_state=None if state == "running" else state)


class RejectedEventFilter(django_filters.FilterSet):
    token = IdFilter(field_name="token_id", label="Token")

    class Meta:
        model = RejectedEvent
        fields = ["token"]


def narrowed(filters: django_filters.FilterSet) -> QuerySet[Any]:
    """The rows of a filter set; raises `Invalid` with the fields that cannot be read."""
    if not filters.is_valid():
        raise Invalid("The filter cannot be read.", _told(filters.errors))
    return filters.qs


def _told(errors: ErrorDict) -> dict[str, list[str]]:
    return {name: [str(text) for text in texts] for name, texts in errors.items()}


class GraphQuery(TypedDict):
    """What of a graph is asked for: keyword arguments of `lineage.queries.dataset_lineage`."""

    direction: Direction
    depth: int
    limit: int
    slice_: Slice


class ColumnQuery(TypedDict):
    """Keyword arguments of `lineage.queries.column_lineage`."""

    column: str
    direction: Direction
    depth: int
    limit: int
    as_of: dt.datetime | None
    through_influences: bool


class _RangeForm(forms.Form):
    direction = forms.ChoiceField(choices=[(name, name) for name in DIRECTIONS], required=False)
    depth = forms.IntegerField(min_value=1, max_value=MAX_DEPTH, required=False)
    limit = forms.IntegerField(min_value=1, max_value=MAX_NODES, required=False)
    as_of = TimeField(required=False)


class GraphForm(_RangeForm):
    run = forms.UUIDField(required=False)
    version = forms.CharField(max_length=1024, required=False)
    job_version = forms.UUIDField(required=False)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        given = [name for name in _SLICES if values.get(name)]
        if len(given) > 1:
            raise forms.ValidationError(f"Give one of {', '.join(given)}: each asks for other edges.")
        return values


class ColumnForm(_RangeForm):
    column = forms.CharField(max_length=1024, required=False, strip=False)
    influences = forms.ChoiceField(choices=[("apart", "apart"), ("through", "through")], required=False)


_SLICES = ("as_of", "run", "version", "job_version")
GRAPH_LIMIT, COLUMN_LIMIT, DEPTH = 150, 500, 3


def graph_query(query: QueryDict) -> GraphQuery:
    """`?direction=up&depth=3&limit=150`, each with its default, and at most one of `as_of`, `run`, `version` and
    `job_version`; raises `Invalid` for other values."""
    values = _clean(GraphForm(query))
    return {
        "direction": values["direction"] or "both",
        "depth": values["depth"] or DEPTH,
        "limit": values["limit"] or GRAPH_LIMIT,
        "slice_": Slice(**{name: values[name] for name in _SLICES}),
    }


def column_query(query: QueryDict) -> ColumnQuery:
    """`?column=email&direction=up&depth=3&limit=500&as_of=…&influences=through`; raises `Invalid` for other values."""
    values = _clean(ColumnForm(query))
    return {
        "column": values["column"],
        "direction": values["direction"] or "both",
        "depth": values["depth"] or DEPTH,
        "limit": values["limit"] or COLUMN_LIMIT,
        "as_of": values["as_of"],
        "through_influences": values["influences"] == "through",
    }


def _clean(form: forms.Form) -> dict[str, Any]:
    if not form.is_valid():
        raise Invalid(
            "The graph cannot be drawn so.",
            {name.replace("__all__", ""): told for name, told in _told(form.errors).items()},
        )
    return form.cleaned_data
