"""Correct a mistyped word to words that the search index knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

SHORTEST = 3
"""Shorter words are left as they are: everything is one letter from them."""
_NEAR = 8
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def variants(word: str) -> set[str]:
    """Every word one slip from `word`: a letter left out, doubled, replaced or swapped with its neighbour."""
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    letters = sorted(set(_LETTERS) | set(word))
    left_out = {head + tail[1:] for head, tail in splits if tail}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in splits if len(tail) > 1}
    replaced = {head + letter + tail[1:] for head, tail in splits if tail for letter in letters}
    added = {head + letter + tail for head, tail in splits for letter in letters}
    return (left_out | swapped | replaced | added) - {word, ""}


def distance(one: str, other: str) -> int:
    """Slips between two words: letters left out, added, replaced, and neighbours swapped (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last = row, before
        row = [i]
        for j, facing in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != facing))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == facing:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


# Words one slip away stand in the primary key; of those that only begin nearly so (custmer, customers) the trigram index
# brings the most alike.
_CANDIDATES = """
    SELECT wanted.word, near.word
    FROM unnest(%(words)s::text[]) AS wanted (word)
    CROSS JOIN LATERAL (
        SELECT known.word FROM catalog_searchword AS known
        WHERE known.word %% wanted.word ORDER BY similarity(known.word, wanted.word) DESC, known.word LIMIT 40
    ) AS near
    UNION
    SELECT slip.wanted, known.word
    FROM unnest(%(wanted)s::text[], %(slips)s::text[]) AS slip (wanted, word)
    JOIN catalog_searchword AS known ON known.word = slip.word
"""


def nearest_words(words: Sequence[str]) -> dict[str, list[str]]:
    """For each word, the known words that it may be meant for, the likeliest first; one statement for any number."""
    wanted = [word for word in dict.fromkeys(words) if SHORTEST <= len(word) <= 60]
    if not wanted:
        return {}
    slips = [(word, variant) for word in wanted for variant in variants(word)]
    parameters = {"words": wanted, "wanted": [one for one, _ in slips], "slips": [slip for _, slip in slips]}
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, parameters)
        pairs = cursor.fetchall()
    return {word: _likeliest(word, {near for one, near in pairs if one == word}) for word in wanted}


def _likeliest(word: str, near: Iterable[str]) -> list[str]:
    ranked = []
    for other in near:
        slips = distance(word, other)
        # The beginning of a longer word may be meant, where it differs by one slip.
        starts = min((distance(word, other[: len(word) + more]) for more in (-1, 0, 1)), default=slips)
        if min(slips, starts) > 1:
            continue
        ranked.append((slips if slips <= 1 else 2, other[:1] != word[:1], abs(len(other) - len(word)), other))
    return [other for *_, other in sorted(ranked)][:_NEAR]
