"""What kind of thing a dataset is, and whether it is still there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import Q

from catalog.asserted import push_gone, push_kinds
from catalog.governed import governed
from catalog.models import Dataset, Proposal
from catalog.proposals import Claim, propose
from catalog.snapshots import DatasetKind
from lineage.telling.standing import StandingFacet, standing_facets

_KINDS = {
    "table": DatasetKind.TABLE,
    "view": DatasetKind.VIEW,
    "materialized view": DatasetKind.MATERIALIZED_VIEW,
    "file": DatasetKind.FILE,
    "directory": DatasetKind.FILE,
    "topic": DatasetKind.TOPIC,
    "stream": DatasetKind.TOPIC,
    "queue": DatasetKind.TOPIC,
    "model": DatasetKind.MODEL,
    "dashboard": DatasetKind.DASHBOARD,
    "report": DatasetKind.DASHBOARD,
    "chart": DatasetKind.DASHBOARD,
}
"""`datasetType` is a free text; these are the ones in use. Any other is a table, as far as the catalog knows."""


def tell_kinds(dataset_ids: Sequence[int]) -> None:
    """What the datasetType facets call these datasets."""
    told = standing_facets(dataset_ids, "datasetType")
    push_kinds({pk: _kind(told.get(pk)).value for pk in dataset_ids})


def _kind(facet: StandingFacet | None) -> DatasetKind:
    if facet is None:
        return DatasetKind.TABLE
    kind = facet.text("datasetType").lower().replace("_", " ")
    if kind == "view" and facet.text("subType").lower() == "materialized":
        kind = "materialized view"
    if kind == "table" and facet.text("subType").lower() == "external":
        return DatasetKind.FOREIGN
    return _KINDS.get(kind, DatasetKind.TABLE)


def tell_ends(dataset_ids: Sequence[int]) -> None:
    """Call gone what was dropped and not written since; of what somebody governs, propose it.

    Written again, a dataset is there again. Of a crawled dataset only a crawl can tell; where somebody governs it, they
    are asked meanwhile.
    """
    told = standing_facets(dataset_ids, "lifecycleStateChange")
    held = governed(dataset_ids)
    claims: list[Claim] = []
    gone: dict[int, dt.datetime | None] = {}
    accepted = _accepted(dataset_ids)
    # Every run that wrote anything comes by here: what was never dropped and is there costs no lock.
    rows = Dataset.objects.filter(Q(pk__in=told) | Q(gone_since__isnull=False), pk__in=dataset_ids)
    for pk, written, since in rows.values_list("pk", "data_updated_at", "gone_since"):
        dropped = _dropped(told.get(pk), written)
        if dropped is None:
            if since is not None:
                gone[pk] = None
            continue
        claim = Claim(pk, {"written": written.isoformat() if written else None}, dropped.at, dropped.told_by_id)
        if pk not in held:
            gone[pk] = dropped.at
        elif (pk, claim.payload["written"]) in accepted:
            gone[pk] = since or dropped.at
        elif since is None:
            claims.append(claim)
    push_gone(gone)
    propose(kind=Proposal.Kind.GONE, claims=claims, about=dataset_ids)


def _dropped(facet: StandingFacet | None, written: dt.datetime | None) -> StandingFacet | None:
    """The facet, where it says that the dataset was dropped, and no run wrote it afterwards."""
    if facet is None or facet.text("lifecycleStateChange").upper() != "DROP":
        return None
    return facet if written is None or written <= facet.at else None


def _accepted(dataset_ids: Sequence[int]) -> set[tuple[int, str | None]]:
    rows = Proposal.objects.filter(kind=Proposal.Kind.GONE, dataset_id__in=dataset_ids, state=Proposal.State.ACCEPTED)
    return {(pk, payload["written"]) for pk, payload in rows.values_list("dataset_id", "payload")}
