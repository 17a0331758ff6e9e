"""Decide about what pipelines propose. Accepting does what a person would have done by hand, and says who did it."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.actions.curation import add_tag, assign_owner, describe
from catalog.events import ProposalAccepted, ProposalDeclined
from catalog.models import Dataset, Field, Ownership, Proposal
from catalog.permissions import check_can_curate
from catalog.proposals import on_decision
from catalog.queries.members import members_called
from catalog.queries.proposals import lines_of
from catalog.tagging import tags_called
from common.errors import Conflict, Invalid

State = Proposal.State


@transaction.atomic
def accept_proposal(*, proposal: Proposal, by: Principal, reason: str = "") -> Proposal:
    """Let it be as the pipeline says.

    Raises `Conflict` for a proposal that was decided or withdrawn, and `Invalid` where it cannot be done.
    """
    return _decide(proposal, State.ACCEPTED, by, reason)


@transaction.atomic
def decline_proposal(*, proposal: Proposal, by: Principal, reason: str = "") -> Proposal:
    """Leave it as it is. However often pipelines say the same again, nobody is asked again."""
    return _decide(proposal, State.DECLINED, by, reason)


def _decide(proposal: Proposal, state: str, by: Principal, reason: str) -> Proposal:
    check_can_curate(by, [proposal.dataset])
    held = Proposal.objects.select_for_update(of=("self",)).select_related("dataset").filter(pk=proposal.pk).first()
    if held is None:
        raise Conflict("The pipeline no longer says so. Nothing is left to decide.")
    if not held.is_open:
        raise Conflict(f"This was {held.state} already.")
    held.state, held.decided_by, held.decided_at, held.reason = state, by, timezone.now(), reason
    held.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    on_decision[held.kind](held, by)
    told = ProposalAccepted if state == State.ACCEPTED else ProposalDeclined
    record(
        told(
            proposal_id=held.pk,
            dataset_id=held.dataset_id,
            kind=held.kind,
            what=lines_of(by, [held], may_decide=True)[0].sentence,
            reason=reason,
        ),
        by=by,
    )
    return held


def _owner(proposal: Proposal, by: Principal) -> None:
    if proposal.state != State.ACCEPTED:
        return
    text = proposal.payload["owner"]
    member = members_called([text]).called(text)
    if member is None:
        raise Invalid(f"Nobody here is called {text}. Assign an owner on the dataset's page, then decline this.")
    kind = Ownership.Kind(proposal.payload["as"])
    if isinstance(member, Group):
        assign_owner(datasets=[proposal.dataset], group=member, kind=kind, by=by)
    else:
        assign_owner(datasets=[proposal.dataset], principal=member, kind=kind, by=by)


def _description(proposal: Proposal, by: Principal) -> None:
    if proposal.state == State.ACCEPTED:
        describe(dataset=proposal.dataset, text=proposal.payload["text"], by=by)


def _tag(proposal: Proposal, by: Principal) -> None:
    if proposal.state != State.ACCEPTED:
        return
    name, path = proposal.payload["tag"], proposal.payload["field"]
    fields = Field.objects.filter(dataset=proposal.dataset, gone_since__isnull=True)
    field = next((one for one in fields if ".".join(one.path) == path), None) if path else None
    if path and field is None:
        raise Invalid(
            f"{proposal.dataset.name} has no column {path}. Decline this, or accept it once a crawl found it."
        )
    add_tag(datasets=[proposal.dataset], tag=tags_called([name])[name], field=field, by=by)


def _gone(proposal: Proposal, by: Principal) -> None:
    if proposal.state == State.ACCEPTED:
        gone = Dataset.objects.filter(pk=proposal.dataset_id, gone_since__isnull=True)
        gone.update(gone_since=proposal.at, changed_at=timezone.now())


on_decision[Proposal.Kind.OWNER] = _owner
on_decision[Proposal.Kind.DESCRIPTION] = _description
on_decision[Proposal.Kind.TAG] = _tag
on_decision[Proposal.Kind.GONE] = _gone
