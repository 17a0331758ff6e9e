"""What happens to grants and in campaigns about them, and when somebody leaves. Reasons are people's words, kept apart as
personal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


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


@event(
    "access.grant_adopted",
    "made a grant of what {holder} could read of {columns} of {dataset} without one, for {days} days",
    personal=["holder", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class GrantAdopted(GrantEvent):
    days: int
    reason: str
