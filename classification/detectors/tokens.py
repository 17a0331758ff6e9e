"""Column names cut into whole tokens: camel, snake, kebab, upper and flat names, prefixes of types and of tables."""

from __future__ import annotations

import re
from functools import lru_cache

from classification.detectors.folding import fold
from classification.detectors.lexicon import Lexicon, canonical_tokens, shipped_lexicon, singular

LONGEST_NAME = 200
_MOST_TOKENS = 14
_LONGEST_WORD = 20

# Not \W: the vowel signs of Indian scripts are no letters to it.
_SEPARATORS = re.compile(r"[\s!-/:-@\[-`{-~\u00a0-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TRAILING_DIGITS = re.compile(r"^([^\W\d]+)(\d+)$")

# Hungarian and table prefixes, which say how a column is stored and not what it holds.
_STORAGE_PREFIXES = frozenset(
    [
        "str",
        "txt",
        "int",
        "lng",
        "dbl",
        "bln",
        "chr",
        "vc",
        "nvc",
        "fld",
        "col",
        "lbl",
        "var",
        "sz",
        "tbl",
        "attr",
        "usr2",
        "nvarchar",
        "varchar",
    ]
)
# Words of two letters that flat names are put together from; others would cut names anywhere.
_SHORT = frozenset(
    [
        "id",
        "no",
        "nr",
        "ip",
        "cd",
        "dt",
        "nm",
        "ph",
        "yn",
        "ts",
        "is",
        "at",
        "on",
        "of",
        "to",
        "by",
        "pk",
        "fk",
        "nu",
        "de",
        "du",
        "la",
        "le",
        "tx",
        "cc",
        "dl",
        "ni",
    ]
)


@lru_cache(maxsize=4096)
def tokens_of(name: str) -> tuple[str, ...]:
    """What `cut_name` says, remembered: for whoever asks of the same names again."""
    return cut_name(name)


def cut_name(name: str) -> tuple[str, ...]:
    """The canonical tokens of a column name: folded, abbreviations expanded, flat names cut by dictionary."""
    lexicon = shipped_lexicon()
    name = name[:LONGEST_NAME]
    if name.isascii() and name.isidentifier() and (name.islower() or name.isupper()):
        pieces = [piece for piece in name.lower().split("_") if piece]
    else:
        spaced = _CAMEL.sub(" ", name) if not name.isupper() and not name.islower() else name
        pieces = [piece for piece in _SEPARATORS.split(fold(spaced)) if piece]
    if 1 in map(len, pieces) or (pieces and pieces[0] in _STORAGE_PREFIXES):
        pieces = _without_prefix(_joined_letters(pieces), lexicon)
    if len(pieces) > 1 and pieces[0] == "co" and pieces[1] in lexicon.person:
        pieces = pieces[1:]  # co-borrower; elsewhere it is a company
    tokens: list[str] = []
    for piece in pieces:
        tokens += _tokens_of_piece(piece)
        if len(tokens) >= _MOST_TOKENS:
            break
    return tuple(tokens[:_MOST_TOKENS])


# New names are made of words that other names had already.
@lru_cache(maxsize=8192)
def _tokens_of_piece(piece: str) -> tuple[str, ...]:
    lexicon = shipped_lexicon()
    expansions, vocabulary = lexicon.expansions, lexicon.vocabulary
    if (known := expansions.get(piece)) is not None:
        return known
    if piece in vocabulary:
        return (singular(piece, expansions, vocabulary),)
    return tuple(canonical_tokens(_words(piece, lexicon), expansions, vocabulary))


def _joined_letters(pieces: list[str]) -> list[str]:
    """Letters that stand alone one after another are an acronym: d_o_b is dob."""
    joined: list[str] = []
    run = ""
    for piece in [*pieces, ""]:
        if len(piece) == 1 and piece.isalpha():
            run += piece
            continue
        if run:
            joined.append(run)
            run = ""
        if piece:
            joined.append(piece)
    return joined


def _without_prefix(pieces: list[str], lexicon: Lexicon) -> list[str]:
    """Without what says only how or where the column is stored: str_, c_, __c."""
    while len(pieces) > 1:
        first, second = pieces[0], pieces[1]
        storage = first in _STORAGE_PREFIXES and not (first == "str" and second in ("nr", "no", "name", "num"))
        alone = len(first) == 1 and first.isascii() and first.isalpha() and (first, second) not in lexicon.lettered
        if not storage and not (alone and not second.isdigit()):
            break
        pieces = pieces[1:]
    if len(pieces) > 1 and pieces[-1] in ("c", "s", "x", "r"):
        pieces = pieces[:-1]
    return pieces


def _words(piece: str, lexicon: Lexicon) -> list[str]:
    if piece in lexicon.vocabulary or piece.isdigit():
        return [piece]
    if numbered := _TRAILING_DIGITS.match(piece):
        return [*_words(numbered[1], lexicon), numbered[2]]
    if len(piece) > 3 and piece[-1] == "s" and piece[:-1] in lexicon.vocabulary:
        return [piece]
    # German written without umlauts: bestaetigt is bestätigt, which folds to bestatigt.
    plain = piece.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    if plain != piece and plain in lexicon.vocabulary:
        return [plain]
    return cut(piece, lexicon.vocabulary) or [piece]


_SHORTNESS = {2: 1.3, 3: 0.6, 4: 0.15}


def cut(flat: str, vocabulary: frozenset[str]) -> list[str]:
    """A flat name as words of the vocabulary, or nothing where letters would be left over.

    Of several ways the one with the fewest and longest words: short words cost more, so that chance seldom pays.
    """
    length = len(flat)
    spelt = flat[:1] < "\u3040"  # words of Chinese and Japanese are short, and say much
    if length < (4 if spelt else 3) or length > 60:
        return []
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * length
    for end in range(2, length + 1):
        for start in range(max(0, end - _LONGEST_WORD), end - 1):
            cost = best[start][0]
            if cost == float("inf"):
                continue
            word = flat[start:end]
            size = end - start
            if (word in _SHORT) if size == 2 and spelt else (word in vocabulary):
                cost += 1.0 + (_SHORTNESS.get(size, 0.0) if spelt else 0.0)
                if cost < best[end][0]:
                    best[end] = (cost, start)
    if best[length][0] > 1.5 + length / 3:
        return []
    words: list[str] = []
    end = length
    while end:
        start = best[end][1]
        words.append(flat[start:end])
        end = start
    return words[::-1]
