"""JSON documents looked into: which categories their members are named or formed like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from classification.detectors.categories import shipped_categories
from classification.detectors.names import Place, is_lookalike, matches_of
from classification.detectors.patterns import TESTS, Proof

_MOST_MEMBERS = 60
_DEEPEST = 6
_ORDER = ("public", "internal", "confidential", "restricted")


def members_of(text: str) -> frozenset[str]:
    """The one most sensitive category that a document holds, as a set; empty where it holds none or is no JSON.

    Personal data of Confidential level counts as free text on persons, since a document holds several kinds at once.
    """
    highest, found = 0, ""
    for number, (key, value) in enumerate(_members_in(text)):
        if number >= _MOST_MEMBERS:
            break
        for kind in _kinds(key, value):
            category = shipped_categories().get(kind)
            rank = _ORDER.index(category.level) if category is not None else 0
            if rank > highest:
                highest, found = rank, kind
    if highest < 2:
        return frozenset()
    return frozenset((found if highest == 3 else "free_text_pii",))


_PAIR = re.compile(r""""((?:[^"\\]|\\.){1,200})"\s*:\s*(?:"((?:[^"\\]|\\.){0,200})"|(-?[\d.]+))""")


def _members_in(text: str) -> Iterator[tuple[str, object]]:
    """The members of a document; of one that was cut off, those that can be told apart all the same."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        if text.startswith(("{", "[")):
            yield from ((pair[1], pair[2] if pair[2] is not None else pair[3]) for pair in _PAIR.finditer(text))
        return
    yield from _members(document, 0)


def _members(node: Any, depth: int) -> Iterator[tuple[str, object]]:
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict | list):
                yield from _members(value, depth + 1)
            else:
                yield key, value
    elif isinstance(node, list):
        for value in node[:_MOST_MEMBERS]:
            if isinstance(value, dict | list):
                yield from _members(value, depth + 1)
            else:
                yield "", value


def _kinds(key: str, value: object) -> Iterator[str]:
    if value is None or isinstance(value, bool) or value == "":
        return
    for match in matches_of(key) if key else ():
        if match.strength == "strong" and match.place in (Place.WHOLE, Place.HEAD) and not is_lookalike(match.kind):
            yield match.kind
    if isinstance(value, str) and 5 < len(value) < 120:
        for group in ("mail", "code"):
            for test in TESTS[group]:
                if test.proof is Proof.DECISIVE and test.passes(value):
                    yield test.kind
