"""What happens to grants in their sources, and to the enforcement of a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from access.events import GrantEvent
from audit.events import Event, Subject, event


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOutEvent(GrantEvent):
    """A grant's fate in its source. `problem` says what stands in the way and what to do, "" where nothing does."""

    source_id: int
    source: str
    problem: str = ""

    def subjects(self) -> Iterable[Subject]:
        return [*GrantEvent.subjects(self), Subject("source", self.source_id)]


@event(
    "access.grant_verified",
    "gave {holder} {columns} of {dataset} in {source}, and read it back",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantVerified(CarriedOutEvent):
    pass


@event(
    "access.grant_not_given",
    "could not give {holder} {columns} of {dataset} in {source}: {problem}",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantNotGiven(CarriedOutEvent):
    pass


@event(
    "access.grant_drifted",
    "found that {holder} no longer reads all that was granted of {dataset} in {source}: {problem}",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDrifted(CarriedOutEvent):
    pass


@event(
    "access.grant_removed",
    "took {holder}'s {columns} of {dataset} in {source}, and read back that it is gone",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRemoved(CarriedOutEvent):
    """`ends_as` is revoked, expired or superseded."""

    ends_as: str


@event(
    "access.grant_not_removed",
    "could not take {holder}'s {columns} of {dataset} in {source} yet: {problem}",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantNotRemoved(CarriedOutEvent):
    pass


@event(
    "access.grant_suspended",
    "suspended {holder}'s grant of {columns} of {dataset} in {source}: the account is closed",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSuspended(CarriedOutEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent(Event):
    source_id: int
    source: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]


@event("access.enforcement_changed", "changed how grants are carried out in {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementChanged(SourceEvent):
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginEvent(SourceEvent):
    """`before` and `after` hold `login`, or nothing where none was known. `concerned_ids` are the person's, and of those
    whose grants are given to one of the logins."""

    person_id: int
    person: str
    login: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    concerned_ids: list[int]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id), Subject("principal", self.person_id)]


@event(
    "access.login_named",
    "named {login} as the login of {person} in {source}",
    personal=["person", "login", "before", "after"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LoginNamed(LoginEvent):
    pass


@event(
    "access.login_taken",
    "took {login}, the login of {person} in {source}, away",
    personal=["person", "login", "before", "after"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTaken(LoginEvent):
    pass


@event("access.plan_confirmed", "confirmed {steps} changes of rights in {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanConfirmed(SourceEvent):
    reconciliation_id: int
    plan_hash: str
    steps: int


@event("access.plan_waits", "holds {steps} changes of rights in {source} for a person to confirm: {why}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWaits(SourceEvent):
    reconciliation_id: int
    plan_hash: str
    steps: int
    why: str


@event("access.rights_changed", "made {given} and took {taken} rights in {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class RightsChanged(SourceEvent):
    """A plan was carried out; its statements are in the journal under the reconciliation."""

    reconciliation_id: int
    plan_hash: str
    given: int
    taken: int


@event("access.enforcement_failed", "could not compare rights in {source}: {problem}")
@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementFailed(SourceEvent):
    problem: str


@event("access.enforcement_recovered", "compares rights in {source} again")
@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementRecovered(SourceEvent):
    pass


@event("access.drift_found", "found {count} things in {source} that nobody approved, the first: {first}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFound(SourceEvent):
    count: int
    first: str
    finding_ids: list[int]


@event(
    "access.finding_reopened",
    "opened a finding in {source} again, because {why}: {what}",
    personal=["note"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class FindingReopened(SourceEvent):
    """`resolution` and `note` say what was decided before, and why."""

    finding_id: int
    what: str
    why: str
    resolution: str
    note: str


@event("access.finding_resolved", "closed a finding in {source} as {resolution}: {what}")
@dataclass(frozen=True, slots=True, kw_only=True)
class FindingResolved(SourceEvent):
    finding_id: int
    what: str
    resolution: str
