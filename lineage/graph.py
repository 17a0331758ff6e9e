"""What a database can't say of a graph: breadth-first walks with a limit, layers, cycles, and shortest paths. Pure.

An edge is a tuple that begins with the nodes that it leads from (upstream) and to (downstream).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import networkx as nx

E = TypeVar("E", bound=tuple[Any, ...])
Step = Callable[[Collection[int], Collection[int]], list[E]]
"""Gives the edges into the first nodes and those out of the second."""


class Edge(NamedTuple):
    """Rows flow from one dataset to another through a job."""

    upstream: int
    downstream: int
    job: int


@dataclass(frozen=True, slots=True)
class Walked(Generic[E]):
    """Distances in edges from where the walk began (0 there), upstream and downstream, and the edges among those found.

    `more` counts what the limit left out; the count stops near `walk`'s `beyond`, or at the depth.
    """

    up: Mapping[int, int]
    down: Mapping[int, int]
    edges: Sequence[E]
    more: int

    @property
    def nodes(self) -> set[int]:
        return self.up.keys() | self.down.keys()


def walk(
    step: Step[E],
    *,
    up_from: Iterable[int] = (),
    down_from: Iterable[int] = (),
    depth: int,
    limit: int | None = None,
    beyond: int = 0,
) -> Walked[E]:
    """Walk against the edges from `up_from` and along them from `down_from`, nearest first, one step a distance.

    At most `limit` nodes are kept beside those at the beginning; of a distance that does not fit, the smallest. After
    that the walk goes on until about `beyond` more are counted. Each node is expanded once.
    """
    up, down = dict.fromkeys(up_from, 0), dict.fromkeys(down_from, 0)
    room = None if limit is None else limit + len(up.keys() | down.keys())
    kept, left = set(up) | set(down), set[int]()
    seen_up, seen_down = set(up), set(down)
    rim_up, rim_down = set(up), set(down)
    edges: list[E] = []
    distance = 0
    while (rim_up or rim_down) and distance < depth and (not left or len(left) < beyond):
        distance += 1
        rows = step(rim_up, rim_down)
        edges += rows
        found_up = {row[0] for row in rows if row[1] in rim_up} - seen_up
        found_down = {row[1] for row in rows if row[0] in rim_down} - seen_down
        seen_up |= found_up
        seen_down |= found_down
        new = (found_up | found_down) - kept - left
        if room is not None and (left or len(kept) + len(new) > room):
            fitting = set() if left else set(sorted(new)[: room - len(kept)])
            left |= new - fitting
            new = fitting
        kept |= new
        up.update((node, distance) for node in found_up if node in kept)
        down.update((node, distance) for node in found_down if node in kept)
        rim_up, rim_down = found_up, found_down
    rim_up, rim_down = rim_up & kept, rim_down & kept
    if rim_up or rim_down:
        # The last ones found were not expanded: what leads from one of them to another is missing yet.
        edges += step(rim_up, rim_down)
    among = [row for row in edges if (row[0] in up and row[1] in up) or (row[0] in down and row[1] in down)]
    return Walked(up, down, list(dict.fromkeys(among)), len(left))


def among(edges: Iterable[E]) -> Step[E]:
    """Steps over edges that are all at hand."""
    into: dict[int, list[E]] = {}
    out: dict[int, list[E]] = {}
    for edge in edges:
        into.setdefault(edge[1], []).append(edge)
        out.setdefault(edge[0], []).append(edge)

    def step(up: Collection[int], down: Collection[int]) -> list[E]:
        found = [edge for node in up for edge in into.get(node, ())]
        return found + [edge for node in down for edge in out.get(node, ())]

    return step


def layers(nodes: Iterable[int], edges: Iterable[tuple[Any, ...]]) -> list[list[int]]:
    """The nodes from the sources on: each stands after all that flow into it, and those of a cycle stand together."""
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((edge[0], edge[1]) for edge in edges)
    whole = nx.condensation(graph)
    return [
        sorted(node for component in generation for node in whole.nodes[component]["members"])
        for generation in nx.topological_generations(whole)
    ]


def cycles(edges: Iterable[tuple[Any, ...]]) -> list[list[int]]:
    """The groups of nodes that flow into themselves."""
    graph = nx.DiGraph((edge[0], edge[1]) for edge in edges)
    found = [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]
    return sorted(found + [[node] for node in nx.nodes_with_selfloops(graph)])


def shortest_paths(edges: Iterable[tuple[Any, ...]], source: int, target: int, *, most: int) -> list[list[int]]:
    """Up to `most` paths without repeated nodes, shortest first (Yen's algorithm); none where there is none."""
    graph = nx.DiGraph()
    graph.add_nodes_from((source, target))
    graph.add_edges_from((edge[0], edge[1]) for edge in edges)
    between = (nx.descendants(graph, source) | {source}) & (nx.ancestors(graph, target) | {target})
    if source not in between or target not in between:
        return []
    found = []
    for path in nx.shortest_simple_paths(graph.subgraph(between), source, target):
        found.append(path)
        if len(found) == most:
            break
    return found
