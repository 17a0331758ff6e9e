"""MariaDB's and MySQL's patterns of databases and hosts: what they match, and which of several counts. Pure.

A right on a database is granted to a pattern in which `_` stands for one character, `%` for any number and a backslash
takes their meaning away. Where several patterns of one grantee match, the server uses the nearest alone, not all. It
tells its order nowhere; `beats` says what MariaDB 10.11 was seen to do, and nothing where it was seen to depend on the
order of grants, so that whoever asks reckons with either.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

ONE, MANY, ESCAPE = "_", "%", "\\"


def escaped(name: str) -> str:
    """The pattern that matches this name alone."""
    return "".join(ESCAPE + letter if letter in (ONE, MANY, ESCAPE) else letter for letter in name)


def matches(pattern: str, name: str) -> bool:
    return _expression(pattern).fullmatch(name) is not None


def matches_host(pattern: str, host: str) -> bool:
    """Whether an account's host pattern lets a client from `host` in; a netmask is written `network/mask`."""
    if "/" in pattern:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    return matches(pattern.lower(), host.lower())


def nearest(patterns: Iterable[str]) -> list[str]:
    """Those of some patterns that match one name which no other of them beats: one, or several where nobody can say."""
    candidates = list(patterns)
    return [one for one in candidates if not any(beats(other, one) for other in candidates)]


def beats(pattern: str, other: str) -> bool:
    """Whether the server takes `pattern` before `other`, both matching one name."""
    mine, its = _shape(pattern), _shape(other)
    if (mine.many == 0) != (its.many == 0):
        return mine.many == 0
    if mine.shortest != its.shortest:
        return mine.shortest > its.shortest
    if mine.many > 1 or its.many > 1:
        return False
    return mine.literal > its.literal


class _Shape:
    """Of a pattern: how many letters stand for themselves, the shortest name it matches, how many `%` it has."""

    __slots__ = ("literal", "many", "shortest")

    def __init__(self, pattern: str) -> None:
        self.literal = self.shortest = self.many = 0
        for letter, is_wild in _letters(pattern):
            self.literal += not is_wild
            self.shortest += not is_wild or letter == ONE
            self.many += is_wild and letter == MANY


def _letters(pattern: str) -> Iterator[tuple[str, bool]]:
    """Each letter of a pattern and whether it is a wildcard."""
    letters = iter(pattern)
    for letter in letters:
        if letter == ESCAPE:
            yield next(letters, ESCAPE), False
        else:
            yield letter, letter in (ONE, MANY)


@lru_cache(maxsize=4096)
def _shape(pattern: str) -> _Shape:
    return _Shape(pattern)


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> Any:
    import re2  # 5 MB, for those alone who ask; unlike re it takes no longer for a pattern that is all wildcards

    wild = {ONE: ".", MANY: ".*"}
    parts = [wild[letter] if is_wild else re2.escape(letter) for letter, is_wild in _letters(pattern)]
    return re2.compile("(?s)" + "".join(parts))
