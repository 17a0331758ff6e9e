"""Marquez's graph of columns."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from catalog.models import Dataset, Field, Tier
from common.errors import NotFound
from lineage.marquez import datasets, shapes
from lineage.marquez.addresses import Node, field_node
from lineage.marquez.names import FoundNode, find_node
from lineage.marquez.shapes import DatasetName, Json
from lineage.models import Column, Direction, Influence, JobDataset
from lineage.queries import MAX_NODES
from lineage.queries.columns import Flow, walk_columns
from lineage.queries.disclosure import Readable, check_lineage_told

if TYPE_CHECKING:
    from accounts.models import Principal

ColumnName = tuple[int, str]
"""The dataset, and the column's path with dots."""


def column_lineage(
    principal: Principal, nodes: Sequence[Node], *, depth: int, with_downstream: bool, as_of: dt.datetime | None = None
) -> list[Json]:
    """Where columns come from, and with `with_downstream` where they go: of one field, of a dataset, or of what a job
    writes. Columns of datasets that the principal may not read are not there. Raises `NotFound` for unknown nodes, and
    `Forbidden` for a dataset that may be discovered and not read."""
    found = find_node(principal, nodes)
    version = found.node.version
    if found.dataset is not None:
        check_lineage_told(found.dataset)
        if version:
            _, as_of = datasets.told_text(found.dataset, version)
    focus, start = _start(found)
    walked = walk_columns(
        Readable(principal, known=[focus] if focus else []),
        start,
        direction="both" if with_downstream else "up",
        depth=depth,
        limit=MAX_NODES,
        as_of=as_of,
    )
    columns = {pk: walked.columns[pk] for pk in walked.up.keys() | walked.down.keys()}
    tiers = datasets.tiers_of(principal, {dataset for dataset, _ in columns.values()} | ({focus} if focus else set()))
    readable = {pk: named for pk, (tier, named) in tiers.items() if tier >= Tier.METADATA}
    open_ = {pk for pk, (tier, _) in tiers.items() if tier >= Tier.PROFILE}
    shown = {column for column in columns.values() if column[0] in readable}
    if found.dataset is not None and found.node.field:
        shown.add((found.dataset.pk, found.node.field))
    if found.node.field and not start and not _is_field(focus, found.node.field):
        raise NotFound("The dataset has no such field. Write it as its path with dots.")
    return _drawn(readable, open_, shown, walked.flows)


def _start(found: FoundNode) -> tuple[int, dict[int, ColumnName]]:
    """The dataset that is asked about (0 for a job), and the columns that the walk begins with; one or two statements."""
    rows = Column.objects.exclude(name="").order_by("name")
    if found.job is not None:
        written = JobDataset.objects.filter(job=found.job, direction=Direction.OUTPUT).values("dataset_id")
        rows = rows.filter(dataset_id__in=written)
    elif found.dataset is not None:
        rows = rows.filter(dataset=found.dataset)
        if found.node.field:
            rows = rows.filter(name=found.node.field)
    else:
        raise NotFound("A run has no columns. Ask for the column lineage of a dataset, a field or a job.")
    begin = {pk: (dataset, name) for pk, dataset, name in rows.values_list("pk", "dataset_id", "name")}
    return (found.dataset.pk if found.dataset is not None else 0), begin


def _is_field(dataset_id: int, path: str) -> bool:
    return Field.objects.filter(dataset_id=dataset_id, path=path.split("."), gone_since=None).exists()


def _drawn(
    readable: Mapping[int, DatasetName], open_: Collection[int], shown: Collection[ColumnName], flows: Sequence[Flow]
) -> list[Json]:
    """The nodes by their ids. Marquez writes an inEdge as it writes an outEdge, from the node that has it, and its web UI
    reads it so: its `destination` is where the column comes from."""
    sources: dict[ColumnName, dict[ColumnName, list[Flow]]] = defaultdict(dict)
    targets: dict[ColumnName, set[ColumnName]] = defaultdict(set)
    for flow in flows:
        source, target = (flow.upstream_dataset, flow.upstream_name), (flow.downstream_dataset, flow.downstream_name)
        if source in shown and target in shown:
            sources[target].setdefault(source, []).append(flow)
            targets[source].add(target)
    ids = {column: field_node(readable[column[0]].namespace, readable[column[0]].name, column[1]) for column in shown}
    types = _types(shown)
    versions = _versions({pk for pk, _ in shown})
    nodes = [
        shapes.node(
            id_,
            "DATASET_FIELD",
            shapes.column(
                readable[column[0]],
                versions.get(column[0], ""),
                column[1],
                types.get(column, ""),
                [
                    (readable[source[0]], versions.get(source[0], ""), source[1], _told(of, open_))
                    for source, of in sorted(sources[column].items(), key=lambda one: ids[one[0]])
                ],
            ),
            sorted((id_, ids[source]) for source in sources[column]),
            sorted((id_, ids[target]) for target in targets[column]),
        )
        for column, id_ in ids.items()
    ]
    return sorted(nodes, key=lambda one: str(one["id"]))


def _told(flows: Sequence[Flow], open_: Collection[int]) -> list[tuple[str, str, str, bool]]:
    """What is told of the flows from one column to another; descriptions for whoever may read code on both sides."""
    found = []
    for flow in flows:
        both = flow.upstream_dataset in open_ and flow.downstream_dataset in open_
        found.append((Influence(flow.type).label, flow.subtype, flow.description if both else "", flow.masking))
    return list(dict.fromkeys(found))


def _types(columns: Collection[ColumnName]) -> dict[ColumnName, str]:
    rows = Field.objects.filter(dataset_id__in={pk for pk, _ in columns}, gone_since=None).order_by()
    found = {(pk, ".".join(path)): type_ for pk, path, type_ in rows.values_list("dataset_id", "path", "native_type")}
    return {column: found[column] for column in columns if column in found}


def _versions(ids: Collection[int]) -> dict[int, str]:
    rows = Dataset.objects.filter(pk__in=ids).order_by().values_list("pk", "version")
    return {pk: str(shapes.schema_version(pk, number)) for pk, number in rows}
