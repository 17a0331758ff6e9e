"""How lists of jobs and runs are narrowed, and what of a graph is asked for: the same for pages and REST."""

from __future__ import annotations

from typing import Any, TypedDict

import django_filters
from django import forms
from django.db.models import QuerySet
from django.forms.utils import ErrorDict
from django.http import QueryDict

from common.errors import Invalid
from common.filters import IdFilter, TextFilter
from lineage.models import Job, Run, RunState
from lineage.queries import DIRECTIONS, MAX_DEPTH, MAX_NODES, Direction


class JobFilter(django_filters.FilterSet):
    """`q` is a part of the name, `namespace` the exact one, `state` that of the latest run."""

    q = TextFilter(field_name="name", lookup_expr="icontains", label="Name")
    namespace = TextFilter(field_name="namespace", label="Namespace")
    state = django_filters.ChoiceFilter(field_name="latest_state", choices=RunState.choices, label="Latest run")

    class Meta:
        model = Job
        fields = ["q", "namespace", "state"]


class RunFilter(django_filters.FilterSet):
    job = IdFilter(field_name="job_id", label="Job")
    state = django_filters.ChoiceFilter(choices=RunState.choices, label="State")
    parent = django_filters.UUIDFilter(label="The run that started it")

    class Meta:
        model = Run
        fields = ["job", "state", "parent"]


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


class GraphForm(forms.Form):
    direction = forms.ChoiceField(choices=[(name, name) for name in DIRECTIONS], required=False)
    depth = forms.IntegerField(min_value=1, max_value=MAX_DEPTH, required=False)
    limit = forms.IntegerField(min_value=1, max_value=MAX_NODES, required=False)


def graph_query(query: QueryDict) -> GraphQuery:
    """`?direction=up&depth=3&limit=150`, each with its default; raises `Invalid` for other values."""
    form = GraphForm(query)
    if not form.is_valid():
        raise Invalid("The graph cannot be drawn so.", _told(form.errors))
    values = form.cleaned_data
    return {
        "direction": values["direction"] or "both",
        "depth": values["depth"] or 3,
        "limit": values["limit"] or 150,
    }
