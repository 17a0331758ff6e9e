"""How many results each value of a filter would keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import QuerySet, TextField, Value

from catalog.filters import FACETS, NONE, Narrowing
from catalog.models import Dataset
from catalog.queries.search import MATCH_CAP, Matched, Wanted, candidates, those

if TYPE_CHECKING:
    from accounts.models import Principal

CAP = 10_000
"""Rows that are counted without a query (`MATCH_CAP` with one); beyond them numbers are left out rather than wrong."""
OPTIONS = 12
"""Values that a facet offers, beside those already chosen."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a filter. `label` is what people read; `count` is None where not all rows were counted."""

    value: str
    label: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facets:
    """The options of each facet by its name, and how many datasets match; `capped` says that there may be more."""

    options: dict[str, list[Option]] = field(default_factory=dict)
    total: int = 0
    capped: bool = False


# Counted by what the rows themselves hold; names are looked up of the values, not of each row.
_COUNT = """
    WITH counted AS MATERIALIZED ({rows}),
    of_source AS (SELECT missed, source_id, count(*) AS rows FROM counted GROUP BY missed, source_id),
    of_domain AS (SELECT missed, domain_id, count(*) AS rows FROM counted GROUP BY missed, domain_id),
    valued AS (
        SELECT missed, 'system' AS facet, coalesce(system.slug, 'none') AS value, coalesce(system.name, '') AS label, rows
        FROM of_source
        LEFT JOIN catalog_source AS source ON source.id = source_id
        LEFT JOIN catalog_system AS system ON system.id = source.system_id
        UNION ALL
        SELECT missed, 'source', coalesce(source.slug, 'none'), coalesce(source.name, ''), rows
        FROM of_source LEFT JOIN catalog_source AS source ON source.id = source_id
        UNION ALL
        SELECT missed, 'domain', coalesce(domain.slug, 'none'), coalesce(domain.name, ''), rows
        FROM of_domain LEFT JOIN catalog_domain AS domain ON domain.id = domain_id
        UNION ALL
        SELECT missed, 'kind', kind, '', count(*) FROM counted GROUP BY missed, kind
        UNION ALL
        SELECT missed, 'level', coalesce(level::text, 'none'), '', count(*) FROM counted GROUP BY missed, level
        UNION ALL
        SELECT missed, 'owner', coalesce(owner, 'none'), coalesce(owner, ''), count(*)
        FROM counted LEFT JOIN LATERAL unnest(owner_names) AS named (owner) ON true GROUP BY missed, owner
        UNION ALL
        SELECT missed, 'tag', tag, tag, count(*)
        FROM counted CROSS JOIN LATERAL unnest(tag_names) AS named (tag) GROUP BY missed, tag
    )
    SELECT '' AS facet, missed AS value, '' AS label, sum(rows)::bigint FROM of_source GROUP BY missed
    UNION ALL
    SELECT facet, value, label, sum(rows)::bigint FROM valued
    WHERE missed = '' OR missed = facet GROUP BY facet, value, label
"""

_COLUMNS = ("missed", "source_id", "kind", "level", "domain_id", "owner_names", "tag_names")


def facets_of(
    *, principal: Principal, wanted: Wanted | None, narrowing: Narrowing, matched: Matched | None = None
) -> Facets:
    """The facets of a search, whose ids need not be looked for again where they are known (`Found.matched`); one statement.

    A facet that is chosen from also counts what its other values would add, as if it were not chosen from.
    """
    sets = [_counted(_matching(principal, wanted, narrowing) if matched is None else those(matched), "")]
    for name in narrowing.facets:
        others = _matching(principal, wanted, narrowing.without(name)).exclude(narrowing.condition(name))
        sets.append(_counted(others, name))
    parts: list[str] = []
    parameters: list[Any] = []
    for rows in sets:
        statement, values = rows.query.sql_with_params()
        parts.append(f"({statement})")
        parameters.extend(values)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.replace("{rows}", " UNION ALL ".join(parts)), parameters)
        counted = cursor.fetchall()
    sizes = {value: count for facet, value, _, count in counted if facet == ""}
    cap = MATCH_CAP - 1 if wanted else CAP
    options = {name: _options(name, counted, sizes, narrowing, cap) for name in FACETS}
    total = sizes.get("", 0)
    return Facets(options, min(total, CAP), total > cap)


def _matching(principal: Principal, wanted: Wanted | None, narrowing: Narrowing) -> QuerySet[Dataset]:
    if wanted is None:
        return narrowing.apply(Dataset.objects.not_merged().visible_to(principal))
    return Dataset.objects.filter(pk__in=candidates(principal, wanted, narrowing))


def _counted(rows: QuerySet[Any], missed: str) -> QuerySet[Any]:
    return rows.order_by().annotate(missed=Value(missed, output_field=TextField())).values(*_COLUMNS)[: CAP + 1]


def _options(
    name: str, counted: list[tuple[str, str, str, int]], sizes: dict[str, int], narrowing: Narrowing, cap: int
) -> list[Option]:
    partial = any(size > cap for missed, size in sizes.items() if missed in ("", name))
    chosen = narrowing.chosen.get(name, [])
    options = [
        Option(value, label, None if partial else count, value in chosen)
        for facet, value, label, count in counted
        if facet == name
    ]
    known = {option.value for option in options}
    options += [Option(value, value, None if partial else 0, True) for value in chosen if value not in known]
    if name == "level":
        options.sort(key=lambda option: (option.value == NONE, -int(option.value) if option.value.isdigit() else 0))
    else:
        options.sort(key=lambda option: (not option.chosen, option.value == NONE, -(option.count or 0), option.label))
    return [option for place, option in enumerate(options) if option.chosen or place < OPTIONS]
