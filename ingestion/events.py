from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent(Event):
    run_id: int
    source_id: int
    source: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("run", self.run_id), Subject("source", self.source_id)]


@event("ingestion.crawl_requested", "asked for a crawl of {source} ({trigger})")
@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlRequested(RunEvent):
    trigger: str
    dry_run: bool


@event("ingestion.run_ended", "asked for the crawl of {source} that ended: {message}")
@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(RunEvent):
    state: str
    message: str


@event("ingestion.plan_waits", "asked for the crawl of {source} that waits for a person: {message}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWaits(RunEvent):
    message: str


@event("ingestion.plan_confirmed", "let the plan for {source} pass, with {gone} datasets gone")
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanConfirmed(RunEvent):
    gone: int


@event("ingestion.cancel_requested", "asked for the crawl of {source} to be cancelled")
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested(RunEvent):
    pass


@event("ingestion.schedule_set", "set the crawl schedule of {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSet(Event):
    source_id: int
    source: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]
