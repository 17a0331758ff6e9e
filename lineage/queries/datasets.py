"""The graph of the datasets around one, as far as a reader may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from django.db import connection
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from catalog.models import Dataset, Tier
from catalog.visibility import scope_of
from common.arrays import array_of
from lineage import graph as cores
from lineage.graph import Walked
from lineage.queries.disclosure import Readable
from lineage.queries.steps import CURRENT, Slice, datasets_among, steps

if TYPE_CHECKING:
    from accounts.models import Principal

Direction = Literal["up", "down", "both"]
DIRECTIONS: tuple[Direction, ...] = ("both", "up", "down")
MAX_DEPTH = 1000
MAX_NODES = 10_000
COUNTED_BEYOND = 1_000
"""So many datasets beyond the limit are counted, and the rest of the last distance that was looked at."""


class DatasetNode(msgspec.Struct, frozen=True, gc=False):
    """A dataset of the graph. One that the reader may not know of has a negative id, of this answer only, and no name.

    `up` and `down` are its distances from the focus, None on a side that it is not on. `upstream` and `downstream` count
    all its direct neighbours of now, shown here or not; None where the reader may not read its lineage, as `criticality`.
    """

    id: int
    namespace: str = ""
    name: str = ""
    title: str = ""
    place: str = ""
    kind: str = ""
    level: int | None = None
    gone: bool = False
    criticality: int | None = None
    up: int | None = None
    down: int | None = None
    upstream: int | None = None
    downstream: int | None = None

    @property
    def is_hidden(self) -> bool:
        return self.id < 0


class JobNode(msgspec.Struct, frozen=True, gc=False):
    """A job that edges of the graph lead through. `state` is that of its latest run; `origin` is pipeline or view."""

    id: int
    namespace: str
    name: str
    origin: str
    state: str


@dataclass(frozen=True)
class LineageGraph:
    """The datasets around one, nearest first, with the edges between them and the jobs of these.

    An edge is (upstream, downstream, job), the datasets by the ids of `nodes`. `upstream` and `downstream` count datasets
    that the reader may know of, `hidden` those that stand as anonymous boxes; `more` what the limit left out, counted as
    far as `COUNTED_BEYOND`.
    """

    dataset: Dataset
    direction: Direction
    depth: int
    slice: Slice
    nodes: Sequence[DatasetNode]
    jobs: Sequence[JobNode]
    edges: Sequence[tuple[int, int, int]]
    more: int

    @property
    def upstream(self) -> int:
        return sum(1 for node in self.nodes if node.up and not node.is_hidden)

    @property
    def downstream(self) -> int:
        return sum(1 for node in self.nodes if node.down and not node.is_hidden)

    @property
    def hidden(self) -> int:
        return sum(1 for node in self.nodes if node.is_hidden)


@dataclass(frozen=True, slots=True)
class Distances:
    """Only the ids of the datasets that the reader may know of, by distance from the focus: `up[0]` are its direct
    upstream. `hidden` counts those met that it may not know of."""

    up: Sequence[Sequence[int]]
    down: Sequence[Sequence[int]]
    hidden: int
    more: int


def dataset_lineage(
    principal: Principal,
    dataset: Dataset,
    *,
    direction: Direction = "both",
    depth: int = 3,
    limit: int = 150,
    slice_: Slice = CURRENT,
) -> LineageGraph:
    """The graph around a dataset, up to `depth` edges away and `limit` other datasets, the nearest first.

    One statement a distance (two for whoever does not see everything), and a fixed number beside them. Datasets that the
    principal may not discover are anonymous; those that it may discover but not read show their name and level, and only
    edges to datasets that it may read. The walk follows no others.
    """
    depth, limit = max(1, min(depth, MAX_DEPTH)), max(1, min(limit, MAX_NODES))
    walked = _walk(principal, dataset, direction, depth, slice_, limit)
    nodes, alias = nodes_of(principal, dataset, walked)
    edges = walked.edges
    if alias:
        edges = [(alias.get(up, up), alias.get(down, down), job) for up, down, job in edges]
    return LineageGraph(
        dataset=dataset,
        direction=direction,
        depth=depth,
        slice=slice_,
        nodes=nodes,
        jobs=jobs_of({job for _, _, job in edges}),
        edges=edges,
        more=walked.more,
    )


def dataset_distances(
    principal: Principal,
    dataset: Dataset,
    *,
    direction: Direction = "both",
    depth: int = MAX_DEPTH,
    limit: int | None = None,
    slice_: Slice = CURRENT,
) -> Distances:
    """Only which datasets are up- and downstream and how far, in as many as there are where no limit is given."""
    walked = _walk(principal, dataset, direction, depth, slice_, limit)
    nodes = walked.nodes
    known = nodes
    if not scope_of(principal).everything:
        seen = datasets_among(nodes).visible_to(principal, Tier.DISCOVER).order_by()
        known = set(seen.values_list("pk", flat=True)) | {dataset.pk}
    return Distances(_rings(walked.up, known), _rings(walked.down, known), len(nodes - known), walked.more)


def _walk(
    principal: Principal, dataset: Dataset, direction: Direction, depth: int, slice_: Slice, limit: int | None
) -> Walked[tuple[int, int, int]]:
    readable = Readable(principal, known=[dataset.pk])
    return cores.walk(
        readable.telling(steps(dataset.pk, slice_)),
        up_from=() if direction == "down" else (dataset.pk,),
        down_from=() if direction == "up" else (dataset.pk,),
        depth=depth,
        limit=limit,
        beyond=COUNTED_BEYOND,
    )


def _rings(distances: Mapping[int, int], known: Collection[int]) -> list[list[int]]:
    rings: list[list[int]] = [[] for _ in range(max(distances.values(), default=0))]
    for pk, steps_away in distances.items():
        if steps_away and pk in known:
            rings[steps_away - 1].append(pk)
    return [sorted(ring) for ring in rings]


_NEIGHBOURS = """
    SELECT id, sum(upstream)::int, sum(downstream)::int FROM (
        SELECT downstream_id AS id, count(DISTINCT upstream_id) AS upstream, 0 AS downstream FROM lineage_datasetedge
        WHERE downstream_id = ANY((SELECT %(ids)s::bigint[])::bigint[]) AND current GROUP BY 1
        UNION ALL
        SELECT upstream_id, 0, count(DISTINCT downstream_id) FROM lineage_datasetedge
        WHERE upstream_id = ANY((SELECT %(ids)s::bigint[])::bigint[]) AND current GROUP BY 1
    ) AS counted GROUP BY 1
"""


# Joined there: to read an array of texts from an answer takes longer than all else in its row.
_PLACE = RawSQL("array_to_string(path[1:cardinality(path) - 1], '.')", [], output_field=TextField())


def nodes_of(
    principal: Principal, focus: Dataset, walked: Walked[tuple[int, int, int]]
) -> tuple[list[DatasetNode], dict[int, int]]:
    """The nodes, nearest first, and the negative ids of those that are hidden; two statements."""
    up, down = walked.up, walked.down
    rows = (
        datasets_among(walked.nodes)
        .with_tier(principal)
        .annotate(place=_PLACE)
        .order_by()
        .values_list(
            "pk", "namespace", "qualified_name", "name", "place", "kind", "level", "gone_since", "criticality", "tier"
        )
    )
    found: list[Any] = [row for row in rows if row[-1] >= Tier.DISCOVER or row[0] == focus.pk]
    counts = _neighbours([row[0] for row in found if row[-1] >= Tier.METADATA])
    nodes = []
    for pk, namespace, qualified_name, name, place, kind, level, gone_since, criticality, tier in found:
        reads = tier >= Tier.METADATA
        upstream, downstream = counts.get(pk, (0, 0)) if reads else (None, None)
        nodes.append(
            DatasetNode(
                pk, namespace, qualified_name, name, place or namespace, kind, level, gone_since is not None,
                criticality if reads else None, up.get(pk), down.get(pk), upstream, downstream,
            )
        )  # fmt: skip
    alias = _aliases(walked, {row[0] for row in found})
    nodes += [DatasetNode(id=number, up=up.get(pk), down=down.get(pk)) for pk, number in alias.items()]
    far = max(up.values(), default=0) + max(down.values(), default=0) + 1
    nodes.sort(key=lambda node: (min(far if node.up is None else node.up, far if node.down is None else node.down),
                                 node.id < 0, abs(node.id)))  # fmt: skip
    return nodes, alias


def _aliases(walked: Walked[tuple[int, int, int]], known: set[int]) -> dict[int, int]:
    """Numbers for the hidden ones, by their place in the graph: an id of the catalog would tell when one was made."""
    hidden = walked.nodes - known
    if not hidden:
        return {}
    beside: dict[int, list[int]] = {pk: [] for pk in hidden}
    for up, down, _ in walked.edges:
        if up in hidden:
            beside[up].append(down)
        if down in hidden:
            beside[down].append(up)
    ordered = sorted(
        hidden, key=lambda pk: (walked.up.get(pk, 0), walked.down.get(pk, 0), sorted(beside[pk])[:20], len(beside[pk]))
    )
    return {pk: -number for number, pk in enumerate(ordered, start=1)}


def _neighbours(ids: list[int]) -> dict[int, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, {"ids": array_of(ids)})
        return {pk: (upstream, downstream) for pk, upstream, downstream in cursor.fetchall()}


_JOBS = """
    SELECT id, namespace, name, origin, latest_state FROM lineage_job
    WHERE id = ANY((SELECT %s::bigint[])::bigint[]) ORDER BY id
"""


def jobs_of(ids: Iterable[int]) -> list[JobNode]:
    with connection.cursor() as cursor:
        cursor.execute(_JOBS, [array_of(ids)])
        return [JobNode(*row) for row in cursor.fetchall()]
