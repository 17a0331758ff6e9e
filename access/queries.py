"""What pages and REST show of access. Each function takes a fixed number of statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from access.enforcement.events import GrantDrifted, GrantSuspended, GrantVerified
from access.enforcement.offering import can_carry_out, cannot_mask, is_carried_out
from access.models import AccessRequest, CampaignItem, EmergencyReview, Grant, TermsAcceptance, Vote
from access.policies.masking import Mask
from access.policy import (
    Answerable,
    Decision,
    Duration,
    LevelLimit,
    longest_duration,
    may_review,
    may_revoke,
    roles_of,
)
from access.querysets import GrantQuerySet, RequestQuerySet
from access.reviewing import answerable_for, delegators_of, reviewer_of, step_facts, votes_on
from access.states import RequestState
from accounts.models import DomainRole
from audit.models import Record
from catalog.models import Dataset, Field, Ownership, Tier
from catalog.visibility import scope_of
from classification.models import Level
from classification.queries import levels_by_rank
from common.components import Column

if TYPE_CHECKING:
    from accounts.models import Principal

OFFER_RENEWAL_BEFORE = dt.timedelta(days=30)
"""So long before a grant's end its holder is offered to renew it."""

GRANT_COLUMNS = (Column("Columns"), Column("State"), Column("Until"), Column("End", hidden=True))
ASKED_COLUMNS = (Column("Column"), Column("Type"), Column("Level"))
OTHERS_COLUMNS = (Column("Who"), Column("Columns"), Column("Until"))


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column that was asked for or granted, with its level as it is now.

    A column without a level has that of its dataset; `inherits` says so.
    """

    field_id: int
    name: str
    type: str
    level: Level | None
    inherits: bool
    gone: bool


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request with its columns; none of them means the whole dataset. `level` is the highest concerned."""

    request: AccessRequest
    columns: Sequence[ColumnRow]
    level: Level | None
    duration: Duration
    """The longest that an approval could last now."""

    @property
    def asks_for_all(self) -> bool:
        return not self.request.field_ids

    @property
    def longest_approval(self) -> int:
        """So many days an approval may give: an approver may shorten, never lengthen."""
        return min(self.request.days, self.duration.days)


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant with its columns. `level` is the highest concerned; `may_end` says whether the reader may revoke it."""

    grant: Grant
    columns: Sequence[ColumnRow]
    level: Level | None
    may_end: bool = False

    @property
    def is_of_all(self) -> bool:
        return not self.grant.field_ids

    @property
    def may_renew(self) -> bool:
        """Whether its holder is offered to ask for more time: near its end, unless it was taken in an emergency."""
        grant, now = self.grant, timezone.now()
        near = grant.valid_to - now <= OFFER_RENEWAL_BEFORE
        return grant.is_live and not grant.is_emergency and now < grant.valid_to and near


@dataclass(frozen=True, slots=True)
class Own:
    """What a principal began to ask for, asked for, and was granted, newest first."""

    drafts: Sequence[RequestRow]
    requests: Sequence[RequestRow]
    grants: Sequence[GrantRow]


@dataclass(frozen=True, slots=True)
class DatasetAccess:
    """A dataset's access as one principal may know it.

    `sees_all` says that `grants` and `pending` are everybody's rather than the principal's own; `roles` are sentences
    that say as what the principal answers for the dataset.
    """

    roles: Sequence[str]
    mine: GrantRow | None
    my_request: AccessRequest | None
    grants: Sequence[GrantRow]
    pending: Sequence[RequestRow]
    sees_all: bool
    may_request: Decision
    is_carried_out: bool
    """Whether an approval becomes a privilege in the source."""
    may_open: bool
    """Whether the reader could open it in an emergency."""

    @property
    def table_columns(self) -> list[Column]:
        return [Column("Who"), *GRANT_COLUMNS]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a principal stands with a dataset: a live grant, an open request, a role that decides, or none of them.

    `sees_everything` is said of administrators.
    """

    grant: Grant | None
    request: AccessRequest | None
    role: str
    sees_everything: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A request as its page shows it: what an approver weighs, and whether the reader may decide."""

    row: RequestRow
    columns: Sequence[ColumnRow]
    """Those asked for; of the whole dataset every column, for a reader who may decide."""
    grant: Grant | None
    decision: Decision
    others: Sequence[GrantRow]
    replaces: Sequence[GrantRow]
    conflicts: Sequence[str]
    may_end: bool
    votes: Sequence[Vote]
    acceptances: Sequence[TermsAcceptance]
    emergency: EmergencyReview | None
    recertifications: Sequence[CampaignItem]
    read_back: Sequence[Record]
    """When the grant was read back in its source as given, and when as given no more."""
    masks: Sequence[tuple[str, str]]
    """Columns that the holder sees, or would see, masked, and how."""

    @property
    def policy_reasons(self) -> Sequence[str]:
        """What policy said when it was sent."""
        ruling = self.row.request.ruling or {}
        return list(ruling.get("reasons", ()))

    @property
    def may_decide(self) -> bool:
        return self.decision.allowed and self.row.request.is_pending

    @property
    def waits_for(self) -> str:
        """Whose approval it still needs at its step, as a sentence; empty where it waits for nobody."""
        request = self.row.request
        step = request.step
        if step is None or not request.is_pending:
            return ""
        missing = step.needed - sum(vote.approves and vote.step_id == step.pk for vote in self.votes)
        people = "approval" if missing == 1 else "approvals"
        return f"It needs {missing} {'more ' if missing < step.needed else ''}{people} of {step.whom}."


_REQUEST_WITH = ("requester__user", "dataset", "decided_by__user", "step__group", "purpose_kind")
_GRANT_WITH = ("principal__user", "dataset", "granted_by__user", "ended_by__user")


def own_of(principal: Principal, *, limit: int = 50) -> Own:
    """What `principal` asked for and holds, at most `limit` of each kind. A draft that was thrown away is not among it."""
    mine = _requests().filter(requester=principal).order_by("-id")
    drafts = list(mine.filter(state=RequestState.DRAFT)[:limit])
    asked = list(mine.filter(submitted_at__isnull=False)[:limit])
    grants = list(_grants().filter(principal=principal).order_by("-id")[:limit])
    every: list[AccessRequest | Grant] = [*drafts, *asked, *grants]
    columns = _Columns([row.field_ids for row in every])
    return Own(
        drafts=[columns.of_request(row) for row in drafts],
        requests=[columns.of_request(row) for row in asked],
        grants=[columns.of_grant(row, may_end=row.is_live) for row in grants],
    )


def draft_of(principal: Principal, dataset: Dataset) -> AccessRequest | None:
    """What `principal` wrote so far of a request for the dataset."""
    drafts = AccessRequest.objects.filter(requester=principal, dataset=dataset, state=RequestState.DRAFT)
    found: AccessRequest | None = drafts.select_related("renews__request").first()
    return found


def masked_names(masks: Mapping[int, Mask], fields: Iterable[Field]) -> list[tuple[str, str]]:
    """The columns that would be shown masked, by name, and how."""
    return [(str(field), masks[field.pk].label) for field in fields if field.pk in masks]


def request_rows(requests: Iterable[AccessRequest]) -> list[RequestRow]:
    """Requests with their columns and levels; two statements beside the one that reads them."""
    listed = list(requests)
    columns = _Columns([request.field_ids for request in listed])
    return [columns.of_request(request) for request in listed]


def dataset_access(principal: Principal, dataset: Dataset) -> DatasetAccess:
    """What the dataset page's access tab shows to `principal`, who may discover the dataset, which came with its tier.

    Those who answer for the dataset and administrators see all that is live or pending, others theirs.
    """
    answerable = answerable_for([dataset])[dataset.pk]
    reviewer = reviewer_of(principal)
    sees_all = may_revoke(reviewer, holder_id=0, answerable=answerable).allowed
    grants = _grants().filter(dataset=dataset).live()
    pending = _requests().filter(dataset=dataset).pending()
    if not sees_all:
        grants, pending = grants.filter(principal=principal), pending.filter(requester=principal)
    shown, asked = list(grants.order_by("-id")[:200]), list(pending.order_by("id")[:200])
    every: list[AccessRequest | Grant] = [*shown, *asked]
    columns = _Columns([row.field_ids for row in every])
    rows = [
        columns.of_grant(grant, may_end=bool(may_revoke(reviewer, holder_id=grant.principal_id, answerable=answerable)))
        for grant in shown
    ]
    my_request = next((row for row in asked if row.requester_id == principal.pk), None)
    return DatasetAccess(
        roles=roles_of(reviewer, answerable),
        mine=next((row for row in rows if row.grant.principal_id == principal.pk and not row.grant.is_emergency), None),
        my_request=my_request,
        grants=rows,
        pending=[columns.of_request(row) for row in asked],
        sees_all=sees_all,
        may_request=_may_request(principal, dataset, my_request),
        is_carried_out=is_carried_out(dataset),
        may_open=principal.kind == principal.Kind.PERSON
        and dataset.gone_since is None
        and dataset.tier >= Tier.METADATA,
    )


def standing_with(principal: Principal, dataset: Dataset, owners: Iterable[Ownership]) -> Standing:
    """What the head of the dataset's page says of its reader, who came with a scope; two statements.

    `owners` are the dataset's present ones. Administrators have no roles in their scope: for them only what they own
    themselves is named.
    """
    grant = Grant.objects.filter(principal=principal, dataset=dataset).live().first()
    asked = AccessRequest.objects.filter(requester=principal, dataset=dataset).pending().first()
    scope = scope_of(principal)
    held = scope.roles_of_domain.get(dataset.domain_id or 0, frozenset())
    me = frozenset([principal.pk])
    owns = any(one.principal_id == principal.pk or one.group_id in scope.group_ids for one in owners)
    answerable = Answerable(
        dataset_owners=me if owns else frozenset(),
        domain_owners=me if DomainRole.OWNER in held else frozenset(),
        domain_stewards=me if DomainRole.STEWARD in held else frozenset(),
    )
    roles = roles_of(reviewer_of(principal), answerable)
    return Standing(grant, asked, roles[0].rstrip(".") if roles else "", principal.is_administrator)


def review_of(principal: Principal, request: AccessRequest) -> Review:
    """Everything that the page of one request shows; `request` comes from `visible_requests`."""
    reviewer = reviewer_of(principal)
    answerable = answerable_for([request.dataset])[request.dataset_id]
    decision = may_review(
        reviewer,
        requester_id=request.requester_id,
        answerable=answerable,
        step=step_facts(request.step),
        delegators=delegators_of(principal),
    )
    grant = _grants().filter(request=request).first()
    live = list(_grants().filter(dataset_id=request.dataset_id).live().order_by("-id")[:50])
    columns = _Columns([request.field_ids, *(row.field_ids for row in live)])
    row = columns.of_request(request)
    others = [columns.of_grant(other) for other in live if other.principal_id != request.requester_id]
    own = [
        columns.of_grant(other)
        for other in live
        if other.principal_id == request.requester_id and not other.is_emergency
    ]
    may_know = decision.allowed or principal.is_administrator
    every = Field.objects.filter(dataset_id=request.dataset_id, gone_since__isnull=True).order_by("position")
    listed = (
        [_column(field, request.dataset, columns.levels) for field in every]
        if row.asks_for_all and may_know
        else row.columns
    )
    return Review(
        row=row,
        columns=listed,
        grant=grant,
        decision=decision,
        others=others if may_know else [],
        replaces=own if request.is_pending else [],
        conflicts=_conflicts(row) if request.is_pending else (),
        may_end=may_revoke(reviewer, holder_id=request.requester_id, answerable=answerable).allowed,
        votes=votes_on(request),
        acceptances=list(request.acceptances.select_related("terms", "by__user")),
        emergency=_emergency_of(request),
        recertifications=_recertifications_of(grant),
        read_back=_read_back(grant),
        masks=_masks_of(request, grant, listed),
    )


def _emergency_of(request: AccessRequest) -> EmergencyReview | None:
    if not request.is_emergency:
        return None
    review = EmergencyReview.objects.select_related("requester__user", "closed_by__user").get(request=request)
    review.request = request
    return review


def _recertifications_of(grant: Grant | None) -> list[CampaignItem]:
    if grant is None:
        return []
    return list(grant.recertifications.select_related("campaign", "decided_by__user").order_by("pk"))


def _read_back(grant: Grant | None) -> list[Record]:
    if grant is None or grant.applied_at is None:
        return []
    told = [GrantVerified.name, GrantDrifted.name, GrantSuspended.name]
    return list(
        Record.objects.filter(subjects__kind="grant", subjects__object_id=grant.pk, event__in=told).order_by("pk")
    )


def _masks_of(request: AccessRequest, grant: Grant | None, columns: Iterable[ColumnRow]) -> list[tuple[str, str]]:
    told: Mapping[str, str] = grant.masks if grant is not None else (request.ruling or {}).get("masks", {})
    return [(one.name, Mask(told[str(one.field_id)]).label) for one in columns if str(one.field_id) in told]


def offered_columns(principal: Principal, dataset: Dataset) -> list[ColumnRow] | None:
    """The columns one may ask for by name, those that the source can grant alone where it is enforced; None where the
    principal may only ask for the whole dataset.
    """
    if not Dataset.objects.filter(pk=dataset.pk).visible_to(principal, Tier.METADATA).exists():
        return None
    levels = levels_by_rank()
    fields = list(Field.objects.filter(dataset=dataset, gone_since__isnull=True).order_by("position"))
    if is_carried_out(dataset):
        fields = [field for field in fields if can_carry_out(field)]
    return [_column(field, dataset, levels) for field in fields]


def visible_requests(principal: Principal) -> RequestQuerySet:
    return _requests().visible_to(principal)


def visible_grants(principal: Principal) -> GrantQuerySet:
    return _grants().visible_to(principal)


def grant_rows(grants: Iterable[Grant]) -> list[GrantRow]:
    listed = list(grants)
    columns = _Columns([grant.field_ids for grant in listed])
    return [columns.of_grant(grant) for grant in listed]


def _requests() -> RequestQuerySet:
    return AccessRequest.objects.select_related(*_REQUEST_WITH)


def _grants() -> GrantQuerySet:
    return Grant.objects.select_related(*_GRANT_WITH)


def _may_request(principal: Principal, dataset: Dataset, open_request: AccessRequest | None) -> Decision:
    if dataset.gone_since is not None:
        return Decision(False, ("The dataset is gone from its source.",))
    if open_request is not None:
        return Decision(False, ("You have asked already; the request waits for a decision.",))
    if principal.kind not in (principal.Kind.PERSON, principal.Kind.SERVICE):
        return Decision(False, ("People and services ask for access.",))
    return Decision(True, ("Everybody who may know of a dataset may ask for it.",))


def rows_in_words(filtering: Sequence[str]) -> str:
    """What a source does not do of what these policies say, by title."""
    return f"Policy {' and '.join(filtering)} would show only some rows; the source gives whoever is granted this all of them."


def _conflicts(row: RequestRow) -> tuple[str, ...]:
    """What an approver should know before deciding, as sentences."""
    request, duration = row.request, row.duration
    told = request.ruling or {}
    found = []
    if request.dataset.gone_since is not None:
        found.append("The dataset is gone from its source: this cannot be approved.")
    gone = [column.name for column in row.columns if column.gone]
    if gone:
        found.append(f"Gone from the dataset since: {', '.join(gone)}. This cannot be approved as it stands.")
    if request.days > duration.days:
        found.append(f"It would last {duration.days} days, not {request.days}: {duration.reasons[0]}")
    if told.get("masks") and cannot_mask(request.dataset):
        found.append("Policy masks some columns of this, and the source cannot: this cannot be approved.")
    if told.get("filtering") and is_carried_out(request.dataset):
        found.append(rows_in_words(told["filtering"]))
    if not request.requester.is_active:
        found.append("The requester's account is closed.")
    return tuple(found)


def _column(field: Field, dataset: Dataset, levels: Mapping[int, Level]) -> ColumnRow:
    return ColumnRow(
        field_id=field.pk,
        name=str(field),
        type=field.native_type,
        level=levels.get(field.level or dataset.level or 0),
        inherits=not field.level and bool(dataset.level),
        gone=field.gone_since is not None,
    )


class _Columns:
    """The columns of many requests and grants, read at once; two statements."""

    def __init__(self, sets: Iterable[Sequence[int]]) -> None:
        ids = {field_id for field_ids in sets for field_id in field_ids}
        self.levels = levels_by_rank()
        self.fields = {field.pk: field for field in Field.objects.filter(pk__in=ids)}

    def _of(self, field_ids: Sequence[int], dataset: Dataset) -> list[ColumnRow]:
        fields = sorted((self.fields[pk] for pk in field_ids if pk in self.fields), key=lambda one: one.position)
        return [_column(field, dataset, self.levels) for field in fields]

    def _concerned(self, columns: Sequence[ColumnRow], dataset: Dataset) -> list[Level]:
        """The levels of these columns (none: of the whole dataset), the highest first."""
        ranks = {column.level.rank for column in columns if column.level}
        if not columns:
            ranks = {dataset.level or 0}
        return [self.levels[rank] for rank in sorted(ranks, reverse=True) if rank in self.levels]

    def of_request(self, request: AccessRequest) -> RequestRow:
        columns = self._of(request.field_ids, request.dataset)
        concerned = self._concerned(columns, request.dataset)
        duration = longest_duration(LevelLimit(level.name, level.longest_grant_days) for level in concerned)
        return RequestRow(request, columns, concerned[0] if concerned else None, duration)

    def of_grant(self, grant: Grant, *, may_end: bool = False) -> GrantRow:
        columns = self._of(grant.field_ids, grant.dataset)
        return GrantRow(grant, columns, next(iter(self._concerned(columns, grant.dataset)), None), may_end)
