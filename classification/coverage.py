"""How far the organisation came: which columns were decided, suggested, or looked at without a finding."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Tier
from catalog.visibility import Scope, scope_of
from classification.counting import named_sql
from classification.models import CoverageDay

TREND_DAYS = 90
"""How far back a trend goes. Days of sources and owners are kept that long, those of domains for ever: they are few."""
_POINTS = 13
"""At most so many days make a small plot: one a week."""


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


@dataclass(frozen=True, slots=True)
class CoveredDay:
    """What of some columns was decided, suggested or looked at, at the end of a day."""

    day: dt.date
    columns: int
    decided: int
    suggested: int
    clear: int


_READABLE = "(%(everywhere)s OR domain_id = ANY(%(domains)s::bigint[]) OR (%(unassigned)s AND domain_id IS NULL))"
_SUMS = """
    SELECT source_id, domain_id, owners, columns, decided, suggested, clear FROM classification_coveragesum
    WHERE {readable}
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
    sums = _SUMS.format(readable=_READABLE)
    values = _reading(scope)
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


def _reading(scope: Scope) -> dict[str, Any]:
    return {
        "everywhere": scope.everything,
        "domains": scope.domains(Tier.METADATA),
        "unassigned": scope.sees_unassigned(Tier.METADATA),
    }


_FORGET_DAYS = """
    DELETE FROM classification_coverageday
    WHERE day = %(day)s OR (day < %(day)s::date - %(most)s AND by IN ('source', 'owner'))
"""
_KEEP_DAY = """
    INSERT INTO classification_coverageday (day, by, subject, domain_id, columns, decided, suggested, clear)
    SELECT %(day)s, part.by, left(coalesce(part.subject, ''), 200), found.domain_id,
           sum(columns), sum(decided), sum(suggested), sum(clear)
    FROM classification_coveragesum AS found
    LEFT JOIN catalog_source AS source ON source.id = found.source_id
    LEFT JOIN catalog_domain AS domain ON domain.id = found.domain_id
    CROSS JOIN LATERAL (
        SELECT 'source', source.slug
        UNION ALL SELECT 'domain', domain.slug
        UNION ALL SELECT 'owner', owner FROM (VALUES (TRUE)) AS one LEFT JOIN unnest(found.owners) AS owner ON TRUE
    ) AS part (by, subject)
    GROUP BY 2, 3, 4 HAVING sum(columns) > 0
    ON CONFLICT DO NOTHING
"""


@transaction.atomic
def keep_day(day: dt.date | None = None) -> None:
    """Write what is covered now as that of a day, today by default; the same day again is written anew. Two statements."""
    values: dict[str, Any] = {"day": day or timezone.now().date(), "most": TREND_DAYS}
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_DAYS, values)
        cursor.execute(_KEEP_DAY, values)


_TREND = """
    SELECT day, {figures} FROM classification_coverageday
    WHERE by = %(by)s AND day >= %(since)s AND (%(subject)s::text IS NULL OR subject = %(subject)s) AND {readable}
    GROUP BY day ORDER BY day
"""
# Days are picked by what was kept of domains, which is least; the last is always among them.
_SHARES = """
    WITH kept AS (
        SELECT day, row_number() OVER (ORDER BY day DESC) - 1 AS back, count(*) OVER () AS days
        FROM (SELECT DISTINCT day FROM classification_coverageday WHERE by = 'domain' AND day >= %(since)s) AS one
    ), covered AS (
        SELECT subject, day, sum(decided + clear)::float / sum(columns) AS share
        FROM classification_coverageday
        WHERE by = %(by)s AND {readable}
          AND day = ANY(ARRAY(SELECT day FROM kept WHERE back %% ceil(days::numeric / %(points)s) = 0))
        GROUP BY subject, day
    )
    SELECT subject, array_agg(share ORDER BY day) FROM covered GROUP BY subject
"""


def trend(principal: Principal, by: CoverageDay.By | None = None, subject: str = "") -> list[CoveredDay]:
    """The last days of one source, domain or owner, by default of everything, oldest first; one statement.

    It counts the domains that the principal reads now, not single datasets that they read beyond these.
    """
    values = {"by": (by or CoverageDay.By.DOMAIN).value, "subject": subject[:200] if by else None}
    return [CoveredDay(*row) for row in _days(principal, _TREND, values)]


def recent_shares(principal: Principal, by: CoverageDay.By) -> dict[str, list[float]]:
    """By source, domain or owner, the share that was done on some of the last days, as `trend` counts them; one statement.

    The days are spread evenly, at most one a week where days were kept for long; the last comes last.
    """
    return dict(_days(principal, _SHARES, {"by": by.value, "points": _POINTS}))


def _days(principal: Principal, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    since = timezone.now().date() - dt.timedelta(days=TREND_DAYS)
    with connection.cursor() as cursor:
        # Constants again.
        cursor.execute(
            statement.format(figures=_FIGURES, readable=_READABLE),
            _reading(scope_of(principal)) | {"since": since} | values,
        )
        return list(cursor.fetchall())
