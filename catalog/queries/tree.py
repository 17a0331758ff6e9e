"""The browse tree: systems, their sources, the sources' schemas, and the datasets in them, as far as they are visible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count
from django.db.models.functions import Lower

from catalog.models import Dataset, Schema, Source, System
from catalog.visibility import scope_of
from common.pagination import Page, page_of

if TYPE_CHECKING:
    from accounts.models import Principal

MAX_SCHEMAS = 2_000
PAGE = 100


@dataclass(frozen=True, slots=True)
class SourceBranch:
    source: Source
    count: int


@dataclass(frozen=True, slots=True)
class SystemBranch:
    """A system with its sources; `system` is None for sources of no system."""

    system: System | None
    sources: Sequence[SourceBranch]

    @property
    def count(self) -> int:
        return sum(branch.count for branch in self.sources)


@dataclass(frozen=True, slots=True)
class SchemaBranch:
    schema: Schema
    count: int


def systems(principal: Principal) -> list[SystemBranch]:
    """Every visible source below its system, with how many of its present datasets the principal sees; two statements.

    The counts that crawls keep serve those who see everything; for others the visible ones are counted.
    """
    sources = list(Source.objects.visible_to(principal).select_related("system").order_by("name"))
    counts = dataset_counts(principal, sources)
    of_system: dict[System | None, list[SourceBranch]] = defaultdict(list)
    for source in sources:
        of_system[source.system].append(SourceBranch(source, counts.get(source.pk, 0)))
    ordered = sorted(of_system, key=lambda system: (system is None, system.name.lower() if system else ""))
    return [SystemBranch(system, of_system[system]) for system in ordered]


def dataset_counts(principal: Principal, sources: Sequence[Source]) -> dict[int, int]:
    """How many present datasets of each source the principal sees, by its id; one statement, none for who sees everything."""
    if scope_of(principal).everything:
        return {source.pk: source.dataset_count for source in sources}
    seen = Dataset.objects.standing().visible_to(principal).filter(source__in=sources)
    return dict(seen.order_by().values_list("source_id").annotate(Count("pk")))


def schemas(principal: Principal, source: Source) -> list[SchemaBranch]:
    """The present schemas of a source in which the principal sees something; one statement, at most 2,000."""
    if scope_of(principal).everything:
        found = Schema.objects.filter(source=source, gone_since__isnull=True, dataset_count__gt=0).order_by("path")
        return [SchemaBranch(schema, schema.dataset_count) for schema in found[:MAX_SCHEMAS]]
    seen = Dataset.objects.standing().visible_to(principal).filter(source=source, schema__isnull=False)
    counts = dict(seen.order_by().values_list("schema_id").annotate(Count("pk")))
    found = Schema.objects.filter(pk__in=counts).order_by("path")[:MAX_SCHEMAS]
    return [SchemaBranch(schema, counts[schema.pk]) for schema in found]


def datasets_in(
    principal: Principal,
    *,
    schema: Schema | None = None,
    source: Source | None = None,
    cursor: str | None = None,
    size: int = PAGE,
) -> Page[Dataset]:
    """A page of the visible present datasets of a schema, of a source without one, or (neither) of no source, by name.

    Read of each is what a tree shows: its names, its kind and its source.
    """
    rows = Dataset.objects.standing().visible_to(principal)
    rows = rows.filter(schema=schema) if schema else rows.filter(schema__isnull=True, source=source)
    rows = rows.annotate(name_key=Lower("name")).only("name", "qualified_name", "kind", "source_id")
    return page_of(rows, order=("name_key", "id"), cursor=cursor, size=size)


def has_datasets_without_source(principal: Principal) -> bool:
    """Whether pipelines spoke of visible datasets that no crawl has found."""
    return Dataset.objects.standing().visible_to(principal).filter(source__isnull=True).exists()
