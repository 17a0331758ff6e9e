"""Which datasets a crawl looks at: glob patterns that become parameters of the source's own query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.errors import Invalid

ESCAPE = "|"
"""The escape character of the LIKE patterns here: no server gives it a meaning of its own, unlike the
backslash.
"""


class Pattern(NamedTuple):
    """A glob for the schema and one for the dataset: `*` is any run of characters, `?` is one."""

    schema: str
    dataset: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A dataset is inside when a pattern of `include` fits it (none: all fit) and no pattern of `exclude`
    does.

    A pattern is `schema.dataset`, as in "public.*" or "sales.tmp_?"; "public" alone means "public.*". The
    schema is the part above the dataset: a database in MariaDB, "main" in SQLite. A part in double quotes is
    taken as it stands, dots and stars included, with a quote doubled: `"a.b".*`. Raises `Invalid` for a
    pattern that cannot be read.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (*self.include, *self.exclude):
            parse_pattern(text)

    @property
    def included(self) -> tuple[Pattern, ...]:
        return tuple(parse_pattern(text) for text in self.include)

    @property
    def excluded(self) -> tuple[Pattern, ...]:
        return tuple(parse_pattern(text) for text in self.exclude)


EVERYTHING = Scope()

_STAR, _MARK = "\ue000", "\ue001"
_LITERAL = {"*": _STAR, "?": _MARK}
"""Quoted wildcards stand for themselves; until they are translated they are kept as private characters."""

_PARTS = re.compile("([*?\ue000\ue001])")
_REGEX = {"*": ".*", "?": ".", _STAR: re.escape("*"), _MARK: re.escape("?")}


def parse_pattern(text: str) -> Pattern:
    """The two globs of a pattern; a star that was quoted is kept apart from one that is a wildcard."""
    parts: list[str] = [""]
    quoted = False
    place = 0
    while place < len(text):
        character = text[place]
        if character == '"':
            if quoted and text[place + 1 : place + 2] == '"':
                parts[-1] += '"'
                place += 1
            else:
                quoted = not quoted
        elif character == "." and not quoted and len(parts) == 1:
            parts.append("")
        elif character in _LITERAL and quoted:
            parts[-1] += _LITERAL[character]
        else:
            parts[-1] += character
        place += 1
    if quoted:
        raise Invalid(f"The pattern {text} opens a quote and does not close it.")
    if len(parts) == 1:
        parts.append("*")
    if not all(parts) or len(text) > 300:
        raise Invalid(f"The pattern {text or '(empty)'} needs a schema and a dataset, as in public.* or sales.tmp_*.")
    return Pattern(*parts)


def like(glob: str) -> str:
    """The glob as a LIKE pattern with `ESCAPE '|'`."""
    for special in (ESCAPE, "%", "_"):
        glob = glob.replace(special, ESCAPE + special)
    return glob.replace("*", "%").replace("?", "_").replace(_STAR, "*").replace(_MARK, "?")


def sqlite_glob(glob: str) -> str:
    """The glob in SQLite's own GLOB, which knows character classes too and tells upper from lower case."""
    return glob.replace("[", "[[]").replace(_STAR, "[*]").replace(_MARK, "[?]")


def like_pairs(patterns: Sequence[Pattern]) -> tuple[list[str], list[str]]:
    """The LIKE patterns of schemas and of datasets, side by side."""
    return [like(pattern.schema) for pattern in patterns], [like(pattern.dataset) for pattern in patterns]


def whole_schemas(patterns: Sequence[Pattern]) -> list[str]:
    """The LIKE patterns of the schemas that these patterns cover altogether."""
    return [like(pattern.schema) for pattern in patterns if set(pattern.dataset) == {"*"}]


def glob_matches(glob: str, name: str) -> bool:
    """Whether a name fits a glob, as the source would say with `like`."""
    regex = "".join(_REGEX.get(part, re.escape(part)) for part in _PARTS.split(glob))
    return re.fullmatch(regex, name, re.DOTALL) is not None
