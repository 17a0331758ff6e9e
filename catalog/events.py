"""What happens in the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.events import Event, Subject, event


@event("catalog.source_added", "added the source {source} ({platform})")
@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAdded(Event):
    source_id: int
    source: str
    platform: str
    namespace: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]


@event("catalog.source_edited", "edited the source {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEdited(Event):
    source_id: int
    source: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]


@event("catalog.source_connected", "gave {source} a connection, by which crawls read it from now on")
@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConnected(Event):
    source_id: int
    source: str
    connection_id: int

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]


@event(
    "catalog.snapshot_applied",
    "crawled {source}. Datasets added: {added}, changed: {changed}, gone: {gone}, unchanged: {unchanged}",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotApplied(Event):
    """The subjects (datasets, with added, changed, returned or gone) come as a set beside it."""

    source_id: int
    source: str
    run_id: int
    added: int
    changed: int
    returned: int
    gone: int
    unchanged: int

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id), Subject("run", self.run_id)]


@event("catalog.schemas_told", "read in what pipelines tell that the schemas of {changed} datasets changed")
@dataclass(frozen=True, slots=True, kw_only=True)
class SchemasTold(Event):
    """The subjects (datasets, with changed) come as a set beside it."""

    changed: int


@event("catalog.profiles_kept", "sampled and profiled {datasets} datasets of {source}")
@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilesKept(Event):
    """The subjects (datasets, as profiled) come as a set beside it."""

    source_id: int
    source: str
    datasets: int
    amount: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("source", self.source_id)]


@event("catalog.system_added", "added the system {system}")
@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAdded(Event):
    system_id: int
    system: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("system", self.system_id)]


@event("catalog.domain_added", "added the domain {domain}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAdded(Event):
    domain_id: int
    domain: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("domain", self.domain_id)]


@event("catalog.domain_edited", "edited the domain {domain}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEdited(Event):
    domain_id: int
    domain: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("domain", self.domain_id)]


@event("catalog.role_granted", "made {member} {role} of the domain {domain}", personal=["member"])
@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted(Event):
    domain_id: int
    domain: str
    role: str
    member: str
    principal_id: int | None
    group_id: int | None

    def subjects(self) -> Iterable[Subject]:
        found = [Subject("domain", self.domain_id)]
        return [*found, Subject("principal", self.principal_id)] if self.principal_id else found


@event("catalog.role_ended", "ended {member}'s role of {role} in the domain {domain}", personal=["member"])
@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEnded(RoleGranted):
    pass


@event(
    "catalog.exception_granted",
    "let {member} see {dataset} whatever their roles: {reason}",
    personal=["member", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionGranted(Event):
    """`before` and `after` say how much the member sees by exception."""

    dataset_id: int
    dataset: str
    member: str
    principal_id: int | None
    group_id: int | None
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        found = [Subject("dataset", self.dataset_id)]
        return [*found, Subject("principal", self.principal_id)] if self.principal_id else found


@event(
    "catalog.exception_ended",
    "ended the exception by which {member} saw {dataset}",
    personal=["member", "reason"],
)
@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionEnded(ExceptionGranted):
    pass


@event("catalog.datasets_moved", "put {what} into the domain {domain}")
@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetsMoved(Event):
    dataset_ids: list[int]
    what: str
    domain: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", dataset_id) for dataset_id in self.dataset_ids]


@event("catalog.described", "described {what}")
@dataclass(frozen=True, slots=True, kw_only=True)
class Described(Event):
    dataset_id: int
    field_id: int | None
    what: str
    origin: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.dataset_id)]


@event("catalog.owner_assigned", "made {owner} {kind} of {what}", personal=["owner"])
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerAssigned(Event):
    dataset_ids: list[int]
    what: str
    owner: str
    kind: str
    origin: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", dataset_id) for dataset_id in self.dataset_ids]


@event("catalog.owner_removed", "ended {owner}'s role as {kind} of {what}", personal=["owner"])
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRemoved(OwnerAssigned):
    pass


@event("catalog.tag_created", "created the tag {tag}")
@dataclass(frozen=True, slots=True, kw_only=True)
class TagCreated(Event):
    tag_id: int
    tag: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("tag", self.tag_id)]


@event("catalog.tag_renamed", "renamed the tag {old} to {tag}")
@dataclass(frozen=True, slots=True, kw_only=True)
class TagRenamed(TagCreated):
    old: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@event("catalog.tagged", "tagged {what} with {tag}")
@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged(Event):
    dataset_ids: list[int]
    field_id: int | None
    what: str
    tag: str
    origin: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", dataset_id) for dataset_id in self.dataset_ids]


@event("catalog.untagged", "took the tag {tag} off {what}")
@dataclass(frozen=True, slots=True, kw_only=True)
class Untagged(Tagged):
    pass


@event("catalog.proposal_accepted", "accepted what a pipeline says: {what}", personal=["what"])
@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAccepted(Event):
    proposal_id: int
    dataset_id: int
    kind: str
    what: str
    reason: str

    def subjects(self) -> Iterable[Subject]:
        return [Subject("dataset", self.dataset_id)]


@event("catalog.proposal_declined", "declined what a pipeline says: {what}", personal=["what"])
@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDeclined(ProposalAccepted):
    pass
