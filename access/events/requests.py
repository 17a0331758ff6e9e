"""What happens to requests and emergencies, and what they rest on: terms and delegations. Purposes and reasons are people's
words, kept apart as personal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
    renews: int | None = None
    """The grant for which more time is asked."""


@event(
    "access.terms_accepted",
    "accepted “{terms}”, version {number}, for {columns} of {dataset}",
    personal=["requester"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class TermsAccepted(RequestEvent):
    terms_id: int
    terms: str
    number: int

    def subjects(self) -> Iterable[Subject]:
        return [*RequestEvent.subjects(self), Subject("terms", self.terms_id)]


@event(
    "access.approved",
    "approved {requester}'s request for {columns} of {dataset}; the grant lasts until {until}",
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
    "access.approved_by_policy",
    "approved {requester}'s request for {columns} of {dataset} at once, as a policy says: {why}",
    personal=["requester"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestApprovedByPolicy(RequestEvent):
    grant_id: int
    days: int
    until: str
    why: str
    policies: list[int]
    """The versions of policies that decided, by id."""

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
class TermsEvent(Event):
    """What all events of terms to accept tell. `concerns` says what data they are about."""

    terms_id: int
    terms: str
    number: int
    concerns: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("terms", self.terms_id)]


@event("access.terms_published", "published version {number} of “{terms}” for {concerns}")
@dataclass(frozen=True, slots=True, kw_only=True)
class TermsPublished(TermsEvent):
    text: str


@event("access.terms_retired", "retired “{terms}” for {concerns}")
@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRetired(TermsEvent):
    pass


@event(
    "access.emergency_opened",
    "opened {columns} of {dataset} in an emergency until {until}, without asking",
    personal=["requester", "purpose"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyOpened(RequestEvent):
    """Somebody else must review it; `reviewer_ids` are those who may."""

    grant_id: int
    review_id: int
    reviewer_ids: list[int]
    hours: int
    until: str
    purpose: str

    def subjects(self) -> Iterable[Subject]:
        return [*RequestEvent.subjects(self), Subject("grant", self.grant_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyReviewEvent(RequestEvent):
    review_id: int


@event(
    "access.emergency_review_escalated",
    "let administrators review what {requester} opened of {dataset} in an emergency: nobody else did in time",
    personal=["requester"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyReviewEscalated(EmergencyReviewEvent):
    pass


@event(
    "access.emergency_justified",
    "found that {requester} had to open {columns} of {dataset} in an emergency",
    personal=["requester", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyJustified(EmergencyReviewEvent):
    decided_as: list[str]
    reason: str


@event(
    "access.emergency_misused",
    "found that {requester} should not have opened {columns} of {dataset} in an emergency",
    personal=["requester", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyMisused(EmergencyReviewEvent):
    decided_as: list[str]
    reason: str
