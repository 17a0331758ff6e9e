"""What a column's name says: phrases found in its tokens, and whether each is what the name is about."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

import msgspec

from classification.detectors.lexicon import Meaning, Strength, lookalikes, shipped_lexicon
from classification.detectors.own import NOTHING_OWN, Own
from classification.detectors.tokens import cut_name

# A phrase in a name: from which token to which, what it says and what it may mean.
Span = tuple[int, int, str, tuple[Meaning, ...]]


class Place(StrEnum):
    """Where a phrase stands in a name."""

    WHOLE = "whole"  # nothing else, but for numbering, owners and the like
    HEAD = "head"  # at the end, after words that nobody knows
    FRONT = "front"  # before words that nobody knows
    THING = "thing"  # of something that is no person
    OTHER_HEAD = "other_head"  # the name is about another thing: email_verified


class NameMatch(msgspec.Struct, frozen=True, gc=False):
    """A phrase in a name, what it may mean, and where it stands. `head` is the word that makes it a thing or another head."""

    kind: str
    strength: Strength
    place: Place
    phrase: str
    head: str = ""
    personal: bool = False


_RANK = {Place.WHOLE: 0, Place.HEAD: 1, Place.FRONT: 2, Place.THING: 3, Place.OTHER_HEAD: 4}
# Places of which the other word is told.
_BESIDE = (Place.THING, Place.OTHER_HEAD)
# Which of two matches of a kind says more, the most telling first.
_TELLING = (
    *(("strong", Place.WHOLE), ("fair", Place.WHOLE), ("strong", Place.HEAD), ("fair", Place.HEAD)),
    *(("strong", Place.THING), ("strong", Place.FRONT), ("weak", Place.HEAD), ("fair", Place.THING)),
    *(("fair", Place.FRONT), ("weak", Place.WHOLE), ("weak", Place.FRONT), ("weak", Place.THING)),
)
_ORDER = {pair: rank for rank, pair in enumerate(_TELLING)}


@lru_cache(maxsize=4096)
def matches_of(name: str, own: Own = NOTHING_OWN) -> tuple[NameMatch, ...]:
    """What a name may mean by the shipped dictionaries and an administrator's own phrases: the best match of each kind."""
    return _find(cut_name(name), own.phrases)


def _find(tokens: tuple[str, ...], own: Mapping[str, tuple[Meaning, ...]]) -> tuple[NameMatch, ...]:
    lexicon = shipped_lexicon()
    phrases, longest_from = lexicon.phrases, lexicon.longest_from
    spans: list[Span] = []
    count = len(tokens)
    reached = 0  # what ends no later than an earlier phrase is a part of it
    for start, token in enumerate(tokens):
        longest = count - start if own else min(count - start, longest_from.get(token, 0))
        for end in range(start + longest, max(start, reached), -1):
            phrase = token if end == start + 1 else " ".join(tokens[start:end])
            meanings = phrases.get(phrase, ())
            if own:
                meanings += own.get(phrase, ())
            if meanings:
                spans.append((start, end, phrase, meanings))
                reached = end
                break
    best: dict[str, NameMatch] = {}
    for start, end, phrase, meanings in spans:
        for meaning in meanings:
            if end - start == count:
                match = NameMatch(meaning.kind, meaning.strength, Place.WHOLE, phrase)
            else:
                match = _placed(tokens, start, end, phrase, meaning, spans)
            known = best.get(meaning.kind)
            if known is None or _order(match) < _order(known):
                best[meaning.kind] = match
    return tuple(best.values())


def _order(match: NameMatch) -> int:
    return _ORDER.get((match.strength, match.place), len(_ORDER))


def _placed(
    tokens: tuple[str, ...],
    start: int,
    end: int,
    phrase: str,
    meaning: Meaning,
    spans: list[Span],
) -> NameMatch:
    lexicon = shipped_lexicon()
    suffixes = lexicon.suffixes.get(meaning.kind, frozenset())
    place = Place.WHOLE
    head = ""
    personal = False
    until = _complement(tokens, end)
    for position, token in enumerate(tokens):
        if start <= position < end:
            continue
        if position == until:
            break
        before = position < start
        if token in lexicon.person:
            personal = True
            continue
        if token in suffixes or token.isdigit() or (token in _ASKING and before and "flag" in suffixes):
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
            found = Place.FRONT
        if _RANK[found] > _RANK[place]:
            place = found
            head = token if place in _BESIDE else ""
    return NameMatch(meaning.kind, meaning.strength, place, phrase, head, personal)


# What asks whether: where the mere yes or no is of the category, as in is_pregnant, it is no other head.
_ASKING = frozenset(("is", "has", "was", "had"))
_PREPOSITIONS = frozenset(("at", "on", "during", "upon", "before", "after"))


def _complement(tokens: tuple[str, ...], end: int) -> int:
    """Where what follows a phrase only says when or where it was so: age at referral, address on arrival."""
    return end if end + 1 < len(tokens) and tokens[end] in _PREPOSITIONS else len(tokens)


def _begins_another(position: int, kind: str, spans: list[Span]) -> bool:
    """Whether what stands at `position` is a phrase for something else, which is then what the name is about."""
    return any(
        start <= position < end and all(m.kind != kind and m.strength == "strong" for m in meanings)
        for start, end, _, meanings in spans
    )


def is_lookalike(kind: str) -> bool:
    """Whether a kind is a look-alike, and so not governed."""
    return kind in lookalikes()
