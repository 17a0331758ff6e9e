"""The dictionaries of names, compiled: what a phrase may mean, what a token stands for, where a name may be cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from classification.detectors.dictionaries import read_lines, read_table
from classification.detectors.folding import fold

Strength = Literal["strong", "fair", "weak"]
STRENGTHS: tuple[Strength, ...] = ("strong", "fair", "weak")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase may mean: a category or a look-alike, and how surely the phrase says so."""

    kind: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class Lookalike:
    """Something that is not governed, and is taken for what is. `public` says that anybody may know it."""

    slug: str
    text: str
    public: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Phrases by their canonical tokens joined by blanks; what tokens stand for; how tokens qualify a phrase.

    `longest_from` is of how many tokens the longest phrase is that begins with a token.
    `lettered` are pairs that begin a phrase with a single letter, which is then no prefix: e mail, f nacimiento.
    """

    phrases: Mapping[str, tuple[Meaning, ...]]
    suffixes: Mapping[str, frozenset[str]]
    expansions: Mapping[str, tuple[str, ...]]
    vocabulary: frozenset[str]
    neutral: frozenset[str]
    person: frozenset[str]
    thing: frozenset[str]
    head: frozenset[str]
    first: frozenset[str]
    lettered: frozenset[tuple[str, str]]
    longest_from: Mapping[str, int]


@cache
def lookalikes() -> Mapping[str, Lookalike]:
    """The shipped look-alikes by slug."""
    return {
        slug: Lookalike(slug, row["text"], row.get("level") == "public")
        for slug, row in read_table("lookalikes.toml").items()
    }


# Words between the words of a phrase, which names leave out: nom de famille, nom_famille.
_LINKS = frozenset(("de", "d", "du", "des", "del", "di", "da", "do", "of", "la", "le", "the"))


@cache
def shipped_lexicon() -> Lexicon:
    """The lexicon of the shipped dictionaries."""
    expansions = {
        fold(token): tuple(fold(words).split())
        for section in read_table("abbreviations.toml").values()
        for token, words in section.items()
    }
    qualifiers = {name: frozenset(fold(words).split()) for name, words in read_table("qualifiers.toml").items()}
    spoken = frozenset().union(*qualifiers.values(), *(line.split() for line in read_lines("words.txt")))
    tables = [read_table(name) for name in ("names_personal.toml", "names_restricted.toml", "lookalikes.toml")]
    written = {token for table in tables for _, _, phrase in _phrases(table) for token in phrase.split()}
    vocabulary = frozenset(spoken | written | expansions.keys() | {t for words in expansions.values() for t in words})

    meanings: dict[str, list[Meaning]] = {}
    suffixes: dict[str, frozenset[str]] = {}
    for table in tables:
        for kind, row in table.items():
            suffixes[kind] = frozenset(row.get("suffixes", "").split())
        for kind, strength, phrase in _phrases(table):
            tokens = list(canonical_tokens(phrase.split(), expansions, vocabulary))
            for spelt in (tokens, [token for token in tokens if token not in _LINKS]):
                known = meanings.setdefault(" ".join(spelt), [])
                if (spelt is tokens or len(spelt) > 1) and all(meaning.kind != kind for meaning in known):
                    known.append(Meaning(kind, strength))
    # The same meanings are one object: what the collector of garbage has to look through stays small.
    shared: dict[tuple[Meaning, ...], tuple[Meaning, ...]] = {}
    phrases = {phrase: shared.setdefault(tuple(known), tuple(known)) for phrase, known in meanings.items() if known}
    return Lexicon(
        phrases=phrases,
        suffixes=suffixes,
        expansions=expansions,
        vocabulary=vocabulary,
        neutral=qualifiers["neutral"],
        person=qualifiers["person"],
        thing=qualifiers["thing"],
        head=qualifiers["head"],
        first=qualifiers["first"],
        lettered=_lettered(phrases, expansions),
        longest_from=_longest_from(phrases),
    )


def _longest_from(phrases: Iterable[str]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for phrase in phrases:
        tokens = phrase.split()
        longest[tokens[0]] = max(longest.get(tokens[0], 0), len(tokens))
    return longest


def _lettered(phrases: Mapping[str, object], expansions: Mapping[str, tuple[str, ...]]) -> frozenset[tuple[str, str]]:
    spelt: dict[str, list[str]] = {}
    for token, words in expansions.items():
        spelt.setdefault(words[0], []).append(token)
    pairs: set[tuple[str, str]] = set()
    for phrase in phrases:
        if phrase[1:2] == " " and phrase[0].isascii():
            second = phrase.split()[1]
            pairs.update((phrase[0], token) for token in (second, *spelt.get(second, ())))
    return frozenset(pairs)


def _phrases(table: Mapping[str, Any]) -> Iterator[tuple[str, Strength, str]]:
    """Every phrase of a table of names, the strongest reading of each kind first."""
    for kind, row in table.items():
        for strength in STRENGTHS:
            for listed in row.get(strength, {}).values():
                for phrase in listed.split(","):
                    yield kind, strength, fold(phrase.strip())


def canonical_tokens(
    tokens: list[str], expansions: Mapping[str, tuple[str, ...]], vocabulary: frozenset[str]
) -> Iterator[str]:
    """Each token as what it stands for, plurals as singulars."""
    for token in tokens:
        if (expanded := expansions.get(token)) is not None:
            yield from expanded
        else:
            yield singular(token, expansions, vocabulary)


_NO_PLURALS = frozenset(("pays", "cours", "mois"))


def singular(token: str, expansions: Mapping[str, tuple[str, ...]], vocabulary: frozenset[str]) -> str:
    """An English plural whose singular is known, as that singular."""
    if token[-1] == "s" and len(token) > 3 and token[-2] not in "su" and token not in _NO_PLURALS:
        if token.endswith("ies") and (stem := token[:-3] + "y") in vocabulary:
            return stem
        if (stem := token[:-1]) in vocabulary:
            expanded = expansions.get(stem)
            return expanded[0] if expanded and len(expanded) == 1 else stem
    return token
