"""One list of every decision that waits for somebody: requests, reviews of emergencies, grants to confirm, proposals, and
what sources allow and nobody approved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse

from access.campaigns import ItemRow, item_rows
from access.enforcement.queries import FindingRow, finding_rows
from access.models import AccessRequest, CampaignItem, EmergencyReview, Finding
from access.queries import RequestRow, request_rows
from catalog.models import Proposal
from catalog.queries.proposals import ProposalLine
from catalog.queries.proposals import waiting_for as proposals_for

if TYPE_CHECKING:
    from accounts.models import Principal

COUNT_CAP = 100
SHOWN_OF_EACH = 50


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


def waiting_list(principal: Principal) -> list[Waiting]:
    """What waits for `principal`, what is due first before others and then the oldest; at most 50 of each kind.

    The number of statements is fixed for the kinds of which anything waits for anybody.
    """
    found = [item for kind in _open_kinds() for item in kind.waiting(principal)]
    far = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(found, key=lambda one: (one.due or far, one.since))


def count_waiting(principal: Principal) -> int:
    """How many there are, of each kind counted to 100, in two statements (for administrators three)."""
    kinds = (kind.of(principal) for kind in _open_kinds())
    counted = [rows.order_by().values("pk")[:COUNT_CAP] for rows in kinds if not rows.query.is_empty()]
    if not counted:
        return 0
    first, *others = counted
    return first.union(*others, all=True).count() if others else first.count()


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of decision: all that is open, what of it waits for somebody, and that as lines of the inbox."""

    open: Callable[[], QuerySet[Any]]
    of: Callable[[Principal], QuerySet[Any]]
    waiting: Callable[[Principal], Iterator[Waiting]]


def _open_kinds() -> list[_Kind]:
    """The kinds of which anything is open; one statement.

    Every page counts, and a condition on who may decide takes 5 to 25 ms to compose, most often about nothing.
    """
    parts = [kind.open().order_by().values("pk")[:1].query.sql_with_params() for kind in KINDS]
    columns = ", ".join(f"EXISTS ({sql})" for sql, _ in parts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [value for _, values in parts for value in values])
        return [kind for kind, is_open in zip(KINDS, cursor.fetchone(), strict=True) if is_open]


def _requests(principal: Principal) -> Iterator[Waiting]:
    listed = (
        _pending(principal)
        .select_related("requester__user", "dataset", "decided_by__user", "step__group")
        .order_by("pk")
    )
    for row in request_rows(listed[:SHOWN_OF_EACH]):
        request = row.request
        since = request.submitted_at or request.created_at
        yield Waiting(
            "request", row, request.pk, since, request.decide_by, reverse("access:request", args=[request.pk])
        )


def _emergencies(principal: Principal) -> Iterator[Waiting]:
    rows = _unreviewed(principal).select_related("request__dataset", "requester__user")
    for review in rows.order_by("due_at")[:SHOWN_OF_EACH]:
        href = reverse("access:request", args=[review.request_id])
        yield Waiting("emergency", review, review.pk, review.opened_at, review.due_at, href)


def _recertifications(principal: Principal) -> Iterator[Waiting]:
    rows = CampaignItem.objects.decidable_by(principal).select_related(
        "campaign", "grant__principal__user", "grant__dataset", "decided_by__user"
    )
    for row in item_rows(list(rows.order_by("campaign__due_at", "pk")[:SHOWN_OF_EACH]), principal):
        campaign = row.item.campaign
        href = reverse("access:campaign", args=[campaign.pk])
        yield Waiting("recertification", row, row.item.pk, campaign.started_at, campaign.due_at, href)


def _proposals(principal: Principal) -> Iterator[Waiting]:
    for line in proposals_for(principal):
        href = reverse("portal:dataset", args=[line.proposal.dataset_id])
        yield Waiting("proposal", line, line.proposal.pk, line.proposal.at, None, href)


def _findings(principal: Principal) -> Iterator[Waiting]:
    rows = Finding.objects.judgeable_by(principal).select_related("source", "dataset", "principal__user")
    for row in finding_rows(rows.order_by("-pk")[:SHOWN_OF_EACH], principal):
        found = row.finding
        href = f"{reverse('access:enforcement', args=[found.source_id])}#finding-{found.pk}"
        yield Waiting("finding", row, found.pk, found.first_seen, None, href)


def _pending(principal: Principal) -> QuerySet[AccessRequest]:
    return AccessRequest.objects.pending().reviewable_by(principal)


def _unreviewed(principal: Principal) -> QuerySet[EmergencyReview]:
    return EmergencyReview.objects.open().closable_by(principal)


KINDS: Sequence[_Kind] = (
    _Kind(AccessRequest.objects.pending, _pending, _requests),
    _Kind(EmergencyReview.objects.open, _unreviewed, _emergencies),
    _Kind(CampaignItem.objects.open, CampaignItem.objects.decidable_by, _recertifications),
    _Kind(Proposal.objects.open, lambda principal: Proposal.objects.open().decidable_by(principal), _proposals),
    _Kind(Finding.objects.open, Finding.objects.judgeable_by, _findings),
)
"""Whoever adds a kind adds it here, and a template."""
