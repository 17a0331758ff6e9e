"""JSON documents looked into: which categories their members are named or formed like."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from classification.detectors.names import Place, is_lookalike, matches_of
from classification.detectors.own import Own
from classification.detectors.patterns import TESTS, Proof, Test
from classification.detectors.sketches import Sensitivity
from classification.detectors.values import sample_of

_MOST_MEMBERS = 60
_DEEPEST = 6
_RANKS = {level: rank for rank, level in enumerate(Sensitivity)}
_CONFIDENTIAL = _RANKS[Sensitivity.CONFIDENTIAL]

Member = tuple[str, object]


def kinds_in(documents: Sequence[str], own: Own) -> list[str]:
    """For each document the one most sensitive category that it holds, "" where it holds none or is no JSON.

    Shipped categories below Confidential do not count. Personal data of Confidential level counts as free text on persons,
    since a document holds several kinds at once; an administrator's category counts as itself.
    """
    read = [list(islice(_members_in(document), _MOST_MEMBERS)) for document in documents]
    tested = _tested(read, own.tests) if own.tests else {}
    return [_most_sensitive(members, tested, own) for members in read]


def _most_sensitive(members: Iterable[Member], tested: Mapping[str, Sequence[str]], own: Own) -> str:
    highest, found = _CONFIDENTIAL - 1, ""
    of_own: list[str] = []
    for key, value in members:
        for kind in _kinds(key, value, own):
            if kind in own.categories:
                of_own.append(kind)
            elif not is_lookalike(kind) and (rank := _RANKS[own.standing(kind)[1]]) > highest:
                highest, found = rank, kind
        of_own += tested.get(key, ())
    if found and highest == _CONFIDENTIAL:
        found = "free_text_pii"
    # Of two that are as sensitive, the one that the organisation named says more, unless only the other is personal.
    return max([*of_own, *([found] if found else [])], key=lambda kind: _weight(kind, own), default="")


def _weight(kind: str, own: Own) -> tuple[int, bool]:
    personal, level = own.standing(kind)
    return _RANKS[level], personal


_PAIR = re.compile(r""""((?:[^"\\]|\\.){1,200})"\s*:\s*(?:"((?:[^"\\]|\\.){0,200})"|(-?[\d.]+))""")


def _members_in(text: str) -> Iterator[Member]:
    """The members of a document; of one that was cut off, those that can be told apart all the same."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        if text.startswith(("{", "[")):
            yield from ((pair[1], pair[2] if pair[2] is not None else pair[3]) for pair in _PAIR.finditer(text))
        return
    yield from _members(document, 0, "")


def _members(node: Any, depth: int, name: str) -> Iterator[Member]:
    """What is inside a node, by name; the elements of an array have the array's."""
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict | list):
                yield from _members(value, depth + 1, key)
            else:
                yield key, value
    elif isinstance(node, list):
        for value in node[:_MOST_MEMBERS]:
            if isinstance(value, dict | list):
                yield from _members(value, depth + 1, name)
            else:
                yield name, value


def _kinds(key: str, value: object, own: Own) -> Iterator[str]:
    if value is None or isinstance(value, bool) or value == "":
        return
    for match in matches_of(key, own) if key else ():
        if match.strength == "strong" and match.place in (Place.WHOLE, Place.HEAD) and not is_lookalike(match.kind):
            yield match.kind
    if isinstance(value, str) and 5 < len(value) < 120:
        for group in ("mail", "code"):
            for test in TESTS[group]:
                if test.proof is Proof.DECISIVE and test.passes(value):
                    yield test.kind


_FEWEST_CHECKED = 3  # values; of many members one or two add up by chance


def _tested(read: Iterable[Iterable[Member]], tests: Sequence[Test]) -> dict[str, list[str]]:
    """The categories whose tests the members pass, by the members' names.

    A member's values in all documents are tested together, as a column's are. They are parts of what was sampled, so the
    tests are asked no more characters than of a column of the same size.
    """
    values: dict[str, list[str | None]] = {}
    for members in read:
        for key, value in members:
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                values.setdefault(key, []).append(str(value))
    found = {}
    for key, texts in values.items():
        sample = sample_of(texts)
        if kinds := [test.kind for test in tests if _passed(test, sample.compact if test.compact else sample.values)]:
            found[key] = kinds
    return found


def _passed(test: Test, values: Sequence[str]) -> bool:
    """Whether as many of a member's values pass as a column of its own would need."""
    checked = test.proof is Proof.CHECKSUM
    if len(values) < (_FEWEST_CHECKED if checked else 1):
        return False
    may_miss = len(values) * (0.15 if checked else 0.6)
    misses = 0
    for value in values:
        if not test.passes(value):
            misses += 1
            if misses > may_miss:
                return False
    return True
