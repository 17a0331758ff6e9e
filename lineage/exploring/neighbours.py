"""The direct neighbours of a dataset, a page at a time, in the order in which pictures show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Dataset, Tier
from lineage.exploring.asked import Way
from lineage.exploring.neighbourhood import PAGE, Known, Neighbourhood
from lineage.queries.steps import Slice

if TYPE_CHECKING:
    from accounts.models import Principal


@dataclass(frozen=True, slots=True)
class NeighboursPage:
    """`page` is from 1; `total` counts all that the reader may be told of. A hidden one is known by nothing (tier 0)."""

    neighbours: Sequence[Known]
    page: int
    pages: int
    total: int


def neighbours_page(
    principal: Principal, dataset: Dataset, way: Way, *, page: int = 1, as_of: dt.datetime | None = None
) -> NeighboursPage:
    """Ten direct neighbours of a dataset that the principal may read: the most critical first, hidden ones last."""
    around = Neighbourhood(principal, dataset, Slice(as_of=as_of))
    up, down = ([dataset.pk], []) if way == "up" else ([], [dataset.pk])
    found = sorted(around.neighbours(up, down).get((dataset.pk, way), ()), key=around.rank)
    shown = [around.known(pk) for pk in found[(page - 1) * PAGE : page * PAGE]]
    told = [known if known.tier >= Tier.DISCOVER else Known(0) for known in shown]
    return NeighboursPage(told, page, max(1, -(-len(found) // PAGE)), len(found))
