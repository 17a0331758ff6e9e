"""What alerts notice by themselves: conditions that begin and end, and what is about to end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audit.events import Event, Subject, event


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAlarm(Event):
    job_id: int
    job: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("job", self.job_id)]


@event("alerts.job_fails", "noticed that the job {job} fails")
@dataclass(frozen=True, slots=True, kw_only=True)
class JobFails(JobAlarm):
    pass


@event("alerts.job_fails_no_more", "noticed that the job {job} no longer fails")
@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailsNoMore(JobAlarm):
    pass


@event("alerts.job_overdue", "noticed that the job {job} is overdue")
@dataclass(frozen=True, slots=True, kw_only=True)
class JobOverdue(JobAlarm):
    pass


@event("alerts.job_overdue_no_more", "noticed that the job {job} is no longer overdue")
@dataclass(frozen=True, slots=True, kw_only=True)
class JobOverdueNoMore(JobAlarm):
    pass


@event(
    "alerts.grant_ends_soon",
    "noticed that {holder}'s access to {columns} of {dataset} ends on {until}",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantEndsSoon(Event):
    grant_id: int
    dataset_id: int
    holder_id: int
    holder: str
    dataset: str
    columns: str
    until: str

    def subjects(self) -> Iterable[Subject]:
        return [
            Subject("grant", self.grant_id),
            Subject("dataset", self.dataset_id),
            Subject("principal", self.holder_id),
        ]


@event(
    "alerts.request_lapses_soon",
    "noticed that {requester}'s request for {columns} of {dataset} lapses on {until} unless somebody decides",
    personal=["requester"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLapsesSoon(Event):
    request_id: int
    dataset_id: int
    requester_id: int
    requester: str
    dataset: str
    columns: str
    until: str

    def subjects(self) -> Iterable[Subject]:
        return [
            Subject("request", self.request_id),
            Subject("dataset", self.dataset_id),
            Subject("principal", self.requester_id),
        ]


@event("alerts.part_failed", "noticed that {what}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PartFailed(Event):
    """A part of the running catalog does not do its work; `what` says which, and what stays undone."""

    part: str
    what: str


@event("alerts.part_works_again", "noticed that this is over: {what}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PartWorksAgain(PartFailed):
    pass


@event("alerts.followed", "followed {dataset}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFollowed(Event):
    dataset_id: int
    dataset: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.dataset_id)]


@event("alerts.unfollowed", "no longer followed {dataset}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetUnfollowed(DatasetFollowed):
    pass
