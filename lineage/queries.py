"""Reads of lineage that are no QuerySet: how far the fold is behind, and the graph around a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from django.db import connection
from django.urls import reverse

from catalog.models import Dataset, Tier
from common.components import Graph, GraphEdge, GraphNode, LevelLike
from lineage import graph as cores
from lineage.graph import Edge
from lineage.models import Job

if TYPE_CHECKING:
    from accounts.models import Principal

Direction = Literal["up", "down", "both"]
DIRECTIONS: tuple[Direction, ...] = ("both", "up", "down")
MAX_DEPTH = 20
MAX_NODES = 2000

_COUNTED_AT_MOST = 10_000

_LAG = """
    SELECT (SELECT count(*) FROM (SELECT 1 FROM lineage_pendingevent LIMIT %s) AS counted),
           coalesce(extract(epoch FROM clock_timestamp() - (
               SELECT received_at FROM lineage_pendingevent ORDER BY event_id LIMIT 1
           )), 0)::float
"""


def fold_lag() -> tuple[int, float]:
    """How many events wait (counted up to 10,000) and for how many seconds the oldest has; (0, 0.0) when none."""
    with connection.cursor() as cursor:
        cursor.execute(_LAG, [_COUNTED_AT_MOST])
        pending, seconds = cursor.fetchone()
    return pending, max(seconds, 0.0)


@dataclass(frozen=True, slots=True)
class LineageGraph:
    """The datasets around one, as far as a reader may see. `graph` is what is drawn, `layers` the reading order.

    `upstream` and `downstream` count datasets that the reader may know of, `hidden` those that stand as anonymous boxes;
    `cyclic` are the groups that flow into themselves. `graph.more` counts what the limit left out.
    """

    direction_choices: ClassVar = (("both", "both ways"), ("up", "upstream"), ("down", "downstream"))
    depth_choices: ClassVar = (1, 2, 3, 5, 10, MAX_DEPTH)

    dataset: Dataset
    direction: Direction
    depth: int
    graph: Graph
    layers: Sequence[Sequence[GraphNode]]
    upstream: int
    downstream: int
    hidden: int
    cyclic: Sequence[Sequence[GraphNode]]


# Breadth first: PostgreSQL stops walking when the limit is reached, so the nearest are always among those found. A node
# may be met again at another depth, which is why more rows are asked for than nodes are wanted.
_WALK = """
    (WITH RECURSIVE walk (id, depth) AS (
        SELECT %(focus)s::bigint, 0
        UNION
        SELECT edge.upstream_id, walk.depth + 1
        FROM walk JOIN lineage_datasetedge AS edge ON edge.downstream_id = walk.id
        WHERE walk.depth < %(up)s
    ) SELECT id, depth FROM walk LIMIT %(rows)s)
    UNION ALL
    (WITH RECURSIVE walk (id, depth) AS (
        SELECT %(focus)s::bigint, 0
        UNION
        SELECT edge.downstream_id, walk.depth + 1
        FROM walk JOIN lineage_datasetedge AS edge ON edge.upstream_id = walk.id
        WHERE walk.depth < %(down)s
    ) SELECT id, depth FROM walk LIMIT %(rows)s)
"""

_EDGES = """
    SELECT upstream_id, downstream_id, job_id FROM lineage_datasetedge
    WHERE downstream_id = ANY(%(ids)s) AND upstream_id = ANY(%(ids)s)
"""


def dataset_lineage(
    principal: Principal,
    dataset: Dataset,
    *,
    direction: Direction = "both",
    depth: int = 3,
    limit: int = 150,
    levels: Mapping[int, LevelLike] | None = None,
) -> LineageGraph:
    """The graph around a dataset, up to `depth` edges away and `limit` datasets: a fixed number of statements.

    Datasets that the principal may not discover are anonymous; those that it may discover but not read show their name
    and level, and only edges to datasets that it may read. `levels` are the levels by rank, for names and colours.
    """
    depth, limit = max(1, min(depth, MAX_DEPTH)), max(1, min(limit, MAX_NODES))
    near, cut = _walk(dataset.pk, direction, depth, limit)
    edges = _edges_among(near)
    annotated = Dataset.objects.filter(pk__in=near).with_tier(principal)
    tiers: dict[int, int] = dict(annotated.values_list("pk", "tier"))  # type: ignore[misc]  # annotated a line above
    readable = {pk for pk, tier in tiers.items() if tier >= Tier.METADATA}
    edges, walked = cores.readable_part(dataset.pk, edges, readable, depth=depth)
    shown = walked.up.keys() | walked.down.keys()
    known = {pk for pk in shown if tiers.get(pk, 0) >= Tier.DISCOVER} | {dataset.pk}
    nodes = _dataset_nodes(dataset.pk, shown, known, edges, levels or {})
    graph = _drawn(nodes, edges, more=cut)
    return LineageGraph(
        dataset=dataset,
        direction=direction,
        depth=depth,
        graph=graph,
        layers=[[nodes[pk] for pk in layer] for layer in cores.layers(shown, edges)],
        upstream=_count(walked.up, known),
        downstream=_count(walked.down, known),
        hidden=len(shown - known),
        cyclic=[[nodes[pk] for pk in group] for group in cores.cycles(edges)],
    )


def _walk(focus: int, direction: Direction, depth: int, limit: int) -> tuple[list[int], int]:
    """The nearest datasets, at most `limit` beside the focus, and how many of those found were left out."""
    values = {
        "focus": focus,
        "up": 0 if direction == "down" else depth,
        "down": 0 if direction == "up" else depth,
        "rows": 4 * limit + 50,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WALK, values)
        rows = cursor.fetchall()
    distance: dict[int, int] = {}
    for pk, steps in rows:
        distance[pk] = min(steps, distance.get(pk, steps))
    nearest = sorted(distance, key=lambda pk: (distance[pk], pk))
    return nearest[: limit + 1], max(len(nearest) - limit - 1, 0)


def _edges_among(ids: Sequence[int]) -> list[Edge]:
    with connection.cursor() as cursor:
        cursor.execute(_EDGES, {"ids": list(ids)})
        return [Edge(*row) for row in cursor.fetchall()]


def _count(distances: Mapping[int, int], known: Iterable[int]) -> int:
    wanted = set(known)
    return sum(1 for pk, steps in distances.items() if steps and pk in wanted)


def _dataset_nodes(
    focus: int, shown: Iterable[int], known: set[int], edges: Sequence[Edge], levels: Mapping[int, LevelLike]
) -> dict[int, GraphNode]:
    found = Dataset.objects.filter(pk__in=known).only("name", "path", "namespace", "level", "gone_since")
    nodes = {dataset.pk: _dataset_node(dataset, focus, levels) for dataset in found}
    # Numbered in the order of the picture: an id of the catalog would tell when the dataset was made.
    hidden = [pk for layer in cores.layers(shown, edges) for pk in layer if pk not in nodes]
    return nodes | {pk: GraphNode(f"hidden-{number}", "hidden") for number, pk in enumerate(hidden, start=1)}


def _dataset_node(dataset: Dataset, focus: int, levels: Mapping[int, LevelLike]) -> GraphNode:
    level = levels.get(dataset.level or 0)
    return GraphNode(
        id=str(dataset.pk),
        kind="dataset",
        title=dataset.name,
        subtitle=".".join(dataset.path[:-1]) or dataset.namespace,
        href=reverse("portal:dataset", args=[dataset.pk]),
        level=level.name if level else "",
        colour=level.colour if level else "grey",
        badge="gone" if dataset.gone_since else "",
        focus=dataset.pk == focus,
    )


def _drawn(nodes: Mapping[int, GraphNode], edges: Sequence[Edge], *, more: int) -> Graph:
    """The picture: datasets, and between them the jobs."""
    uses = cores.uses(edges)
    jobs = Job.objects.in_bulk({job for job, _ in uses})
    boxes: list[GraphNode] = []
    arrows: dict[tuple[str, str], GraphEdge] = {}
    for number, (job_id, own) in enumerate(uses, start=1):
        job = jobs[job_id]
        box = GraphNode(
            id=f"job-{job_id}-{number}",
            kind="job",
            title=job.name,
            subtitle=job.namespace,
            href=reverse("lineage:job", args=[job_id]),
            badge=job.latest_state,
        )
        boxes.append(box)
        for edge in own:
            for source, target, title in (
                (nodes[edge.upstream].id, box.id, f"read by {job.name}"),
                (box.id, nodes[edge.downstream].id, f"written by {job.name}"),
            ):
                arrows[source, target] = GraphEdge(source, target, title)
    return Graph([*nodes.values(), *boxes], list(arrows.values()), more)
