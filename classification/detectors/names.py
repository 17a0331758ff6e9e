"""What a column's name says: phrases found in its tokens, and whether each is what the name is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from classification.detectors.lexicon import Meaning, Strength, lookalikes, shipped_lexicon
from classification.detectors.tokens import tokens_of

NO_PHRASES: Mapping[str, tuple[Meaning, ...]] = {}


class Place(StrEnum):
    """Where a phrase stands in a name."""

    WHOLE = "whole"  # nothing else, but for numbering, owners and the like
    HEAD = "head"  # at the end, after words that nobody knows
    FRONT = "front"  # before words that nobody knows
    THING = "thing"  # of something that is no person
    OTHER_HEAD = "other_head"  # the name is about another thing: email_verified


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A phrase in a name, what it may mean, and where it stands."""

    kind: str
    strength: Strength
    place: Place
    phrase: str
    head: str = ""
    personal: bool = False


_RANK = {Place.WHOLE: 0, Place.HEAD: 1, Place.FRONT: 2, Place.THING: 3, Place.OTHER_HEAD: 4}
_STRENGTH_RANK = {"strong": 0, "fair": 1, "weak": 2}


@lru_cache(maxsize=4096)
def matches_of(name: str) -> tuple[NameMatch, ...]:
    """What a name may mean by the shipped dictionaries: the best match of each kind."""
    return find(tokens_of(name))


def find(tokens: tuple[str, ...], own: Mapping[str, tuple[Meaning, ...]] = NO_PHRASES) -> tuple[NameMatch, ...]:
    """The best match of each kind among the shipped phrases and an administrator's `own`."""
    lexicon = shipped_lexicon()
    spans: list[tuple[int, int, str, tuple[Meaning, ...]]] = []
    count = len(tokens)
    for start in range(count):
        for end in range(min(count, start + lexicon.longest_phrase), start, -1):
            phrase = " ".join(tokens[start:end])
            meanings = lexicon.phrases.get(phrase, ()) + own.get(phrase, ())
            if meanings:
                spans.append((start, end, phrase, meanings))
    spans = [span for span in spans if not any(_contains(other, span) for other in spans)]
    best: dict[str, NameMatch] = {}
    for start, end, phrase, meanings in spans:
        for meaning in meanings:
            match = _placed(tokens, start, end, phrase, meaning, spans)
            known = best.get(meaning.kind)
            if known is None or _order(match) < _order(known):
                best[meaning.kind] = match
    return tuple(best.values())


def _contains(outer: tuple[int, int, str, object], inner: tuple[int, int, str, object]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and (outer[1] - outer[0]) > (inner[1] - inner[0])


def _order(match: NameMatch) -> tuple[int, int]:
    return _RANK[match.place], _STRENGTH_RANK[match.strength]


def _placed(
    tokens: tuple[str, ...],
    start: int,
    end: int,
    phrase: str,
    meaning: Meaning,
    spans: list[tuple[int, int, str, tuple[Meaning, ...]]],
) -> NameMatch:
    lexicon = shipped_lexicon()
    suffixes = lexicon.suffixes.get(meaning.kind, frozenset())
    place = Place.WHOLE
    head = ""
    personal = False
    for position, token in enumerate(tokens):
        if start <= position < end:
            continue
        before = position < start
        if token in lexicon.person:
            personal = True
            continue
        if token in suffixes or token.isdigit():
            continue
        if before:
            if position == 0 and token in lexicon.first:
                found = Place.OTHER_HEAD
            elif token in lexicon.neutral:
                continue
            else:
                found = Place.THING if token in lexicon.thing else Place.HEAD
        elif token in lexicon.head or _begins_another(position, meaning.kind, spans):
            found = Place.OTHER_HEAD
        elif token in lexicon.neutral:
            continue
        else:
            found = Place.THING if token in lexicon.thing else Place.FRONT
        if _RANK[found] > _RANK[place]:
            place = found
            head = token
    return NameMatch(meaning.kind, meaning.strength, place, phrase, head, personal)


def _begins_another(position: int, kind: str, spans: list[tuple[int, int, str, tuple[Meaning, ...]]]) -> bool:
    """Whether what stands at `position` is a phrase for something else, which is then what the name is about."""
    return any(
        start <= position < end and all(m.kind != kind and m.strength == "strong" for m in meanings)
        for start, end, _, meanings in spans
    )


def is_lookalike(kind: str) -> bool:
    """Whether a kind is a look-alike, and so not governed."""
    return kind in lookalikes()
