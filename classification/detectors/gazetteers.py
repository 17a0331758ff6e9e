"""Lists that the world knows, asked by value: nationalities, faiths, conditions, medicines, codes, streets, names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from functools import cache

from classification.detectors.dictionaries import read_lines, read_table
from classification.detectors.folding import fold

NO_LISTS: frozenset[str] = frozenset()
# Not \w: the vowel signs of Indian scripts are no letters to it.
_WORDS = re.compile(r"[^\s\d!-&(-,./:-@\[-`{-~]+")
_SEPARATORS = re.compile(r"[|\n]")
_BLANKS = re.compile(r"\s+")
# A dose, a year or a section behind a term: paracetamol 500 mg, assault - s. 31.
_DOSE = re.compile(r"([^\d(]{3,40}?)[ ,(-]*(?:s\. ?)?\d[^a-z]{0,12}(?:[a-z]{1,4}\)?)?")
_DIGIT = re.compile(r"\d")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,5}")
# Not lists of whole values, but words inside them.
_WORD_LISTS = frozenset(("street", "title", "degree", "company"))


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    """Which lists a folded value stands on."""
    lists: dict[str, set[str]] = {}
    for name, text in read_table("terms.toml").items():
        if name not in _WORD_LISTS:
            for term in _SEPARATORS.split(text):
                if term.strip():
                    lists.setdefault(fold(term.strip()), set()).add(name)
    shared: dict[frozenset[str], frozenset[str]] = {}
    return {term: shared.setdefault(frozenset(names), frozenset(names)) for term, names in lists.items()}


def lists_of(value: str) -> frozenset[str]:
    """The lists on which a value stands, as a whole."""
    if len(value) > 60:
        return NO_LISTS
    folded = _BLANKS.sub(" ", fold(value))
    found = _lists().get(folded)
    if (
        found is None
        and folded[:1].isalpha()
        and _DIGIT.search(folded)
        and (dosed := _DOSE.fullmatch(folded)) is not None
    ):
        found = _lists().get(dosed[1])
    return found or NO_LISTS


@cache
def words_of(name: str) -> frozenset[str]:
    """The words of a list of words: street, title, degree, company."""
    return frozenset(fold(word) for word in _SEPARATORS.split(read_table("terms.toml")[name]) if word.strip())


@cache
def given_names() -> frozenset[str]:
    """Common given names."""
    return frozenset(fold(name) for line in read_lines("given_names.txt") for name in line.split())


@cache
def family_names() -> frozenset[str]:
    """Common family names."""
    return frozenset(fold(name) for line in read_lines("surnames.txt") for name in line.split())


def names_a_person(value: str) -> bool:
    """Whether a value reads as a full name: two to five capitalised words or a comma between, at least one a name that
    is known as given or family name, and none the mark of a company, a street or a product."""
    if len(value) > 60 or any(letter.isdigit() for letter in value):
        return False
    if _EAST_ASIAN.fullmatch(value):
        return value[0] in family_names() or value[:2] in family_names()
    words = _WORDS.findall(value)
    if not 2 <= len(words) <= 6 or _NO_NAME.search(value):
        return False
    if any(word[0].islower() and word not in _PARTICLES for word in words):
        return False
    folded = [fold(word) for word in words]
    if any(word in _company() for word in folded):
        return False
    folded = [word for word in folded if word not in words_of("title") and word not in words_of("degree")]
    if not folded:
        return False
    given, family = given_names(), family_names()
    first = any(word in given for word in folded)
    last = any(word in family for word in folded)
    return (first and last) if len(folded) > 1 else (first or last)


def holds_a_given_name(value: str) -> bool:
    """Whether a value is two to five capitalised words of which one is known as a given name; none marks a company."""
    if len(value) > 60 or any(letter.isdigit() for letter in value) or _NO_NAME.search(value):
        return False
    words = _WORDS.findall(value)
    if not 2 <= len(words) <= 6 or any(word[0].islower() and word not in _PARTICLES for word in words):
        return False
    folded = [fold(word) for word in words]
    given = given_names()
    return any(word in given for word in folded) and not any(word in _company() for word in folded)


def holds_a_known_name(value: str) -> bool:
    """Whether one of a value's words is known as a given or family name; initials and East Asian names count as such."""
    words = _WORDS.findall(value)
    given, family = given_names(), family_names()
    return any(
        len(word) == 1 or not word.isascii() or (folded := fold(word)) in given or folded in family for word in words
    )


def is_account_name(value: str) -> bool:
    """Whether a value is put together from known names as accounts are: jsmith, anna.lopez, garciamaria, tom88."""
    found = _ACCOUNT(value)
    if found is None:
        return False
    letters, digits = found[1].translate(_JOINTS), found[2]
    given, family = given_names(), family_names()
    if digits and (letters in given or letters in family):
        return True
    if len(letters) > 4 and letters[1:] in family and letters not in given and letters not in family:
        return True
    return any(
        (letters[:cut] in given or letters[:cut] in family) and (letters[cut:] in given or letters[cut:] in family)
        for cut in range(3, len(letters) - 2)
    )


_ACCOUNT = re.compile(r"([a-z][a-z._-]{3,28})(\d{0,4})", re.ASCII).fullmatch
_JOINTS = str.maketrans("", "", "._-")
_NO_NAME = re.compile(r"[/@:!?&+=]")


def mentions_a_person(text: str) -> bool:
    """Whether a sentence names somebody: a given name before a family name, or a title before a capitalised word."""
    words = _WORDS.findall(text[:600])
    for word, following in itertools.pairwise(words):
        if following[0].isupper() and word[0].isupper():
            left = fold(word)
            if left in words_of("title") or (left in given_names() and fold(following) in family_names()):
                return True
    return False


def is_one_name(value: str) -> bool:
    """Whether a value is a single known given or family name, or two of either."""
    folded = fold(value)
    if folded in given_names() or folded in family_names():
        return True
    parts = re.split(r"[\s-]+", folded)
    return 1 < len(parts) <= 3 and all(part in given_names() or part in family_names() for part in parts)


_PARTICLES = frozenset(
    [
        "de",
        "da",
        "do",
        "dos",
        "das",
        "del",
        "della",
        "di",
        "van",
        "von",
        "der",
        "den",
        "ten",
        "la",
        "le",
        "y",
        "e",
        "bin",
        "binti",
        "al",
        "el",
        "zu",
        "af",
        "av",
    ]
)


@cache
def _company() -> frozenset[str]:
    return words_of("company") - {"sa", "ag", "co", "as", "ab"}
