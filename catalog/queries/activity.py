"""What happened to a dataset, as far as a reader may know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.models import RecordSubject
from catalog.models import Dataset, Proposal
from catalog.permissions import can_curate
from catalog.visibility import scope_of

if TYPE_CHECKING:
    from accounts.models import Principal

_OF_READERS = Q(record__event__startswith="access.") | Q(record__event__startswith="catalog.exception_")
"""Who asked to read a dataset, who reads it, and who sees it by exception."""

_MERGES = Q(record__event__startswith="lineage.")

_PROPOSED_MERGES = Q(
    record__event__startswith="catalog.proposal_", record__payload__contains=f'"kind":"{Proposal.Kind.SAME_AS}"'
)
"""Their sentence names the other dataset, of which they tell nothing else; that the two are one is a record of its own."""


def hidden_activity(principal: Principal, dataset: Dataset) -> Q:
    """The condition on records about a dataset that they are not told to the principal, who reads its metadata.

    Who may read it is told to those who curate it, to others what is about themselves. What names another dataset is told
    to whoever may know of that one; names of what was merged into this one are its own.
    """
    if scope_of(principal).everything:
        return Q()
    hidden = _PROPOSED_MERGES | _MERGES & Q(Exists(_unseen_beside(principal, dataset)))
    if can_curate(principal, dataset):
        return hidden
    own = RecordSubject.objects.filter(record=OuterRef("record"), kind="principal", object_id=principal.pk)
    return hidden | _OF_READERS & ~Q(record__actor=principal) & ~Q(Exists(own))


def _unseen_beside(principal: Principal, dataset: Dataset) -> QuerySet[Any]:
    """The other datasets that a record is about and that the principal may not know of."""
    known = Dataset.objects.visible_to(principal).filter(pk=OuterRef("object_id"))
    merged = Dataset.objects.filter(pk=OuterRef("object_id"), merged_into=dataset)
    others = RecordSubject.objects.filter(record=OuterRef("record"), kind="dataset").exclude(object_id=dataset.pk)
    return others.exclude(Exists(known)).exclude(Exists(merged))
