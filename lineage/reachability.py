"""How much each node of a directed graph reaches, exactly, in bounded memory. Pure.

Strongly connected components are found by Tarjan's algorithm (R. Tarjan, Depth-first search and linear graph algorithms,
SIAM J. Comput. 1, 1972), which numbers each after all that it leads to. What they reach is then a union of bit sets over
that order, of so many components at a time that the sets of the whole graph fit into memory: n nodes and m edges take
n / `_AT_ONCE` passes of m unions each, and n * `_AT_ONCE` / 8 bytes. 100,000 nodes and 300,000 edges: 26 MB of sets.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

_AT_ONCE = 2048


def reach_counts(edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """For each node of these edges (from, to), how many distinct other nodes can be reached from it."""
    names, starts, heads = _compressed(edges)
    component, order = _components(starts, heads)
    sizes = array("q", [0]) * order
    for number in component:
        sizes[number] += 1
    followers = _between_components(component, order, starts, heads)
    reached = _reached(followers, sizes)
    return {name: reached[component[node]] - 1 for node, name in enumerate(names)}


def _compressed(edges: Iterable[tuple[int, int]]) -> tuple[list[int], array[int], array[int]]:
    """The nodes, and for each node a slice of `heads` (compressed sparse rows)."""
    places: dict[int, int] = {}
    tails, heads = array("q"), array("q")
    for tail, head in edges:
        tails.append(places.setdefault(tail, len(places)))
        heads.append(places.setdefault(head, len(places)))
    starts = array("q", [0]) * (len(places) + 1)
    for tail in tails:
        starts[tail + 1] += 1
    for node in range(len(places)):
        starts[node + 1] += starts[node]
    free, ordered = array("q", starts), array("q", [0]) * len(heads)
    for tail, head in zip(tails, heads, strict=True):
        ordered[free[tail]] = head
        free[tail] += 1
    return list(places), starts, ordered


def _components(starts: array[int], heads: array[int]) -> tuple[array[int], int]:
    """The component of each node, and how many there are. An edge leads to a component of the same or a lower number."""
    count = len(starts) - 1
    component = array("q", [-1]) * count
    met, low = array("q", [0]) * count, array("q", [0]) * count
    following = array("q", starts[:count])
    waiting: list[int] = []
    clock = components = 0
    for root in range(count):
        if met[root]:
            continue
        clock += 1
        met[root] = low[root] = clock
        waiting.append(root)
        path = [root]
        while path:
            node = path[-1]
            if following[node] < starts[node + 1]:
                head = heads[following[node]]
                following[node] += 1
                if not met[head]:
                    clock += 1
                    met[head] = low[head] = clock
                    waiting.append(head)
                    path.append(head)
                elif component[head] < 0:
                    low[node] = min(low[node], met[head])
                continue
            path.pop()
            if path:
                low[path[-1]] = min(low[path[-1]], low[node])
            if low[node] == met[node]:
                while True:
                    member = waiting.pop()
                    component[member] = components
                    if member == node:
                        break
                components += 1
    return component, components


def _between_components(component: array[int], order: int, starts: array[int], heads: array[int]) -> list[array[int]]:
    members: list[list[int]] = [[] for _ in range(order)]
    for node, own in enumerate(component):
        members[own].append(node)
    return [
        array("q", {component[head] for node in nodes for head in heads[starts[node] : starts[node + 1]]} - {own})
        for own, nodes in enumerate(members)
    ]


def _reached(followers: list[array[int]], sizes: array[int]) -> array[int]:
    """How many nodes are in all components that each one reaches, itself included."""
    order = len(followers)
    total = array("q", [0]) * order
    for low in range(0, order, _AT_ONCE):
        high = min(low + _AT_ONCE, order)
        larger = [(1 << (number - low), sizes[number] - 1) for number in range(low, high) if sizes[number] > 1]
        sets = [0] * (order - low)
        for own in range(low, order):
            bits = 1 << (own - low) if own < high else 0
            for follower in followers[own]:
                if follower >= low:
                    bits |= sets[follower - low]
            if bits:
                sets[own - low] = bits
                total[own] += bits.bit_count() + sum(more for bit, more in larger if bits & bit)
    return total
