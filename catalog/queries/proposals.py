"""Proposals as pages and REST show them: a sentence each, whom it means, and what stands now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group

from catalog.models import Dataset, Proposal
from catalog.queries.members import Members, members_called
from common.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import Principal

Kind = Proposal.Kind
SHOWN = 50
"""Proposals on a page that has other things too."""
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """A proposal with what it says, in words that follow "A pipeline says that". `member` is whom an owner's text means."""

    proposal: Proposal
    sentence: str
    member: Principal | Group | None
    may_decide: bool

    @property
    def unknown_owner(self) -> bool:
        return self.proposal.kind == Kind.OWNER and self.member is None

    @property
    def replaces(self) -> str:
        """The description that accepting would put aside."""
        return self.proposal.dataset.description if self.proposal.kind == Kind.DESCRIPTION else ""


def visible_proposal(principal: Principal, proposal_id: int) -> Proposal:
    """Raises `NotFound` where there is none, or its dataset's metadata may not be read."""
    rows = Proposal.objects.visible_to(principal).select_related("dataset", "told_by", "decided_by")
    found = rows.filter(pk=proposal_id).first()
    if found is None:
        raise NotFound("There is no such proposal: it was withdrawn, or you may not see it.")
    return found


def about(principal: Principal, dataset: Dataset, *, may_decide: bool) -> list[ProposalLine]:
    """The newest 50 open proposals about a dataset."""
    rows = Proposal.objects.open().filter(dataset=dataset).select_related("dataset", "told_by").order_by("-pk")[:SHOWN]
    return lines_of(principal, rows, may_decide=may_decide)


def lines_of(principal: Principal, proposals: Iterable[Proposal], *, may_decide: bool) -> list[ProposalLine]:
    """The proposals in words, in their order; at most three statements besides theirs."""
    rows = list(proposals)
    members = members_called([row.payload["owner"] for row in rows if row.kind == Kind.OWNER])
    others = {row.payload["dataset"] for row in rows if row.kind == Kind.SAME_AS}
    names = (
        dict(Dataset.objects.visible_to(principal).filter(pk__in=others).values_list("pk", "qualified_name"))
        if others
        else {}
    )
    return [
        ProposalLine(row, sentence_of(row, other=names.get(row.payload.get("dataset", 0), "")), member, may_decide)
        for row, member in zip(rows, _meant(rows, members), strict=True)
    ]


def _meant(rows: Sequence[Proposal], members: Members) -> list[Principal | Group | None]:
    return [members.called(row.payload["owner"]) if row.kind == Kind.OWNER else None for row in rows]


def sentence_of(proposal: Proposal, *, other: str = "") -> str:
    """What a proposal says, to stand after "that"; `other` is the name of the other dataset, where it may be known."""
    payload, name = proposal.payload, proposal.dataset.name
    if proposal.kind == Kind.OWNER:
        return f"{payload['owner']} is {payload['as']} of {name}"
    if proposal.kind == Kind.DESCRIPTION:
        return f"{name} is “{_excerpt(payload['text'])}”"
    if proposal.kind == Kind.TAG:
        what = f"{name}.{payload['field']}" if payload["field"] else name
        return f"{what} is tagged {payload['tag']}"
    if proposal.kind == Kind.GONE:
        return f"{name} was dropped"
    if proposal.kind == Kind.MASKING:
        return f"{payload['called']} masks {name}.{payload['field']}, so that the level which it inherits ends"
    return f"{name} and {other or 'a dataset that you may not see'} are one dataset"


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT].rsplit(' ', 1)[0]}…"
