"""What happens to policies and to the words that they use: attributes, purposes, catalogs of engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


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
    ends_refused: bool = False


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
