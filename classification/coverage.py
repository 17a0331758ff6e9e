"""How far the organisation came: which columns were decided, suggested, or looked at without a finding."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset, Field
from catalog.visibility import scope_of
from classification.models import CoverageDay, Label

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


def _counted() -> dict[str, Count]:
    decided, suggested = Q(is_decided=True), Q(is_decided=False, is_suggested=True)
    clear = Q(is_decided=False, is_suggested=False, dataset__examination__isnull=False)
    return {
        "columns": Count("pk"),
        "decided": Count("pk", filter=decided),
        "suggested": Count("pk", filter=suggested),
        "clear": Count("pk", filter=clear),
    }


def _columns(principal: Principal) -> QuerySet[Field]:
    """Standing columns whose metadata the principal reads, with what holds of them."""
    labels = Label.objects.current().filter(field=OuterRef("pk"))
    datasets = Dataset.objects.standing()
    if not scope_of(principal).everything:
        datasets = datasets.visible_to(principal, 2)
    return Field.objects.filter(gone_since__isnull=True, dataset__in=datasets).annotate(
        is_decided=Exists(labels.counting()), is_suggested=Exists(labels.suggested())
    )


_PLACES = {
    CoverageDay.By.SOURCE: ("dataset__source__slug", "dataset__source__name"),
    CoverageDay.By.DOMAIN: ("dataset__domain__slug", "dataset__domain__name"),
}


def coverage_of_all(principal: Principal) -> Coverage:
    """Everything that the principal reads; one statement."""
    return Coverage("", "Everything", **_columns(principal).aggregate(**_counted()))


def coverage_by(principal: Principal, by: CoverageDay.By) -> list[Coverage]:
    """By source, domain or owner, by name; one statement. What has none is one line; a dataset with two owners counts twice."""
    if by == CoverageDay.By.OWNER:
        return _by_owner(principal)
    slug, name = _PLACES[by]
    rows = _columns(principal).values(slug, name).annotate(**_counted()).order_by(name)
    return [Coverage(row[slug] or "", row[name] or f"No {by}", **{key: row[key] for key in _counted()}) for row in rows]


def _by_owner(principal: Principal) -> list[Coverage]:
    counts = _columns(principal).values("dataset_id").annotate(**_counted()).order_by()
    sql, parameters = counts.query.sql_with_params()
    with connection.cursor() as cursor:
        # The inner statement is Django's own, its values are parameters.
        cursor.execute(
            f"""
            SELECT coalesce(owner, ''), sum(columns), sum(decided), sum(suggested), sum(clear)
            FROM ({sql}) AS counted
            JOIN catalog_dataset AS dataset ON dataset.id = counted.dataset_id
            LEFT JOIN LATERAL unnest(dataset.owner_names) AS owner ON TRUE
            GROUP BY 1 ORDER BY 1
            """,  # noqa: S608
            parameters,
        )
        return [Coverage(row[0], row[0] or "No owner", *map(int, row[1:])) for row in cursor.fetchall()]


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
