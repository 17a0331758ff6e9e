"""What an address under `/api/v1/namespaces/` and a node id may mean. Pure: no Django.

Servers hand on a path decoded, so the `%2F` of a name and a slash between names look the same; and colons part a node id
whose names have colons themselves. Everything that a text may mean is listed here, the likeliest first; `names` picks the
first whose names are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from common.errors import Invalid

MAX_READINGS = 500
"""No name in use has parts enough to come near it."""


class Reading(NamedTuple):
    """One meaning of a path. `what` is the resource ("datasets/versions"), `rest` the parts behind the name."""

    what: str
    namespace: str
    name: str = ""
    rest: tuple[str, ...] = ()


_PARTS = re.compile(r"/(datasets|jobs)(?=/|$)")
_TAILS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("datasets", "fields/tags", re.compile(r"(?P<name>.+)/fields/(?P<one>.+)/tags/(?P<two>[^/]+)")),
    ("datasets", "tags", re.compile(r"(?P<name>.+)/tags/(?P<one>[^/]+)")),
    ("jobs", "tags", re.compile(r"(?P<name>.+)/tags/(?P<one>[^/]+)")),
    ("datasets", "version", re.compile(r"(?P<name>.+)/versions/(?P<one>[0-9A-Fa-f-]{36})")),
    ("jobs", "version", re.compile(r"(?P<name>.+)/versions/(?P<one>[0-9A-Fa-f-]{36})")),
    ("datasets", "versions", re.compile(r"(?P<name>.+)/versions")),
    ("jobs", "versions", re.compile(r"(?P<name>.+)/versions")),
    ("jobs", "runs", re.compile(r"(?P<name>.+)/runs")),
)


def readings(path: str) -> list[Reading]:
    """What `path`, decoded and without `/api/v1/namespaces/`, may mean, the likeliest first.

    >>> readings("gs://lake/datasets/a/b")[0]
    Reading(what='datasets/one', namespace='gs://lake', name='a/b', rest=())
    """
    found = list(_readings(path))
    if path.endswith("/"):
        # A name may end with a slash; else it is the slash that some clients put behind any address.
        found += _readings(path.removesuffix("/"))
    return list(dict.fromkeys(found))[:MAX_READINGS]


def _readings(path: str) -> Iterator[Reading]:
    for match in _PARTS.finditer(path):
        namespace, kind, behind = path[: match.start()], match[1], path[match.end() + 1 :]
        if not namespace:
            continue
        if not behind:
            yield Reading(f"{kind}/list", namespace)
            continue
        for of, tail, pattern in _TAILS:
            told = pattern.fullmatch(behind) if of == kind else None
            if told is not None:
                yield Reading(f"{kind}/{tail}", namespace, told["name"], told.groups()[1:])
        yield Reading(f"{kind}/one", namespace, behind)
    if path:
        yield Reading("namespace", path)


class Node(NamedTuple):
    """One meaning of a node id: a dataset, a field of one, a job or a run, and of it a version or all."""

    kind: str
    namespace: str = ""
    name: str = ""
    field: str = ""
    version: str = ""


def nodes(node_id: str) -> list[Node]:
    """What `dataset:ns:name`, `datasetField:ns:dataset:field`, `job:ns:name` or `run:id` may mean, with or without a
    `#version` behind it. Raises `Invalid` for a text of another form."""
    kind, _, text = node_id.partition(":")
    if kind == "run":
        return [Node("run", name=str(_uuid(text)))]
    if kind not in ("dataset", "datasetField", "job"):
        raise _bad(node_id)
    whole, _, version = text.rpartition("#")
    texts = [(text, "")] + ([(whole, version)] if whole and version else [])
    # A text of many colons may mean millions of things: no more are worked out than are looked up.
    found = list(islice((node for one, of in texts for node in _nodes(kind, one, of)), MAX_READINGS))
    if not found:
        raise _bad(node_id)
    return found


def _nodes(kind: str, text: str, version: str) -> Iterator[Node]:
    for namespace, name in _splits(text):
        if kind != "datasetField":
            yield Node(kind, namespace, name, version=version)
        else:
            for dataset, field in _splits(name):
                yield Node(kind, namespace, dataset, field, version)


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Both sides of each colon that has something on both sides; the longest first side first."""
    for at in range(len(text) - 2, 0, -1):
        if text[at] == ":":
            yield text[:at], text[at + 1 :]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _bad(f"run:{text}") from None


def _bad(node_id: str) -> Invalid:
    forms = "dataset:NAMESPACE:NAME, datasetField:NAMESPACE:NAME:FIELD, job:NAMESPACE:NAME or run:ID"
    if not node_id:
        return Invalid("Say of which node.", {"nodeId": [f"nodeId is missing: give one of {forms}."]})
    return Invalid("This is no node id.", {"nodeId": [f"{node_id[:200]} is none of {forms}."]})


def dataset_node(namespace: str, name: str) -> str:
    return f"dataset:{namespace}:{name}"


def job_node(namespace: str, name: str) -> str:
    return f"job:{namespace}:{name}"


def field_node(namespace: str, name: str, field: str) -> str:
    return f"datasetField:{namespace}:{name}:{field}"
