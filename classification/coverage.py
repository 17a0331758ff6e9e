"""How far the organisation came: which columns were decided, suggested, or looked at without a finding."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Tier
from catalog.visibility import scope_of
from classification.counting import named_sql
from classification.models import CoverageDay

TREND_DAYS = 90


@dataclass(frozen=True, slots=True)
class Coverage:
    """Columns of one source, domain or owner. `undecided` have not been looked at by anybody or anything."""

    subject: str
    name: str
    columns: int
    decided: int
    suggested: int
    clear: int

    @property
    def undecided(self) -> int:
        return self.columns - self.decided - self.suggested - self.clear

    @property
    def share(self) -> float:
        """Of the columns, those that were decided, or looked at without a finding: 0 to 1."""
        return (self.decided + self.clear) / self.columns if self.columns else 0.0


_SUMS = """
    SELECT source_id, domain_id, owners, columns, decided, suggested, clear FROM classification_coveragesum
    WHERE %(everywhere)s OR domain_id = ANY(%(domains)s::bigint[]) OR (%(unassigned)s AND domain_id IS NULL)
"""
# Of datasets that the principal reads wherever they are: few, so their own rows are added up.
_EXCEPTIONS = """
    UNION ALL
    SELECT source_id, domain_id, owners, columns, decided, suggested, clear FROM classification_datasetcount
    WHERE dataset_id IN ({exceptions})
      AND coalesce(domain_id <> ALL(%(domains)s::bigint[]), NOT %(unassigned)s)
"""
_FIGURES = "sum(columns)::bigint, sum(decided)::bigint, sum(suggested)::bigint, sum(clear)::bigint"
_WHOLE = "SELECT '', 'Everything', {figures} FROM ({sums}) AS found"
_PARTS = {
    CoverageDay.By.SOURCE: """
        SELECT coalesce(place.slug, ''), coalesce(place.name, 'No source'), {figures}
        FROM ({sums}) AS found LEFT JOIN catalog_source AS place ON place.id = found.source_id
        GROUP BY 1, 2 HAVING sum(columns) > 0 ORDER BY max(place.name), 1
    """,
    CoverageDay.By.DOMAIN: """
        SELECT coalesce(place.slug, ''), coalesce(place.name, 'No domain'), {figures}
        FROM ({sums}) AS found LEFT JOIN catalog_domain AS place ON place.id = found.domain_id
        GROUP BY 1, 2 HAVING sum(columns) > 0 ORDER BY max(place.name), 1
    """,
    CoverageDay.By.OWNER: """
        SELECT coalesce(owner, ''), coalesce(owner, 'No owner'), {figures}
        FROM ({sums}) AS found LEFT JOIN LATERAL unnest(owners) AS owner ON TRUE
        GROUP BY 1, 2 HAVING sum(columns) > 0 ORDER BY 1
    """,
}


def coverage_of_all(principal: Principal) -> Coverage:
    """Everything that the principal reads; one statement, of sums that are two seconds old at most."""
    return _read(principal, _WHOLE)[0]


def coverage_by(principal: Principal, by: CoverageDay.By) -> list[Coverage]:
    """By source, domain or owner, by name; one statement. What has none is one line; a dataset with two owners counts twice."""
    return _read(principal, _PARTS[by])


def _read(principal: Principal, statement: str) -> list[Coverage]:
    scope = scope_of(principal)
    sums = _SUMS
    values: dict[str, Any] = {
        "everywhere": scope.everything,
        "domains": scope.domains(Tier.METADATA),
        "unassigned": scope.sees_unassigned(Tier.METADATA),
    }
    if not scope.everything:
        exceptions, more = named_sql(scope.exceptions(Tier.METADATA))
        sums += _EXCEPTIONS.format(exceptions=exceptions)
        values |= more
    with connection.cursor() as cursor:
        # Constants, and a statement of Django's own; the values are parameters.
        cursor.execute(statement.format(figures=_FIGURES, sums=sums), values)
        return [
            Coverage(slug, name, *(figure or 0 for figure in figures)) for slug, name, *figures in cursor.fetchall()
        ]


@transaction.atomic
def keep_day(day: dt.date | None = None) -> None:
    """Write what is covered now as that of a day, today by default; the same day again is written over."""
    day = day or timezone.now().date()
    everything = Principal.objects.system()
    rows = [(CoverageDay.By.ALL, coverage_of_all(everything))]
    for by in (CoverageDay.By.SOURCE, CoverageDay.By.DOMAIN, CoverageDay.By.OWNER):
        rows += [(by, one) for one in coverage_by(everything, by)]
    CoverageDay.objects.bulk_create(
        [
            CoverageDay(
                day=day,
                by=by,
                subject=one.subject[:200],
                columns=one.columns,
                decided=one.decided,
                suggested=one.suggested,
                clear=one.clear,
            )
            for by, one in rows
        ],
        update_conflicts=True,
        unique_fields=["by", "subject", "day"],
        update_fields=["columns", "decided", "suggested", "clear"],
    )


def trend(by: str = CoverageDay.By.ALL, subject: str = "") -> list[CoverageDay]:
    """The last days of one subject, oldest first; of everything by default."""
    since = timezone.now().date() - dt.timedelta(days=TREND_DAYS)
    return list(CoverageDay.objects.filter(by=by, subject=subject, day__gte=since).order_by("day"))
