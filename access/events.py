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


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignEvent(Event):
    """What all events of a recertification tell."""

    campaign_id: int
    campaign: str
    scope: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("campaign", self.campaign_id)]


@event("access.campaign_started", "began the recertification “{campaign}” of {grants} grants, due on {due}: {scope}")
@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStarted(CampaignEvent):
    """`reviewer_ids` are those who may decide on some of it."""

    grants: int
    due: str
    reviewer_ids: list[int]


@event(
    "access.campaign_closed",
    "closed the recertification “{campaign}”: {kept} grants kept, {removed} removed, {revoked} revoked and {flagged} "
    "kept since nobody answered",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignClosed(CampaignEvent):
    """`kept` counts the `masked` too."""

    started_by_id: int
    kept: int
    removed: int
    revoked: int
    flagged: int
    masked: int = 0


@event("access.campaign_stopped", "stopped the recertification “{campaign}” before its end", personal=["reason"])
@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStopped(CampaignEvent):
    reason: str


@event(
    "access.grant_confirmed",
    "confirmed in “{campaign}” that {holder} still needs {columns} of {dataset}",
    personal=["holder", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantConfirmed(GrantEvent):
    campaign_id: int
    campaign: str
    reason: str

    def subjects(self) -> Iterable[Subject]:
        return [*GrantEvent.subjects(self), Subject("campaign", self.campaign_id)]


@event(
    "access.grant_masked",
    "masked {masked} in {holder}'s grant of {columns} of {dataset}, as “{campaign}” asked",
    personal=["holder", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMasked(GrantEvent):
    campaign_id: int
    campaign: str
    masked: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [*GrantEvent.subjects(self), Subject("campaign", self.campaign_id)]


@event(
    "access.grant_unconfirmed",
    "left {holder}'s grant of {columns} of {dataset} in force, though nobody confirmed it in “{campaign}”",
    personal=["holder"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUnconfirmed(GrantEvent):
    campaign_id: int
    campaign: str

    def subjects(self) -> Iterable[Subject]:
        return [*GrantEvent.subjects(self), Subject("campaign", self.campaign_id)]


@event(
    "access.person_left",
    "took all access from {person}: {grants} grants, {delegations} delegations, {requests} open requests",
    personal=["person", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLeft(Event):
    principal_id: int
    person: str
    grants: int
    delegations: int
    requests: int
    reason: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("principal", self.principal_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEvent(Event):
    """What all events of a policy tell."""

    policy_id: int
    version_id: int
    policy: str
    version: int

    def subjects(self) -> Iterable[Subject]:
        return [Subject("policy", self.policy_id), Subject("policyversion", self.version_id)]


@event("access.policy_drafted", "drafted version {version} of the policy {policy}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDrafted(PolicyEvent):
    pass


@event("access.policy_edited", "edited the draft of version {version} of the policy {policy}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEdited(PolicyEvent):
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@event("access.policy_published", "put version {version} of the policy {policy} into force")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPublished(PolicyEvent):
    since: str
    rule: Mapping[str, Any]


@event("access.policy_ended", "took the policy {policy} out of force")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEnded(PolicyEvent):
    reason: str


@event("access.policy_discarded", "discarded the draft of version {version} of the policy {policy}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDiscarded(PolicyEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeEvent(Event):
    """What all events of an attribute of a principal tell."""

    principal_id: int
    principal: str
    attribute: str
    value: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("principal", self.principal_id)]


@event("access.attribute_set", "said that {attribute}={value} is so of {principal}", personal=["principal", "value"])
@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSet(AttributeEvent):
    pass


@event(
    "access.attribute_ended",
    "said that {attribute}={value} is so of {principal} no more",
    personal=["principal", "value"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeEnded(AttributeEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeEvent(Event):
    """What all events of a kind of purpose tell."""

    purpose_id: int
    purpose: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("purpose", self.purpose_id)]


@event("access.purpose_added", "added the purpose {purpose}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeAdded(PurposeEvent):
    slug: str


@event("access.purpose_changed", "changed the purpose {purpose}")
@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeChanged(PurposeEvent):
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCatalogEvent(Event):
    """What all events of a query engine's catalog tell."""

    catalog: str
    source_id: int
    source: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]


@event("access.engine_catalog_added", "said that the query engine's catalog {catalog} is {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCatalogAdded(EngineCatalogEvent):
    pass


@event("access.engine_catalog_changed", "changed what the query engine's catalog {catalog} is; it is {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCatalogChanged(EngineCatalogEvent):
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@event("access.engine_catalog_removed", "said that the query engine's catalog {catalog} is {source} no more")
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCatalogRemoved(EngineCatalogEvent):
    before: Mapping[str, Any]


@event(
    "access.grant_adopted",
    "made a grant of what {holder} could read of {columns} of {dataset} without one, for {days} days",
    personal=["holder", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantAdopted(GrantEvent):
    days: int
    reason: str
