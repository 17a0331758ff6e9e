"""How a list of datasets is narrowed: one filter set for pages, export and REST."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Q, QuerySet

from catalog.models import Dataset
from catalog.snapshots import DatasetKind
from common.errors import Invalid

if TYPE_CHECKING:
    from django.http import QueryDict

NONE = "none"
"""The value of a filter that finds what has nothing there: no domain, no owner, no level."""

FACETS = ("system", "source", "kind", "level", "owner", "domain", "tag")
"""The filters that are offered with counts, in the order in which they are shown."""

MAX_VALUES = 50
_MAX_LENGTH = 300


class SeveralField(forms.MultipleChoiceField):
    """Any number of short texts, of which each may be one of `choices` where there are any; empty ones say nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, **kwargs})
        self.validators.append(_check_texts)

    def to_python(self, value: Any) -> list[str]:
        return [text for text in super().to_python(value) if text]

    def valid_value(self, value: Any) -> bool:
        return super().valid_value(value) if self.choices else True


def _check_texts(values: Iterable[str]) -> None:
    listed = list(values)
    if len(listed) > MAX_VALUES:
        raise forms.ValidationError(f"Choose at most {MAX_VALUES} values.")
    for value in listed:
        ProhibitNullCharactersValidator()(value)
        if len(value) > _MAX_LENGTH:
            raise forms.ValidationError(f"A value has at most {_MAX_LENGTH} characters.")


class OneOf(django_filters.Filter):
    """What has one of the given values in a column; `none` stands for no value where `nullable`."""

    field_class: type[SeveralField] = SeveralField

    def __init__(self, *args: Any, nullable: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.nullable = nullable

    def condition(self, values: Iterable[str]) -> Q:
        listed = list(values)
        found = Q(**{f"{self.field_name}__in": self.values_of([value for value in listed if value != NONE])})
        if self.nullable and NONE in listed:
            found |= self.nothing()
        return found

    def values_of(self, values: list[str]) -> list[Any]:
        return values

    def nothing(self) -> Q:
        return Q(**{f"{self.field_name}__isnull": True})

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.filter(self.condition(value)) if value else qs


class RankField(SeveralField):
    def valid_value(self, value: Any) -> bool:
        return value == NONE or (str(value).isascii() and str(value).isdigit() and len(str(value)) < 4)


class AmongRanks(OneOf):
    """The same for levels, by rank."""

    field_class: type[SeveralField] = RankField

    def values_of(self, values: list[str]) -> list[Any]:
        return [int(value) for value in values]


class IdField(SeveralField):
    def valid_value(self, value: Any) -> bool:
        return str(value).isascii() and str(value).isdigit() and len(str(value)) < 19


class AmongIds(AmongRanks):
    """The same for ids."""

    field_class = IdField


class AnyOf(OneOf):
    """What has one of the given values in an array column."""

    def condition(self, values: Iterable[str]) -> Q:
        listed = list(values)
        found = Q(**{f"{self.field_name}__overlap": [value for value in listed if value != NONE]})
        if NONE in listed:
            found |= Q(**{self.field_name: []})
        return found


class DatasetFilters(django_filters.FilterSet):
    """Narrows datasets; each filter may be repeated, and values of one filter are alternatives."""

    system = OneOf(field_name="source__system__slug", nullable=True, help_text="Slug of a system; repeat for several.")
    source = OneOf(field_name="source__slug", nullable=True, help_text="Slug of a source; repeat for several.")
    kind = OneOf(choices=[(kind.value, kind.value) for kind in DatasetKind], help_text="Kind of dataset.")
    level = AmongRanks(field_name="level", nullable=True, help_text="Rank of the effective level, or none.")
    owner = AnyOf(field_name="owner_names", help_text="Name of an owner, or none.")
    domain = OneOf(field_name="domain__slug", nullable=True, help_text="Slug of a domain, or none.")
    tag = AnyOf(field_name="tag_names", help_text="Name of a tag, or none.")
    namespace = OneOf(field_name="namespace", help_text="OpenLineage namespace.")
    name = OneOf(field_name="qualified_name", help_text="OpenLineage name.")
    schema = AmongIds(field_name="schema_id", help_text="Id of a schema.")
    gone = django_filters.ChoiceFilter(
        choices=[("hide", "hide"), ("show", "show"), ("only", "only")],
        method="keep_as_is",
        help_text="Datasets that left their source: hide (default), show, only.",
    )

    class Meta:
        model = Dataset
        fields: list[str] = []

    def keep_as_is(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """`Narrowing` decides on gone datasets, because it must also where the filter is absent."""
        return queryset


class Narrowing:
    """The checked values of a request's filters, as conditions. Raises `Invalid` for values that no filter takes."""

    def __init__(self, values: QueryDict | Mapping[str, Any]) -> None:
        filters = DatasetFilters(values, queryset=Dataset.objects.none())
        if not filters.is_valid():
            raise Invalid(
                "Correct the filters named below.",
                {name: list(texts) for name, texts in filters.errors.items()},
            )
        cleaned = filters.form.cleaned_data
        self.chosen: dict[str, list[str]] = {
            name: list(value) for name, value in cleaned.items() if name != "gone" and value
        }
        self.gone: str = cleaned.get("gone") or "hide"
        self._conditions = {name: filters.filters[name].condition(value) for name, value in self.chosen.items()}

    def apply(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that pass every filter."""
        if self.gone == "hide":
            queryset = queryset.filter(gone_since__isnull=True)
        elif self.gone == "only":
            queryset = queryset.filter(gone_since__isnull=False)
        for condition in self._conditions.values():
            queryset = queryset.filter(condition)
        return queryset

    def without(self, name: str) -> Narrowing:
        """The same without the filter called `name`."""
        other = copy(self)
        other.chosen = {key: value for key, value in self.chosen.items() if key != name}
        other._conditions = {key: value for key, value in self._conditions.items() if key != name}
        return other

    def condition(self, name: str) -> Q:
        """The condition of one filter that is narrowed by."""
        return self._conditions[name]

    @property
    def facets(self) -> tuple[str, ...]:
        """The facets that are narrowed by."""
        return tuple(name for name in FACETS if name in self.chosen)
