"""Masking that pipelines tell of and that would lower a level which holds: kept back, and proposed to the stewards."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import connection

from catalog.models import Proposal
from catalog.proposals import Claim, propose
from classification.models import StaleDataset
from classification.propagation import statements
from classification.propagation.ground import rows
from common.arrays import array_of

if TYPE_CHECKING:
    from accounts.models import Principal


def hold(hops: Iterable[tuple[int, int, int]]) -> None:
    """Let these hops (upstream, downstream, job) carry until somebody decides."""
    with connection.cursor() as cursor:
        cursor.execute(statements.HOLD, list(map(list, zip(*sorted(hops), strict=True))))


def release(columns: Collection[int] | None) -> None:
    """Hold no longer what is no longer told, of hops into these columns or of all."""
    with connection.cursor() as cursor:
        cursor.execute(statements.RELEASE, {"columns": None if columns is None else array_of(columns)})


def ask_stewards(columns: Collection[int] | None) -> None:
    """Make the open proposals about the datasets of these columns, or of all, those of the masking that is held."""
    if columns is None:
        about = {dataset for (dataset,) in rows(statements.DATASETS_HELD)}
        about |= set(Proposal.objects.open().filter(kind=Proposal.Kind.MASKING).values_list("dataset_id", flat=True))
    else:
        about = {dataset for (dataset,) in rows(statements.DATASETS_OF, [array_of(columns)])}
    claims = [
        Claim(dataset, {"field": field, "job": job, "called": f"{namespace}/{name}"}, since, told_by_id)
        for dataset, field, job, namespace, name, since, told_by_id in rows(
            statements.HELD_OF, [array_of(sorted(about))]
        )
    ]
    propose(kind=Proposal.Kind.MASKING, claims=claims, about=about)


def follow_proposal(proposal: Proposal, by: Principal) -> None:
    """What deciding a proposal of the kind `masking` does: accepted, the masking counts and the level may fall.

    Declined, it stays held for as long as the pipeline tells of it.
    """
    if proposal.state != Proposal.State.ACCEPTED:
        return
    told = proposal.payload
    if rows(statements.LET_GO, [proposal.dataset_id, told["field"], told["job"]]):
        StaleDataset.objects.create(dataset_id=proposal.dataset_id)
