"""What happens to requests and grants. Purposes and reasons are people's words, kept apart as personal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEvent(Event):
    """What all events of a request tell. `columns` is "all columns" or their names."""

    request_id: int
    dataset_id: int
    requester_id: int
    dataset: str
    columns: str
    requester: str

    def subjects(self) -> Iterable[Subject]:
        return [
            Subject("request", self.request_id),
            Subject("dataset", self.dataset_id),
            Subject("principal", self.requester_id),
        ]


@event(
    "access.requested",
    "asked for {columns} of {dataset} for {days} days",
    personal=["requester", "purpose"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequested(RequestEvent):
    days: int
    purpose: str


@event(
    "access.approved",
    "approved {requester}'s request for {columns} of {dataset}; the grant is recorded until {until}",
    personal=["requester", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestApproved(RequestEvent):
    grant_id: int
    days: int
    until: str
    decided_as: list[str]
    """Why the approver was allowed to decide, as it was at that time."""
    reason: str

    def subjects(self) -> Iterable[Subject]:
        return [*RequestEvent.subjects(self), Subject("grant", self.grant_id)]


@event(
    "access.endorsed",
    "approved {requester}'s request for {columns} of {dataset}; {missing} more of {whom} must",
    personal=["requester", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEndorsed(RequestEvent):
    """An approval that was not the last one needed."""

    missing: int
    whom: str
    decided_as: list[str]
    reason: str


@event(
    "access.escalated",
    "let administrators decide on {requester}'s request for {columns} of {dataset}: {why}",
    personal=["requester"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEscalated(RequestEvent):
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationEvent(Event):
    """What all events of a delegation tell."""

    delegation_id: int
    giver_id: int
    receiver_id: int
    giver: str
    receiver: str
    until: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("principal", self.giver_id), Subject("principal", self.receiver_id)]


@event(
    "access.delegated",
    "let {receiver} decide on requests in the place of {giver} until {until}",
    personal=["giver", "receiver", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsDelegated(DelegationEvent):
    reason: str


@event(
    "access.delegation_ended",
    "ended that {receiver} decides in the place of {giver}",
    personal=["giver", "receiver"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationEnded(DelegationEvent):
    pass


@event(
    "access.denied",
    "refused {requester}'s request for {columns} of {dataset}",
    personal=["requester", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDenied(RequestEvent):
    decided_as: list[str]
    reason: str


@event("access.cancelled", "withdrew the request for {columns} of {dataset}", personal=["requester"])
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCancelled(RequestEvent):
    pass


@event(
    "access.request_expired",
    "let {requester}'s request for {columns} of {dataset} lapse, since nobody decided on it in time",
    personal=["requester"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestExpired(RequestEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantEvent(Event):
    """What all events of a grant tell."""

    grant_id: int
    dataset_id: int
    holder_id: int
    request_id: int | None
    dataset: str
    columns: str
    holder: str

    def subjects(self) -> Iterable[Subject]:
        found = [Subject("grant", self.grant_id), Subject("dataset", self.dataset_id)]
        found.append(Subject("principal", self.holder_id))
        return [*found, Subject("request", self.request_id)] if self.request_id else found


@event(
    "access.grant_expired",
    "ended {holder}'s grant of {columns} of {dataset}, whose time was over",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantExpired(GrantEvent):
    pass


@event(
    "access.grant_revoked",
    "revoked {holder}'s grant of {columns} of {dataset}",
    personal=["holder", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRevoked(GrantEvent):
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@event(
    "access.grant_superseded",
    "replaced {holder}'s grant of {columns} of {dataset} by the new one",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSuperseded(GrantEvent):
    pass
