"""What pages and REST read of sources and runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cron_descriptor import Options, get_description
from django.db.models import OuterRef, Q, QuerySet, Subquery

from catalog.models import Schema, Source
from catalog.queries.tree import MAX_SCHEMAS, schemas
from catalog.visibility import scope_of
from common.errors import NotFound
from ingestion.models import CrawlSchedule, Run, RunState

if TYPE_CHECKING:
    from accounts.models import Principal


_WORDS = Options()
_WORDS.use_24hour_time_format = True


def sources_for(principal: Principal) -> QuerySet[Source]:
    """Visible sources, each with the state and id of its latest run."""
    latest = Run.objects.filter(source=OuterRef("pk")).order_by("-id")
    return (
        Source.objects.visible_to(principal)
        .select_related("system", "domain", "connection")
        .annotate(last_run_id=Subquery(latest.values("id")[:1]), last_run_state=Subquery(latest.values("state")[:1]))
    )


def source_for(principal: Principal, slug: str) -> Source:
    """One visible source; raises `NotFound`."""
    source = sources_for(principal).filter(slug=slug).first()
    if source is None:
        raise NotFound("There is no such source, or you may not see it.")
    return source


def schemas_for(principal: Principal, source: Source) -> list[tuple[Schema, int]]:
    """The schemas of a source with how many datasets are in each, as far as the principal sees any; whoever sees everything
    also sees those that are gone. One statement."""
    if scope_of(principal).everything:
        return [(schema, schema.dataset_count) for schema in source.schemas.order_by("path")[:MAX_SCHEMAS]]
    return [(branch.schema, branch.count) for branch in schemas(principal, source)]


def source_called(text: str) -> Source | None:
    """The source whose slug, or else whose name, is `text`: for commands, which see every source."""
    named = Source.objects.filter(Q(slug=text) | Q(name=text)).select_related("connection")
    return min(named, key=lambda source: source.slug != text, default=None)


def sources_called(principal: Principal, text: str, limit: int = 5) -> list[Source]:
    """Visible sources with each word of `text` in their name or slug, by name: search finds datasets, and shows these above.

    One statement, and another where there are any of this name, which few searches have: which of them are visible.
    """
    words = text.split()
    if not words:
        return []
    called = Source.objects.order_by()
    for word in words[:12]:
        called = called.filter(Q(name__icontains=word) | Q(slug__icontains=word))
    ids = list(called.values_list("pk", flat=True))
    if not ids:
        return []
    return list(Source.objects.visible_to(principal).filter(pk__in=ids).order_by("name")[:limit])


def runs_for(principal: Principal) -> QuerySet[Run]:
    """Runs of the sources on whose domain the principal has a role; administrators see all."""
    runs = Run.objects.select_related("source", "requested_by", "confirmed_by")
    scope = scope_of(principal)
    if scope.everything:
        return runs
    sources = Source.objects.filter(domain_id__in=list(scope.roles_of_domain)) | Source.objects.filter(
        created_by=principal
    )
    return runs.filter(source__in=sources)


def run_for(principal: Principal, run_id: int) -> Run:
    """One run; raises `NotFound`."""
    run = runs_for(principal).filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run, or you may not see it.")
    return run


def waiting_for(principal: Principal) -> list[Run]:
    """Runs whose plan waits for a person who may let it pass: for the home page."""
    return list(runs_for(principal).filter(state=RunState.WAITING).order_by("-id")[:20])


@dataclass(frozen=True, slots=True)
class Duration:
    """How long an ended run took. `seconds` are those that it was worked at."""

    run_id: int
    at: dt.datetime
    seconds: float
    state: str
    datasets: int


def durations_of(source: Source, limit: int = 60) -> list[Duration]:
    """The latest ended runs of a source, oldest first, as a plot reads them."""
    rows = Run.objects.filter(source=source, started_at__isnull=False, finished_at__isnull=False)
    only = ("started_at", "finished_at", "heartbeat_at", "rested", "state", "datasets_read")
    latest = rows.order_by("-id").only(*only)[:limit]
    return [
        Duration(run.pk, run.started_at, run.duration.total_seconds(), run.state, run.datasets_read)
        for run in reversed(latest)
        if run.started_at and run.duration is not None
    ]


def schedule_of(source: Source) -> CrawlSchedule | None:
    return CrawlSchedule.objects.select_related("periodic_task__crontab", "set_by__user").filter(source=source).first()


def next_times(schedule: CrawlSchedule, count: int = 3) -> list[dt.datetime]:
    """The next times at which a schedule comes due, in UTC."""
    crontab = schedule.periodic_task.crontab.schedule
    at = dt.datetime.now(dt.UTC)
    found = []
    for _ in range(count):
        start, step, _now = crontab.remaining_delta(at)
        at = start + step
        found.append(at)
    return found


def in_words(cron: str) -> str:
    """A cron expression as a sentence: "At 03:00, Monday through Friday"."""
    words: str = get_description(cron, _WORDS)
    return words
