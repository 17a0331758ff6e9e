"""Search over datasets and jobs, the list of events, and the counts over time that Marquez's web UI draws."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Count, DateTimeField, F, Func, Min, Q, Value
from django.db.models.functions import Coalesce

from catalog.models import Dataset
from catalog.visibility import scope_of
from lineage.marquez import shapes
from lineage.marquez.addresses import dataset_node, job_node
from lineage.marquez.counting import counted
from lineage.marquez.names import standing_jobs
from lineage.marquez.shapes import DatasetName, Json
from lineage.models import Event, Job, JobOrigin, Run
from lineage.reading import told_events

if TYPE_CHECKING:
    from accounts.models import Principal

Sort = Literal["name", "updated_at"]


class Wanted(msgspec.Struct, frozen=True):
    """What is searched for. `q` is a part of the name, or a pattern with % and _; the times are of the last change."""

    q: str
    kind: str = ""
    sort: Sort = "name"
    limit: int = 10
    namespace: str = ""
    before: dt.datetime | None = None
    after: dt.datetime | None = None


def search(principal: Principal, wanted: Wanted) -> tuple[list[Json], int]:
    """The datasets and jobs whose names match, and how many there are; four statements.

    By name from a to z, or the last changed first.
    """
    pattern = _pattern(wanted.q)
    found: list[tuple[DatasetName, dt.datetime, str]] = []
    total = 0
    if wanted.kind != "JOB":
        rows = Dataset.objects.standing().visible_to(principal).filter(qualified_name__iregex=pattern)
        matching = _narrowed(rows, wanted, "changed_at")
        total += counted(matching)
        order = ("qualified_name", "pk") if wanted.sort == "name" else ("-changed_at", "pk")
        page = matching.order_by(*order).values_list("namespace", "qualified_name", "changed_at")[: wanted.limit]
        found += [(DatasetName(namespace, name), at, "DATASET") for namespace, name, at in page]
    if wanted.kind != "DATASET":
        jobs = standing_jobs(principal).filter(origin=JobOrigin.PIPELINE, last_seen__isnull=False)
        matching = _narrowed(jobs.filter(name__iregex=pattern), wanted, "last_seen")
        total += counted(matching)
        order = ("name", "pk") if wanted.sort == "name" else ("-last_seen", "pk")
        page = matching.order_by(*order).values_list("namespace", "name", "last_seen")[: wanted.limit]
        found += [(DatasetName(namespace, name), at, "JOB") for namespace, name, at in page]
    if wanted.sort == "name":
        found.sort(key=lambda one: (one[0].name, one[0].namespace, one[2]))
    else:
        found.sort(key=lambda one: (-one[1].timestamp(), one[0].name, one[2]))
    return [_result(kind, named, at) for named, at, kind in found[: wanted.limit]], total


def _result(kind: str, named: DatasetName, at: dt.datetime) -> Json:
    node = dataset_node if kind == "DATASET" else job_node
    return shapes.search_result(kind, named, at, node(named.namespace, named.name))


def _pattern(q: str) -> str:
    """Marquez's pattern as a regular expression: % is any text, _ any letter; without them the text may be anywhere."""
    special = "\\.^$*+?()[]{}|"
    body = "".join("\\" + letter if letter in special else letter for letter in q)
    if "%" not in q:
        return body.replace("_", ".") if q.strip("_") != q else body
    return "^" + body.replace("%", ".*").replace("_", ".") + "$"


def _narrowed(rows: Any, wanted: Wanted, changed: str) -> Any:
    conditions = Q()
    if wanted.namespace:
        conditions &= Q(namespace=wanted.namespace)
    if wanted.before:
        conditions &= Q(**{f"{changed}__lt": wanted.before})
    if wanted.after:
        conditions &= Q(**{f"{changed}__gte": wanted.after})
    return rows.filter(conditions)


def events(
    principal: Principal,
    *,
    before: dt.datetime | None,
    after: dt.datetime | None,
    ascending: bool,
    limit: int,
    offset: int,
    of_runs: bool = False,
    namespace: str = "",
) -> tuple[list[msgspec.Raw | Json], int]:
    """Events as they came but for secrets, by their own time, and how many there are in the log.

    What the principal sent itself, whole, and events of runs of jobs whose code it may read, without what they name besides
    and it may not read.
    `of_runs` leaves out the events that tell of a dataset or a job alone, `namespace` all but those of runs of its jobs.
    """
    rows = _events(principal)
    if of_runs or namespace:
        rows = rows.filter(kind=Event.Kind.RUN)
    if namespace:
        rows = rows.filter(run_id__in=Run.objects.filter(job__namespace=namespace).values("pk"))
    if before:
        rows = rows.filter(event_time__lt=before)
    if after:
        rows = rows.filter(event_time__gte=after)
    order = ("event_time", "digest") if ascending else ("-event_time", "-digest")
    page = list(rows.order_by(*order).values_list("principal_id", "body")[offset : offset + limit])
    if scope_of(principal).everything:
        return [msgspec.Raw(body.encode()) for _, body in page], counted(rows)
    told = iter(told_events(principal, [body for sender, body in page if sender != principal.pk]))
    shown = [msgspec.Raw(body.encode()) if sender == principal.pk else next(told) for sender, body in page]
    return [one for one in shown if one is not None], counted(rows)


def _events(principal: Principal) -> Any:
    rows = Event.objects.all()
    if scope_of(principal).everything:
        return rows
    readable = Run.objects.filter(job__in=Job.objects.open_to(principal)).values("pk")
    return rows.filter(Q(principal=principal) | Q(run_id__in=readable))


class Period(msgspec.Struct, frozen=True):
    """The last 24 hours in hours, or the last 7 days in days, as a place's clock has them; the last one is not over.

    `told` are the starts and the end as they are told: of a day its date as midnight in UTC, for the web UI takes the name
    of the day from there, wherever its reader is.
    """

    starts: tuple[dt.datetime, ...]
    end: dt.datetime
    told: tuple[dt.datetime, ...]

    @property
    def intervals(self) -> list[tuple[dt.datetime, dt.datetime]]:
        return list(pairwise(self.told))

    def place(self, at: dt.datetime) -> int:
        """The interval that a time is in; -1 before all of them, their number after."""
        if at >= self.end:
            return len(self.starts)
        return sum(1 for start in self.starts if start <= at) - 1


def period_of(name: str, zone: ZoneInfo, now: dt.datetime) -> Period:
    local = now.astimezone(zone)
    if name == "DAY":
        hour = now.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
        starts = [hour - dt.timedelta(hours=number) for number in range(23, -1, -1)]
        end = hour + dt.timedelta(hours=1)
        return Period(tuple(starts), end, (*starts, end))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + dt.timedelta(days=number) for number in range(-6, 2)]
    *starts, end = (day.astimezone(dt.UTC) for day in days)
    return Period(tuple(starts), end, tuple(day.replace(tzinfo=dt.UTC) for day in days))


_COUNTED = ("fail", "start", "complete", "abort")


def event_counts(principal: Principal, period: Period) -> list[Json]:
    """How many events of each type came in each interval; one statement."""
    rows = _events(principal).filter(received_at__gte=period.starts[0], received_at__lt=period.end)
    hours = (
        rows.filter(event_type__in=[name.upper() for name in _COUNTED])
        .annotate(hour=_quarter("received_at"))
        .order_by()
    )
    counts: list[dict[str, int]] = [dict.fromkeys(_COUNTED, 0) for _ in period.starts]
    for type_, hour, count in hours.values_list("event_type", "hour").annotate(count=Count("id")):
        counts[period.place(hour)][type_.lower()] += count
    return [
        {"startInterval": shapes.time(start), "endInterval": shapes.time(end)} | count
        for (start, end), count in zip(period.intervals, counts, strict=True)
    ]


def _quarter(column: str) -> Any:
    """The quarter of an hour of a time: zones are off by whole quarters."""
    return Func(
        Value("15 minutes"), F(column), Value(dt.datetime(2000, 1, 1, tzinfo=dt.UTC)),
        template="date_bin(%(expressions)s)", arg_joiner=", ", output_field=DateTimeField(),
    )  # fmt: skip


def growth(principal: Principal, what: str, period: Period) -> list[Json]:
    """How many jobs, datasets or sources there were at the end of each interval; one statement."""
    times: Any
    if what == "jobs":
        seen_jobs = standing_jobs(principal).filter(origin=JobOrigin.PIPELINE)
        times = seen_jobs.annotate(since=Coalesce("first_seen", "latest_at")).exclude(since=None)
    else:
        seen = Dataset.objects.standing().visible_to(principal).order_by()
        if what == "sources":
            firsts = seen.values_list("namespace").annotate(since=Min("first_seen")).values_list("since", flat=True)
            return _cumulated([(at, 1) for at in firsts], period)
        times = seen.annotate(since=F("first_seen"))
    steps = times.order_by().annotate(hour=_quarter("since")).values_list("hour").annotate(count=Count("pk"))
    return _cumulated(list(steps), period)


def _cumulated(steps: list[tuple[dt.datetime, int]], period: Period) -> list[Json]:
    total = 0
    new = [0] * len(period.starts)
    for at, count in steps:
        place = period.place(at)
        if place < 0:
            total += count
        elif place < len(new):
            new[place] += count
    found = []
    for (start, end), count in zip(period.intervals, new, strict=True):
        total += count
        found.append({"startInterval": shapes.time(start), "endInterval": shapes.time(end), "count": total})
    return found
