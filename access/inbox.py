"""One list of every decision that waits for somebody: requests, reviews of emergencies, grants to confirm, proposals, and
what sources allow and nobody approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.db.models import DateTimeField, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse

from access.campaigns import ItemRow, item_rows
from access.enforcement.queries import FindingRow, finding_rows, levels_of
from access.models import AccessRequest, ApprovalStep, CampaignItem, Delegation, EmergencyReview, Finding, Grant
from access.permissions import can_see_enforcement
from access.queries import RequestRow, request_rows
from accounts.models import DomainRole, Principal
from catalog.composed import NEAR, Anyone, Hole, Holes, Near, composed, values_of
from catalog.models import Proposal, Source
from catalog.queries.proposals import ProposalLine, lines_of
from classification.models import Level
from classification.queries import levels_by_rank
from common import prepared
from common.arrays import array_of

COUNT_CAP = 100
SHOWN = 25
DEEPEST = 1_000
"""So far down the list one may look; what waits there comes up as the first are decided."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the reader's decision.

    `kind` names the template that shows it, `templates/access/waiting/_<kind>.html`, which finds there what `subject`
    is. After `due` something happens without the reader.
    """

    kind: str
    subject: RequestRow | EmergencyReview | ItemRow | ProposalLine | FindingRow
    id: int
    since: dt.datetime
    due: dt.datetime | None
    href: str
    level: Level | None
    """The highest of what it is about, as it is now."""

    @property
    def sentence(self) -> str:
        """What is asked of the reader, in plain text."""
        one = self.subject
        if isinstance(one, RequestRow):
            return f"{one.request.requester} asks for {one.request.dataset.name}"
        if isinstance(one, EmergencyReview):
            return f"{one.requester} opened {one.request.dataset.name} in an emergency"
        if isinstance(one, ItemRow):
            if one.item.why:
                return f"Should {one.row.grant.principal} keep {one.row.grant.dataset.name} as it is? {one.item.why}"
            return f"Does {one.row.grant.principal} still need {one.row.grant.dataset.name}?"
        if isinstance(one, FindingRow):
            return f"Nobody approved this in {one.finding.source}: {one.finding.sentence}"
        return f"{one.proposal.told_by or 'A pipeline'} says that {one.sentence}"

    @property
    def template(self) -> str:
        return f"access/waiting/_{self.kind}.html"

    @property
    def anchor(self) -> str:
        return f"{self.kind}-{self.id}"


def waiting_list(principal: Principal, *, skip: int = 0, most: int = SHOWN) -> list[Waiting]:
    """What waits for a person, what is due first before others and then the oldest: `most` of it, after the first `skip`.

    Which these are is one statement; the number of others is fixed for the kinds of which there is any among them.
    """
    return counted_list(principal, skip=skip, most=most)[0]


def counted_list(principal: Principal, *, skip: int = 0, most: int = SHOWN) -> tuple[list[Waiting], int]:
    """The same, and what `count_waiting` would say, in no more statements."""
    found: dict[tuple[int, int], Waiting] = {}
    order, count = _places(principal, min(skip, DEEPEST), most)
    for number, kind in enumerate(KINDS):
        if ids := [pk for of, pk in order if of == number]:
            found |= {(number, item.id): item for item in kind.waiting(principal, ids)}
    return [found[place] for place in order if place in found], count


def _places(principal: Principal, skip: int, most: int) -> tuple[list[tuple[int, int]], int]:
    """The kind's number and the id of each, in order; and how many there are, of each kind counted to 100."""
    if principal.kind != Principal.Kind.PERSON or not principal.is_active:
        return [], 0
    kinds, has_mandates, values = _open_for(principal)
    if not kinds:
        return [], 0
    reach = max(skip + most, COUNT_CAP)
    parts = " UNION ALL ".join(
        f"(SELECT {KINDS.index(kind)}, part.* FROM ({listed} LIMIT {reach}) AS part)"  # noqa: S608 -- composed by Django
        for kind in kinds
        for listed in [_listed(kind, principal.is_administrator, has_mandates)]
    )
    statement = _PLACES.replace("{near}", NEAR).replace("{parts}", parts)
    [(places, count)] = prepared.rows(statement, {**values, "most": most, "skip": skip, "cap": COUNT_CAP})
    return [(number, pk) for number, pk in places], int(count)


_PLACES = """
    WITH {near}, waiting (kind, id, due, since) AS MATERIALIZED ({parts})
    SELECT ARRAY(SELECT ARRAY[kind, id] FROM waiting ORDER BY due NULLS LAST, since, kind, id LIMIT %(most)s OFFSET %(skip)s),
           (SELECT coalesce(sum(least(rows, %(cap)s)), 0)
            FROM (SELECT count(*) AS rows FROM waiting GROUP BY kind) AS counted)
"""


@cache
def _listed(kind: _Kind, is_administrator: bool, has_mandates: bool) -> str:
    """The id of each, when something happens without the reader, and since when it waits, in that order."""
    rows = _of(kind, is_administrator, has_mandates)
    told = rows.annotate(waits_until=kind.due, waits_since=kind.since)
    order = (F("waits_until").asc(nulls_last=True), "waits_since", "pk")
    return composed(told.order_by(*order).values_list("pk", "waits_until", "waits_since"))


def count_waiting(principal: Principal) -> int:
    """How many there are for a person, of each kind counted to 100, in two statements (for administrators three)."""
    if principal.kind != Principal.Kind.PERSON or not principal.is_active:
        return 0
    kinds, has_mandates, values = _open_for(principal)
    if not kinds:
        return 0
    parts = " UNION ALL ".join(f"({_counted(kind, principal.is_administrator, has_mandates)})" for kind in kinds)
    [(count,)] = prepared.rows(f"WITH {NEAR} SELECT count(*) FROM ({parts}) AS waiting", values)  # noqa: S608
    return int(count)


@cache
def _counted(kind: _Kind, is_administrator: bool, has_mandates: bool) -> str:
    rows = _of(kind, is_administrator, has_mandates)
    return composed(rows.order_by().values("pk")[:COUNT_CAP])


def _of(kind: _Kind, is_administrator: bool, has_mandates: bool) -> QuerySet[Any]:
    """What of a kind waits for whoever it will be.

    For all but administrators it is looked for among what is near them, before the condition is asked of each row.
    """
    rows = kind.of(cast("Principal", Anyone(is_administrator=is_administrator, has_mandates=has_mandates)))
    return rows if is_administrator else rows.filter(kind.near)


_NEVER = Cast(Value(None), DateTimeField())


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of decision: all that is open, what of it waits for somebody, and some of that as lines of the inbox.

    `near` follows from the condition of `of` for whoever is no administrator.
    """

    open: Callable[[], QuerySet[Any]]
    of: Callable[[Principal], QuerySet[Any]]
    waiting: Callable[[Principal, Sequence[int]], Iterator[Waiting]]
    near: Any
    since: Any
    due: Any = _NEVER


def _open_for(principal: Principal) -> tuple[list[_Kind], bool, Mapping[str, Any]]:
    """The kinds of which anything is open, whether the person may decide in somebody's place, and the values of statements
    about them; one statement, and another for who decides in somebody's place.

    Every page counts, most often nothing: what nothing is open of is neither planned nor read.
    """
    values = values_of(principal)
    [(*are_open, givers)] = prepared.rows(_anything_open(), values)
    kinds = [kind for kind, is_open in zip(KINDS, are_open, strict=True) if is_open]
    return kinds, bool(givers), {**values, **_near_any(principal, givers, values)} if kinds and givers else values


@cache
def _anything_open() -> str:
    """Of each kind in order whether anything is open, then in whose place the person may decide."""
    asked = [kind.open() for kind in KINDS]
    mandates = Delegation.objects.holding().filter(receiver=Hole("principal"))
    columns = ", ".join(f"EXISTS ({composed(rows.order_by().values('pk')[:1])})" for rows in asked)
    return f"SELECT {columns}, ARRAY({composed(mandates.order_by().values('giver'))})"


def _near_any(principal: Principal, givers: Sequence[int], values: Mapping[str, Any]) -> Mapping[str, str]:
    """What is near the person and those in whose place they decide."""
    people = array_of([principal.pk, *givers])
    [(groups, domains)] = prepared.rows(_NEAR_ANY, {**values, "near_people": people})
    return {"near_people": people, "near_groups": array_of(groups), "near_domains": array_of(domains)}


_NEAR_ANY = """
    WITH theirs AS MATERIALIZED (
        SELECT joined.group_id::bigint AS id FROM accounts_user_groups AS joined
        JOIN accounts_principal AS person ON person.user_id = joined.user_id
        WHERE person.id = ANY (%(near_people)s::bigint[])
    )
    SELECT ARRAY(SELECT DISTINCT id FROM theirs), ARRAY(
        SELECT DISTINCT domain_id FROM catalog_domainmembership
        WHERE role IN ('steward', 'owner') AND valid_from <= %(now)s AND (valid_to IS NULL OR valid_to > %(now)s)
          AND (principal_id = ANY (%(near_people)s::bigint[]) OR group_id IN (SELECT id FROM theirs))
    )
"""


def _requests(principal: Principal, ids: Sequence[int]) -> Iterator[Waiting]:
    listed = AccessRequest.objects.pending().filter(pk__in=ids)
    for row in request_rows(listed.select_related("requester__user", "dataset", "decided_by__user", "step__group")):
        request = row.request
        since = request.submitted_at or request.created_at
        yield Waiting(
            "request",
            row,
            request.pk,
            since,
            request.decide_by,
            reverse("access:request", args=[request.pk]),
            row.level,
        )


def _emergencies(principal: Principal, ids: Sequence[int]) -> Iterator[Waiting]:
    rows = EmergencyReview.objects.open().filter(pk__in=ids)
    reviews = list(rows.select_related("request__dataset", "requester__user"))
    for review, row in zip(reviews, request_rows([one.request for one in reviews]), strict=True):
        href = reverse("access:emergency_review", args=[review.pk])
        yield Waiting("emergency", review, review.pk, review.opened_at, review.due_at, href, row.level)


def _recertifications(principal: Principal, ids: Sequence[int]) -> Iterator[Waiting]:
    rows = CampaignItem.objects.open().filter(pk__in=ids)
    rows = rows.select_related("campaign", "grant__principal__user", "grant__dataset", "decided_by__user")
    for row in item_rows(list(rows), principal):
        campaign = row.item.campaign
        href = reverse("access:campaign", args=[campaign.pk])
        yield Waiting("recertification", row, row.item.pk, campaign.started_at, campaign.due_at, href, row.row.level)


def _proposals(principal: Principal, ids: Sequence[int]) -> Iterator[Waiting]:
    rows = Proposal.objects.open().filter(pk__in=ids).select_related("dataset", "told_by")
    levels = levels_by_rank()
    for line in lines_of(principal, rows, may_decide=True):
        href = reverse("portal:dataset", args=[line.proposal.dataset_id])
        level = levels.get(line.proposal.dataset.level or 0)
        yield Waiting("proposal", line, line.proposal.pk, line.proposal.at, None, href, level)


def _findings(principal: Principal, ids: Sequence[int]) -> Iterator[Waiting]:
    rows = Finding.objects.open().filter(pk__in=ids).select_related("source", "dataset", "principal__user")
    listed = finding_rows(rows, principal)
    level_of = levels_of([row.finding for row in listed])
    for row in listed:
        found = row.finding
        # Whoever answers for the dataset alone has no right to the source's page; who reads the dataset tells of it too.
        if can_see_enforcement(principal, found.source):
            href = f"{reverse('access:enforcement', args=[found.source_id])}#finding-{found.pk}"
        else:
            href = reverse("access:readers", args=[found.dataset_id])
        yield Waiting("finding", row, found.pk, found.first_seen, None, href, level_of[found.pk])


def _pending(principal: Principal) -> QuerySet[AccessRequest]:
    return AccessRequest.objects.pending().reviewable_by(principal)


def _unreviewed(principal: Principal) -> QuerySet[EmergencyReview]:
    return EmergencyReview.objects.open().closable_by(principal)


# Looked up for each row: PostgreSQL would rather read all grants and requests than join these.
_DATASET_OF_GRANT = Subquery(Grant.objects.filter(pk=OuterRef("grant_id")).values("dataset_id"))
_DATASET_OF_REQUEST = Subquery(AccessRequest.objects.filter(pk=OuterRef("request_id")).values("dataset_id"))
_ASKING_GROUPS = ApprovalStep.objects.filter(group__in=Holes("near_groups")).values("pk")
_OWNED_SOURCES = Source.objects.filter(domain__in=Holes(DomainRole.OWNER)).values("pk")

KINDS: Sequence[_Kind] = (
    _Kind(
        AccessRequest.objects.pending,
        _pending,
        _requests,
        near=Near("dataset_id") | Q(step__in=_ASKING_GROUPS),
        since=Coalesce("submitted_at", "created_at"),
        due=F("decide_by"),
    ),
    _Kind(
        EmergencyReview.objects.open,
        _unreviewed,
        _emergencies,
        # What was opened in an emergency has no steps, at which a group could be asked.
        near=Near(_DATASET_OF_REQUEST),
        since=F("opened_at"),
        due=F("due_at"),
    ),
    _Kind(
        CampaignItem.objects.open,
        CampaignItem.objects.decidable_by,
        _recertifications,
        near=Near(_DATASET_OF_GRANT),
        since=F("campaign__started_at"),
        due=F("campaign__due_at"),
    ),
    _Kind(
        Proposal.objects.open,
        lambda principal: Proposal.objects.open().decidable_by(principal),
        _proposals,
        near=Near("dataset_id"),
        since=F("at"),
    ),
    _Kind(
        Finding.objects.open,
        Finding.objects.judgeable_by,
        _findings,
        near=Near("dataset_id") | Q(source__in=_OWNED_SOURCES),
        since=F("first_seen"),
    ),
)
"""Whoever adds a kind adds it here, and a template."""
