"""What a database can't say of a graph of datasets: which part a reader may follow, layers, and cycles. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import networkx as nx


class Edge(NamedTuple):
    """Rows flow from one dataset to another through a job."""

    upstream: int
    downstream: int
    job: int


class Walked(NamedTuple):
    """Distances from the focus, in edges; the focus itself is 0 in both."""

    up: dict[int, int]
    down: dict[int, int]


def readable_part(
    focus: int, edges: Iterable[Edge], readable: Collection[int], *, depth: int
) -> tuple[list[Edge], Walked]:
    """The edges that may be told, and how far from the focus their ends are up- and downstream.

    An edge is part of the lineage of both its ends, so it may be told to whoever may read one of them; what hangs on the
    focus by other edges only is left out, since its place in the graph would tell of them.
    """
    told = [edge for edge in edges if edge.upstream in readable or edge.downstream in readable]
    graph = nx.DiGraph()
    graph.add_node(focus)
    graph.add_edges_from((edge.upstream, edge.downstream) for edge in told)
    up = nx.single_source_shortest_path_length(graph.reverse(copy=False), focus, cutoff=depth)
    down = nx.single_source_shortest_path_length(graph, focus, cutoff=depth)
    kept = [
        edge
        for edge in told
        if (edge.upstream in up and edge.downstream in up) or (edge.upstream in down and edge.downstream in down)
    ]
    return kept, Walked(dict(up), dict(down))


def layers(nodes: Iterable[int], edges: Iterable[Edge]) -> list[list[int]]:
    """The nodes from the sources on: each stands after all that flow into it, and those of a cycle stand together."""
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((edge.upstream, edge.downstream) for edge in edges)
    whole = nx.condensation(graph)
    return [
        sorted(node for component in generation for node in whole.nodes[component]["members"])
        for generation in nx.topological_generations(whole)
    ]


def cycles(edges: Sequence[Edge]) -> list[list[int]]:
    """The groups of datasets that flow into themselves."""
    graph = nx.DiGraph((edge.upstream, edge.downstream) for edge in edges)
    found = [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]
    return sorted(found + [[node] for node in nx.nodes_with_selfloops(graph)])


def uses(edges: Iterable[Edge]) -> list[tuple[int, list[Edge]]]:
    """The edges by job, and apart where one job moves things that have nothing to do with each other.

    A job made from a template copies a to b in one run and c to d in another: drawn as one box it would seem to copy a to d.
    """
    by_job: dict[int, list[Edge]] = {}
    for edge in sorted(edges):
        by_job.setdefault(edge.job, []).append(edge)
    found = []
    for job, own in sorted(by_job.items()):
        pairs = nx.Graph((("in", edge.upstream), ("out", edge.downstream)) for edge in own)
        groups = sorted(nx.connected_components(pairs), key=min)
        found += [(job, [edge for edge in own if ("in", edge.upstream) in group]) for group in groups]
    return found
