"""The lineage of one column in a picture: which columns of which datasets it is made of and makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from catalog.models import Tier
from lineage.exploring.asked import ColumnAsked
from lineage.exploring.neighbourhood import Neighbourhood
from lineage.models import Influence
from lineage.queries import Direction
from lineage.queries.columns import Flow, columns_of, walk_columns

DEPTH = 20
MOST = 500


class TracedFlow(msgspec.Struct, frozen=True, gc=False):
    """Values of a column make, or influence, those of another. Ends are keys of nodes and names of columns.

    No name (None) stands for the whole dataset, an empty one for a column that the reader may not know.
    """

    source: str
    source_column: str | None
    target: str
    target_column: str | None
    job: int | None
    type: str
    subtype: str
    masking: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """The column in the middle, and what flows into and out of it; `influences` are those on whole datasets, apart."""

    node: str
    column: str
    flows: Sequence[TracedFlow]
    influences: Sequence[TracedFlow]
    more: int


def trace(
    around: Neighbourhood, asked: ColumnAsked, *, direction: Direction, as_of: dt.datetime | None
) -> Trace | None:
    """Follow a column both ways or one, and show the datasets that it leads to; None where the reader may not.

    A column that lineage does not know has no flows: an old address still shows the datasets.
    """
    around.learn([asked.dataset])
    if around.known(asked.dataset).tier < Tier.METADATA:
        return None
    start = columns_of(asked.dataset, [asked.name])
    walked = walk_columns(around.readable, start, direction=direction, depth=DEPTH, limit=MOST, as_of=as_of)
    kept = walked.up.keys() | walked.down.keys()
    flows = [*walked.flows, *walked.influences]
    around.learn(dataset for flow in flows for dataset in (flow.upstream_dataset, flow.downstream_dataset))
    around.show(asked.dataset)
    for pk in sorted(kept, key=lambda pk: min(walked.up.get(pk, MOST), walked.down.get(pk, MOST))):
        around.show(walked.columns[pk][0])
    # Of what filters, joins or sorts whole datasets, what this column does, and what is done to datasets that it is in.
    whole = [
        flow
        for flow in walked.influences
        if flow.upstream in kept or flow.downstream in kept or not flow.downstream_name
    ]
    for flow in whole:
        if flow.upstream in kept:
            around.show(flow.downstream_dataset)
    told = [_told(around, flow) for flow in walked.flows if _is_shown(around, flow)]
    apart = [_told(around, flow) for flow in whole if _is_shown(around, flow)]
    return Trace(
        around.key(asked.dataset), asked.name, list(dict.fromkeys(told)), list(dict.fromkeys(apart)), walked.more
    )


def _is_shown(around: Neighbourhood, flow: Flow) -> bool:
    return flow.upstream_dataset in around.shown and flow.downstream_dataset in around.shown


def _told(around: Neighbourhood, flow: Flow) -> TracedFlow:
    return TracedFlow(
        around.key(flow.upstream_dataset), _name(around, flow.upstream_dataset, flow.upstream_name),
        around.key(flow.downstream_dataset), _name(around, flow.downstream_dataset, flow.downstream_name),
        flow.job, Influence(flow.type).label, flow.subtype, flow.masking,
    )  # fmt: skip


def _name(around: Neighbourhood, dataset: int, name: str) -> str | None:
    if around.known(dataset).tier < Tier.METADATA:
        return ""
    return name or None
