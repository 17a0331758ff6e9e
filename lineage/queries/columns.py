"""Column lineage: which columns make or influence which, as far as a reader may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from django.db import connection

from catalog.models import Dataset, Tier
from common.arrays import array_of
from common.errors import NotFound
from lineage import graph as cores
from lineage.models import Column, Influence
from lineage.queries.datasets import COUNTED_BEYOND, MAX_DEPTH, MAX_NODES, Direction, JobNode, jobs_of
from lineage.queries.disclosure import Readable
from lineage.queries.steps import datasets_among

if TYPE_CHECKING:
    from accounts.models import Principal


class Flow(NamedTuple):
    """A row of column lineage. Without a job it says that what influences a whole dataset influences its column."""

    upstream: int
    downstream: int
    upstream_dataset: int
    downstream_dataset: int
    upstream_name: str
    downstream_name: str
    job: int | None
    origin: str
    type: int
    subtype: str
    masking: bool
    description: str

    @property
    def is_of_whole(self) -> bool:
        """Whether one of its ends is a whole dataset."""
        return not self.upstream_name or not self.downstream_name


class ColumnDataset(msgspec.Struct, frozen=True, gc=False):
    """A dataset that columns belong to; a hidden one has a negative id, of this answer only, and no name."""

    id: int
    namespace: str = ""
    name: str = ""
    title: str = ""
    level: int | None = None


class ColumnNode(msgspec.Struct, frozen=True, gc=False):
    """A column, with its distances from the focus (None on a side that it is not on).

    Of a dataset whose columns the reader may not know, it has a negative id and no name; `whole` says that it stands for
    the whole dataset rather than a column.
    """

    id: int
    dataset: int
    name: str = ""
    whole: bool = False
    up: int | None = None
    down: int | None = None


class ColumnFlow(msgspec.Struct, frozen=True, gc=False):
    """Values of one column make or influence those of another. `type` is DIRECT, INDIRECT or unknown.

    `description` is empty for whoever may not read the code on both its ends.
    """

    upstream: int
    downstream: int
    job: int | None
    origin: str
    type: str
    subtype: str
    masking: bool
    description: str


class WholeInfluence(msgspec.Struct, frozen=True, gc=False):
    """A column that filters, joins or sorts all rows of `downstream`. Empty names stand for whole datasets, or for
    columns that may not be known."""

    upstream: int
    upstream_column: str
    downstream: int
    downstream_column: str
    job: int | None
    origin: str
    type: str
    subtype: str
    masking: bool
    description: str


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """Columns around those of a dataset, nearest first, the flows between them, and apart from these what influences
    whole datasets on the way. Flows name columns by the ids of `nodes`, influences datasets by those of `datasets`."""

    dataset: Dataset
    columns: Sequence[str]
    direction: Direction
    depth: int
    as_of: dt.datetime | None
    datasets: Sequence[ColumnDataset]
    nodes: Sequence[ColumnNode]
    flows: Sequence[ColumnFlow]
    influences: Sequence[WholeInfluence]
    jobs: Sequence[JobNode]
    more: int


_FLOW = """
    edge.upstream_id, edge.downstream_id, up.dataset_id, down.dataset_id, up.name, down.name,
    explanation.job_id, explanation.origin, edge.type, edge.subtype, edge.masking, edge.description
"""
_JOINED = """
    JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id
    JOIN lineage_column AS up ON up.id = edge.upstream_id
    JOIN lineage_column AS down ON down.id = edge.downstream_id
"""

_CURRENT = f"""
    SELECT {_FLOW} FROM lineage_columnedge AS edge {_JOINED}
    WHERE edge.downstream_id = ANY(%(up)s::bigint[]) AND edge.current
    UNION ALL
    SELECT {_FLOW} FROM lineage_columnedge AS edge {_JOINED}
    WHERE edge.upstream_id = ANY(%(down)s::bigint[]) AND edge.current
"""  # noqa: S608 -- constants only

# The explanation that was current then is that of the latest writing which told columns. Explanations that no event gave
# (read from SQL) know no times: they count as they do now.
_AS_OF = f"""
    WITH near AS MATERIALIZED (
        SELECT * FROM lineage_columnedge WHERE downstream_id = ANY(%(up)s::bigint[])
        UNION ALL
        SELECT * FROM lineage_columnedge WHERE upstream_id = ANY(%(down)s::bigint[])
    ), told AS MATERIALIZED (
        SELECT explanation.* FROM lineage_explanation AS explanation
        WHERE explanation.id IN (SELECT explanation_id FROM near)
    ), standing AS MATERIALIZED (
        SELECT pair.job_id, pair.dataset_id, recent.columns
        FROM (SELECT DISTINCT job_id, dataset_id FROM told WHERE origin = 'event') AS pair
        JOIN lineage_job AS job ON job.id = pair.job_id
        CROSS JOIN LATERAL (
            SELECT written.columns FROM (
                SELECT pair.dataset_id AS id
                UNION ALL
                SELECT id FROM catalog_dataset WHERE merged_into_id = pair.dataset_id
            ) AS member
            CROSS JOIN LATERAL (
                SELECT written.columns, written.last_at, written.run_id FROM lineage_rundataset AS written
                WHERE written.dataset_id = member.id AND written.direction = 2 AND written.job_id = pair.job_id
                  AND written.columns_at IS NOT NULL AND written.last_at <= %(at)s
                  AND (job.deleted_at IS NULL OR job.deleted_at > %(at)s OR written.last_at > job.deleted_at)
                ORDER BY written.last_at DESC, written.run_id DESC LIMIT 1
            ) AS written
            ORDER BY written.last_at DESC, written.run_id DESC, written.columns DESC LIMIT 1
        ) AS recent
    ), explanation AS MATERIALIZED (
        SELECT told.id, told.job_id, told.origin FROM told
        LEFT JOIN standing ON standing.job_id = told.job_id AND standing.dataset_id = told.dataset_id
        WHERE CASE WHEN told.origin = 'event' THEN told.content = standing.columns ELSE told.current END
    )
    SELECT {_FLOW} FROM near AS edge
    JOIN explanation ON explanation.id = edge.explanation_id
    JOIN lineage_column AS up ON up.id = edge.upstream_id
    JOIN lineage_column AS down ON down.id = edge.downstream_id
"""  # noqa: S608 -- constants only

# What influences a whole dataset influences each of its columns.
_THROUGH = """
    SELECT whole.id, own.id, own.dataset_id, own.dataset_id, '', own.name, NULL::bigint, '', 2, '', false, ''
    FROM lineage_column AS own JOIN lineage_column AS whole ON whole.dataset_id = own.dataset_id AND whole.name = ''
    WHERE own.id = ANY(%(up)s::bigint[]) AND own.name <> ''
    UNION ALL
    SELECT whole.id, own.id, own.dataset_id, own.dataset_id, '', own.name, NULL, '', 2, '', false, ''
    FROM lineage_column AS own JOIN lineage_column AS whole ON whole.dataset_id = own.dataset_id AND whole.name = ''
    WHERE whole.id = ANY(%(down)s::bigint[]) AND own.name <> ''
"""

_WHOLE = "SELECT id FROM lineage_column WHERE dataset_id = ANY(%s::bigint[]) AND name = ''"


@dataclass(frozen=True, slots=True)
class WalkedColumns:
    """Columns that a walk found, before they are made presentable."""

    up: Mapping[int, int]
    down: Mapping[int, int]
    flows: Sequence[Flow]
    influences: Sequence[Flow]
    columns: Mapping[int, tuple[int, str]]
    """The dataset and name of every column that was met."""
    more: int


def walk_columns(
    readable: Readable,
    start: Mapping[int, tuple[int, str]],
    *,
    direction: Direction,
    depth: int,
    limit: int | None = None,
    as_of: dt.datetime | None = None,
    through_influences: bool = False,
) -> WalkedColumns:
    """The columns up- and downstream of `start` (dataset and name by id) over flows that may be told.

    One statement a distance, and two for the influences on the whole datasets that were met.
    """
    columns = dict(start)
    influences: list[Flow] = []
    statement, values = (_CURRENT, {}) if as_of is None else (_AS_OF, {"at": as_of})

    def step(up: Collection[int], down: Collection[int]) -> list[Flow]:
        at = values | {"up": array_of(up), "down": array_of(down)}
        flows = readable.told(_flows(statement, at), 2, 3)
        if through_influences:
            flows += _flows(_THROUGH, at)
        else:
            influences.extend(flow for flow in flows if flow.is_of_whole)
            flows = [flow for flow in flows if not flow.is_of_whole]
        for flow in flows:
            columns[flow.upstream] = flow.upstream_dataset, flow.upstream_name
            columns[flow.downstream] = flow.downstream_dataset, flow.downstream_name
        return flows

    walked = cores.walk(
        step,
        up_from=start if direction != "down" else (),
        down_from=start if direction != "up" else (),
        depth=depth,
        limit=limit,
        beyond=COUNTED_BEYOND,
    )
    if not through_influences:
        at = values | {
            "up": _whole({columns[pk][0] for pk in walked.up}),
            "down": _whole({columns[pk][0] for pk in walked.down}),
        }
        if at["up"] or at["down"]:
            influences += [flow for flow in readable.told(_flows(statement, at), 2, 3) if flow.is_of_whole]
    kept = walked.nodes
    of_kept = {columns[pk][0] for pk in kept}
    shown = [
        flow
        for flow in dict.fromkeys(influences)
        if (flow.upstream in kept or (not flow.upstream_name and flow.upstream_dataset in of_kept))
        or (flow.downstream in kept or (not flow.downstream_name and flow.downstream_dataset in of_kept))
    ]
    return WalkedColumns(walked.up, walked.down, walked.edges, shown, columns, walked.more)


def columns_of(dataset_id: int, names: Iterable[str] = ()) -> dict[int, tuple[int, str]]:
    """The columns of a dataset that lineage knows, all or those of these names, as `walk_columns` begins with them."""
    rows = Column.objects.filter(dataset_id=dataset_id).exclude(name="")
    wanted = list(names)
    if wanted:
        rows = rows.filter(name__in=wanted)
    return {pk: (dataset_id, name) for pk, name in rows.order_by("name").values_list("pk", "name")}


def column_lineage(
    principal: Principal,
    dataset: Dataset,
    *,
    column: str = "",
    direction: Direction = "both",
    depth: int = 3,
    limit: int = 500,
    as_of: dt.datetime | None = None,
    through_influences: bool = False,
) -> ColumnLineage:
    """The columns around one column of a dataset (by its path with dots), or around all of them.

    A flow is told to whoever may read one of its ends; columns of datasets that the principal may not read the metadata of
    have no names, and datasets that it may not discover neither. Influences on whole datasets are told apart and not
    walked through unless `through_influences`. Raises `NotFound` for a column that neither lineage nor the catalog knows.
    """
    depth, limit = max(1, min(depth, MAX_DEPTH)), max(1, min(limit, MAX_NODES))
    start = columns_of(dataset.pk, [column] if column else [])
    if column and not start:
        check_column(dataset, column)
    walked = walk_columns(
        Readable(principal, known=[dataset.pk]), start, direction=direction, depth=depth, limit=limit,
        as_of=as_of, through_influences=through_influences,
    )  # fmt: skip
    shown = _Shown(principal, dataset, walked)
    jobs = {flow.job for flow in (*walked.flows, *walked.influences) if flow.job is not None}
    return ColumnLineage(
        dataset=dataset,
        columns=[name for _, name in start.values()],
        direction=direction,
        depth=depth,
        as_of=as_of,
        datasets=shown.datasets,
        nodes=shown.nodes,
        flows=[shown.flow(flow) for flow in walked.flows],
        influences=[shown.influence(flow) for flow in walked.influences],
        jobs=jobs_of(jobs),
        more=walked.more,
    )


class _Shown:
    """What a walk found, as the principal may know it; one statement."""

    def __init__(self, principal: Principal, focus: Dataset, walked: WalkedColumns) -> None:
        near = {
            pk: (min(walked.up.get(pk, MAX_DEPTH), walked.down.get(pk, MAX_DEPTH)), walked.columns[pk])
            for pk in walked.up.keys() | walked.down.keys()
        }
        flows = [*walked.flows, *walked.influences]
        ids = [focus.pk, *(dataset for _, (dataset, _) in near.values())]
        ids += [dataset for flow in flows for dataset in (flow.upstream_dataset, flow.downstream_dataset)]
        rows = datasets_among(set(ids)).with_tier(principal).order_by()
        shown = ("pk", "namespace", "qualified_name", "name", "level", "tier")
        found: dict[int, Any] = {row[0]: row for row in rows.values_list(*shown)}
        self._tiers = {pk: row[-1] for pk, row in found.items()} | {focus.pk: max(found[focus.pk][-1], Tier.METADATA)}
        known = [pk for pk in dict.fromkeys(ids) if self._tiers.get(pk, 0) >= Tier.DISCOVER]
        hidden = [pk for pk in dict.fromkeys(ids) if self._tiers.get(pk, 0) < Tier.DISCOVER]
        self._aliases = {pk: -number for number, pk in enumerate(hidden, start=1)}
        self.datasets = [ColumnDataset(*found[pk][:-1]) for pk in known]
        self.datasets += [ColumnDataset(number) for number in self._aliases.values()]
        ordered = sorted(near, key=lambda pk: (near[pk][0], not self._reads(near[pk][1][0]), near[pk][1][1]))
        closed = [pk for pk in ordered if not self._reads(near[pk][1][0])]
        self._columns = {pk: -number for number, pk in enumerate(closed, start=1)}
        self.nodes = [self._node(pk, *near[pk][1], walked) for pk in ordered]

    def _reads(self, dataset: int, tier: int = Tier.METADATA) -> bool:
        return self._tiers.get(dataset, 0) >= tier

    def _node(self, pk: int, dataset: int, name: str, walked: WalkedColumns) -> ColumnNode:
        return ColumnNode(
            id=self._columns.get(pk, pk),
            dataset=self._aliases.get(dataset, dataset),
            name=self._name(dataset, name),
            whole=not name and self._reads(dataset),
            up=walked.up.get(pk),
            down=walked.down.get(pk),
        )

    def _name(self, dataset: int, name: str) -> str:
        return name if self._reads(dataset) else ""

    def _description(self, flow: Flow) -> str:
        """A description may hold code: the third tier on both ends."""
        both = self._reads(flow.upstream_dataset, Tier.PROFILE) and self._reads(flow.downstream_dataset, Tier.PROFILE)
        return flow.description if both else ""

    def flow(self, flow: Flow) -> ColumnFlow:
        return ColumnFlow(
            self._columns.get(flow.upstream, flow.upstream), self._columns.get(flow.downstream, flow.downstream),
            flow.job, flow.origin, Influence(flow.type).label, flow.subtype, flow.masking, self._description(flow),
        )  # fmt: skip

    def influence(self, flow: Flow) -> WholeInfluence:
        return WholeInfluence(
            self._aliases.get(flow.upstream_dataset, flow.upstream_dataset),
            self._name(flow.upstream_dataset, flow.upstream_name),
            self._aliases.get(flow.downstream_dataset, flow.downstream_dataset),
            self._name(flow.downstream_dataset, flow.downstream_name),
            flow.job, flow.origin, Influence(flow.type).label, flow.subtype, flow.masking, self._description(flow),
        )  # fmt: skip


_KNOWN = """
    SELECT EXISTS (
        SELECT FROM catalog_field WHERE dataset_id = %s AND array_to_string(path, '.') = %s AND gone_since IS NULL
    )
"""


def check_column(dataset: Dataset, column: str) -> None:
    """Raise `NotFound` unless the catalog knows the column."""
    ((known,),) = _rows(_KNOWN, [dataset.pk, column])
    if not known:
        raise NotFound(f"{dataset.name} has no column {column}. Write it as its path with dots.")


def _whole(datasets: Iterable[int]) -> list[int]:
    return [pk for (pk,) in _rows(_WHOLE, [array_of(datasets)])]


def _flows(statement: str, values: Mapping[str, Any]) -> list[Flow]:
    return [Flow._make(row) for row in _rows(statement, values)]


def _rows(statement: str, values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
