"""DuckDB's written types, taken apart: `STRUCT(a INTEGER, "b c" MAP(VARCHAR, DOUBLE)[])`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_TOKEN = re.compile(r"""\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[(),]|[^\s(),"']+)""")
_DIMENSIONS = re.compile(r"(\[\d*\])+$")


def parts(native: str) -> tuple[tuple[str, str], ...]:
    """The named types inside a type: those of a struct or union, or of the elements of a list of them.

    A map whose key or value holds named types has the parts "key" and "value". Any other type has none.
    """
    return _parts(native.strip())


@lru_cache(maxsize=4096)
def _parts(native: str) -> tuple[tuple[str, str], ...]:
    element = _DIMENSIONS.sub("", native)
    head, opened, inside = element.partition("(")
    kind = head.strip().upper()
    if not opened or not inside.endswith(")"):
        return ()
    listed = list(_separated(inside[:-1]))
    if kind in ("STRUCT", "UNION"):
        return tuple(_named(text) for text in listed)
    if kind == "MAP" and len(listed) == 2 and any(_parts(text) for text in listed):
        return ("key", listed[0]), ("value", listed[1])
    return ()


def _separated(inside: str) -> Iterator[str]:
    """The text between the commas of the outermost level."""
    depth = start = 0
    for token in _TOKEN.finditer(inside):
        mark = token.group(1)
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
        elif mark == "," and depth == 0:
            yield inside[start : token.start(1)].strip()
            start = token.end(1)
    yield inside[start:].strip()


def _named(text: str) -> tuple[str, str]:
    token = _TOKEN.match(text)
    if token is None:
        return "", text
    name = token.group(1)
    if name.startswith('"'):
        name = name[1:-1].replace('""', '"')
    return name, text[token.end(1) :].strip()
