"""What speaks for and against each category of a column: named features, each with the sentence that explains it.

A feature's name says what was seen ("name.strong.whole"), never of which category, so that what is learned of one category
holds for all of them; `weights` says what each is worth.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import msgspec

from classification.detectors import gazetteers
from classification.detectors.column_types import Family, can_hold, family_of
from classification.detectors.documents import kinds_in
from classification.detectors.names import NameMatch, Place, is_lookalike, matches_of
from classification.detectors.own import Own
from classification.detectors.patterns import CONFIRMING, LIST_SAYS, LISTS, TESTS, Proof, Test
from classification.detectors.sketches import ColumnSketch, EvidenceKind
from classification.detectors.tokens import tokens_of
from classification.detectors.values import LONGEST_VALUE, Sample, sample_of

MOST_MISSES = 5
_MOST_MISSES_UNNAMED = 3  # of a category that neither name nor comment speaks of
_FEWEST_ALONE = 3  # values that prove something where no name does; two pass many a check by chance
_RARE = 0.12  # of texts, so few need to name people; all are read


class Feature(msgspec.Struct, frozen=True, gc=False):
    """One thing seen, of size `amount`; `text` explains it and holds no sampled value."""

    name: str
    amount: float
    kind: EvidenceKind
    text: str


Evidence = dict[str, list[Feature]]


def name_evidence(
    matches: tuple[NameMatch, ...], native: str, comment: str = "", references: str = "", is_key: bool = False
) -> Evidence:
    """What a column's name, as `matches_of` reads it, its type, its comment and its keys say."""
    evidence: Evidence = {}
    for match in matches:
        if can_hold(native, match.kind):
            evidence[match.kind] = [_of_name(match)]
    if comment:
        for kind, feature in _comment_features(comment[:400]):
            if can_hold(native, kind):
                evidence.setdefault(kind, []).append(feature)
    if references:
        for match in matches_of(references.rpartition(".")[2]):
            if match.place is Place.WHOLE and match.strength != "weak" and can_hold(native, match.kind):
                evidence.setdefault(match.kind, []).append(
                    Feature("key.reference", 1.0, EvidenceKind.KEY, f"references a column named {match.phrase}")
                )
    _add_type(native, is_key, evidence)
    return evidence


_SAID = {
    Place.WHOLE: "name token “{phrase}”",
    Place.HEAD: "name ends in “{phrase}”",
    Place.FRONT: "name begins with “{phrase}”",
    Place.THING: "name token “{phrase}” beside “{head}”, which is no person",
}


def _of_name(match: NameMatch) -> Feature:
    group = "other" if is_lookalike(match.kind) else "name"
    strength = match.strength
    if strength == "weak" and match.personal and match.place is not Place.OTHER_HEAD:
        strength = "fair"
    if match.place is Place.OTHER_HEAD:
        return Feature(
            f"{group}.other_head", 1.0, EvidenceKind.NEGATIVE, f"the name is about “{match.head}”, not “{match.phrase}”"
        )
    said = _SAID[match.place].format(phrase=match.phrase, head=match.head)
    return Feature(f"{group}.{strength}.{match.place.value}", 1.0, EvidenceKind.NAME, said)


@lru_cache(maxsize=512)
def _comment_features(comment: str) -> tuple[tuple[str, Feature], ...]:
    found = []
    for match in matches_of(comment):
        if match.place is Place.OTHER_HEAD and match.kind != "free_text_pii" and len(tokens_of(comment)) < 4:
            continue
        group = "comment.other" if is_lookalike(match.kind) else "comment"
        strength = "strong" if match.strength == "strong" else "weak"
        text = f"comment speaks of “{match.phrase}”"
        found.append((match.kind, Feature(f"{group}.{strength}", 1.0, EvidenceKind.COMMENT, text)))
    return tuple(found)


_TYPE_OF: dict[Family, str] = {
    Family.BOOLEAN: "flag",
    Family.DATETIME: "moment",
    Family.TIME: "moment",
    Family.JSON: "software",
    Family.UUID: "record_key",
}


def _add_type(native: str, is_key: bool, evidence: Evidence) -> None:
    family = family_of(native)
    if (kind := _TYPE_OF.get(family)) is not None:
        evidence.setdefault(kind, []).append(
            Feature("type.other", 1.0, EvidenceKind.TYPE, f"the type stores a {family.value}")
        )
    if family in (Family.INTEGER, Family.DECIMAL, Family.FLOAT, Family.DATE):
        for kind, features in evidence.items():
            if kind in _WORDED:
                features.append(
                    Feature("type.unusual", 1.0, EvidenceKind.TYPE, f"the type stores a {family.value}, not text")
                )
    if is_key and family is Family.INTEGER:
        evidence.setdefault("record_key", []).append(
            Feature("key.own", 1.0, EvidenceKind.KEY, "an integer that is the table's key")
        )
    if family is Family.NETWORK:
        kind = "mac_address" if "mac" in native.lower() else "ip_address"
        evidence.setdefault(kind, []).append(
            Feature("type.says", 1.0, EvidenceKind.TYPE, "the type stores addresses of machines")
        )


_WORDED = frozenset(
    [
        "health",
        "disability",
        "ethnicity",
        "religion",
        "sexual_orientation",
        "criminal_record",
        "gender",
        "marital_status",
        "nationality",
        "passport",
        "drivers_licence",
        "postcode",
    ]
)


def add_values(column: ColumnSketch, evidence: Evidence, own: Own) -> None:
    """What the sampled values say, for and against."""
    sample = sample_of(column.values)
    if not sample.values:
        return
    group = group_of(sample)
    if group == "document":
        _add_members(sample, evidence, own)
        return
    tested: dict[str, Feature] = {}
    numeric = family_of(column.type) in (Family.DECIMAL, Family.FLOAT)
    for test in TESTS.get(group, ()):
        if numeric or not can_hold(column.type, test.kind):
            continue
        _ask(test, sample, evidence, tested)
    for test in own.tests:
        _ask(test, sample, evidence, tested, fewest=1)
    if group in ("words", "code", "digits"):
        _add_lists(sample, evidence, tested, column.type)
    for kind in evidence:
        if kind not in tested or tested[kind].name.startswith("values.fail"):
            confirming = CONFIRMING.get(kind)
            if confirming is not None:
                _ask(confirming, sample, evidence, tested)
            elif kind not in tested and (home := _HOME.get(kind)) is not None and home != group:
                tested[kind] = Feature("values.fail.closed", 1.0, EvidenceKind.NEGATIVE, "the values have another form")
    if "date_of_birth" not in evidence and can_hold(column.type, "date_of_birth"):
        _add_births(sample, tested)
    other = _other_name(evidence)
    for kind, feature in tested.items():
        if other and kind not in evidence and feature.name.startswith("values.") and ".decisive." not in feature.name:
            evidence.setdefault(kind, []).append(other)
        if kind in evidence or not feature.name.startswith(("values.fail", "values.weak")):
            evidence.setdefault(kind, []).append(feature)
    _add_spread(column, sample, group, evidence)


def _add_births(sample: Sample, tested: dict[str, Feature]) -> None:
    """Dates without a time of day, none of them recent, that spread over as many years as births do.

    Half the columns of dates in a warehouse are of the last years; births go back to the middle of the last century.
    """
    if len(sample.values) < _FEWEST_BIRTHS:
        return
    years = [int(found[1]) for value in sample.values if (found := _DAY.fullmatch(value))]
    if len(years) < len(sample.values) or not (1900 < min(years) <= 1970 and max(years) - min(years) >= 25):
        return
    if sum(year <= 2005 for year in years) < 0.7 * len(years):
        return
    asked = len(years)
    tested["date_of_birth"] = Feature(
        "values.shape.most", asked / (asked + 1.0), EvidenceKind.VALUES, f"{asked} dates spread over years as births do"
    )


_FEWEST_BIRTHS = 6
_DAY = re.compile(r"(?:\d\d?[-/.]\d\d?[-/.])?((?:19|20)\d\d)(?:[-/.]\d\d?[-/.]\d\d?)?", re.ASCII)


def _other_name(evidence: Evidence) -> Feature | None:
    """What is held against values whose column is named for a look-alike: a match of values does not override a name."""
    for features in evidence.values():
        for feature in features:
            if feature.name in _OTHER_NAMES:
                return Feature("name.says_other", 1.0, EvidenceKind.NEGATIVE, f"{feature.text} says something else")
    return None


_OTHER_NAMES = frozenset(f"other.strong.{place}" for place in (Place.WHOLE, Place.HEAD, Place.THING))

# Groups in which the values of a category with a fixed form are found.
_HOME: dict[str, str] = {test.kind: group for group, tests in TESTS.items() for test in tests if test.closed}


def _ask(
    test: Test, sample: Sample, evidence: Evidence, tested: dict[str, Feature], fewest: int = _FEWEST_ALONE
) -> None:
    """Put a test to the values, and keep its answer where it is better than the last for that category.

    Of fewer than `fewest` values a test that proves nothing by itself says less, where no name speaks of its category.
    """
    hits = misses = 0
    limit = MOST_MISSES if test.kind in evidence else _MOST_MISSES_UNNAMED
    if test.enough == _RARE:
        limit = len(sample.values)
    passes = test.passes
    for value in sample.compact if test.compact else sample.values:
        if passes(value):
            hits += 1
        else:
            misses += 1
            if misses >= limit and misses > hits:
                break
    asked = hits + misses
    share = hits / asked
    trust = asked / (asked + 1.0)
    kind = EvidenceKind.CHECKSUM if test.proof is Proof.CHECKSUM else EvidenceKind.VALUES
    if test.enough == _RARE and share >= _RARE:
        share = max(share, 0.5)
    elif share < test.enough or (test.marked is not None and not _some(test.marked, sample)):
        return
    unsure = asked < fewest and test.proof is not Proof.DECISIVE and test.kind not in evidence
    if share >= 0.85 and not unsure:
        name, amount = f"values.{test.proof}.all", trust
    elif share >= 0.4:
        name, amount = f"values.{test.proof}.most", trust
    elif test.kind not in evidence or tested.get(test.kind) is not None:
        return
    elif share > 0.1:
        name, amount = f"values.{test.proof}.some", trust
    else:
        name = "values.fail.closed" if test.closed else "values.fail.open"
        amount, kind = trust, EvidenceKind.NEGATIVE
    if is_lookalike(test.kind):
        name = name.replace("values.", "lookalike.")
    known = tested.get(test.kind)
    if known is None or _PREFERENCE.get(name, 9) < _PREFERENCE.get(known.name, 9):
        tested[test.kind] = Feature(name, amount, kind, f"{hits} of {asked} values {test.says}")


def _some(marked: Callable[[str], bool], sample: Sample) -> bool:
    """Whether a quarter of the values, and two at least, pass a narrower test."""
    passed = sum(map(marked, sample.values))
    return passed >= 2 and passed * 4 >= len(sample.values)


_ORDER_OF_ANSWERS = (
    *(
        "decisive.all",
        "checksum.all",
        "list.all",
        "shape.all",
        "decisive.most",
        "checksum.most",
        "list.most",
        "shape.most",
    ),
    *("weak.all", "weak.most", "decisive.some", "checksum.some", "list.some", "shape.some", "weak.some"),
)
_PREFERENCE: dict[str, int] = {
    f"{group}.{answer}": rank for group in ("values", "lookalike") for rank, answer in enumerate(_ORDER_OF_ANSWERS)
}


def _add_lists(sample: Sample, evidence: Evidence, tested: dict[str, Feature], native: str) -> None:
    counts: Counter[str] = Counter()
    for value in sample.values:
        for name in gazetteers.lists_of(value):
            counts[name] += 1
    asked = len(sample.values)
    best: dict[str, tuple[int, str]] = {}
    for name, hits in sorted(counts.items()):  # in whatever order sets are gone through
        kind = LISTS.get(name)
        if kind is not None and can_hold(native, kind):
            known = best.get(kind)
            if name in ("condition", "medication") and known is not None and known[1] in ("condition", "medication"):
                best[kind] = (known[0] + hits, name)
            elif known is None or hits > known[0]:
                best[kind] = (hits, name)
    letters = counts.get("gender_letters", 0)
    if letters == asked and "gender" in evidence and "gender" not in best:
        tested["gender"] = Feature(
            "values.list.all", asked / (asked + 1), EvidenceKind.VALUES, f"{letters} of {asked} are letters for genders"
        )
    for kind, (hits, name) in best.items():
        share = hits / asked
        if share < 0.3:
            continue
        grade = "all" if share >= 0.75 else "most"
        prefix = "lookalike" if is_lookalike(kind) else "values"
        feature = Feature(
            f"{prefix}.list.{grade}",
            asked / (asked + 1.0),
            EvidenceKind.VALUES,
            f"{hits} of {asked} values {LIST_SAYS[name]}",
        )
        known_feature = tested.get(kind)
        if known_feature is None or _PREFERENCE[feature.name] < _PREFERENCE.get(known_feature.name, 9):
            tested[kind] = feature


def group_of(sample: Sample) -> str:
    """By which tests the values are looked at: those of mail, digits, codes, words or documents."""
    counts: Counter[str] = Counter(_look(value) for value in sample.values[:7])
    return counts.most_common(1)[0][0]


@lru_cache(maxsize=1)
def _digit_marks() -> frozenset[str]:
    return frozenset("0123456789 +-().,/:*Xx ")


def _look(value: str) -> str:
    first = value[0]
    if first in "{[" and (value[-1] in "}]" or len(value) >= LONGEST_VALUE):
        return "document"
    if "@" in value and value.find("@") > 0 and " " not in value.strip() and value[0] != "<" and "://" not in value:
        return "mail" if "." in value.rpartition("@")[2] and "/" not in value else "code"
    if any("0" <= letter <= "9" for letter in value) and _digit_marks().issuperset(value):
        return "digits"
    return "words" if " " in value or not value.isascii() or value.isalpha() else "code"


def _add_spread(column: ColumnSketch, sample: Sample, group: str, evidence: Evidence) -> None:
    """Negative evidence of the column as a whole: few classes, a running number."""
    if group == "digits" and len(sample.values) >= 5:
        numbers = [int(value) for value in sample.values if value.isdecimal() and len(value) < 19]
        steps = {later - earlier for earlier, later in itertools.pairwise(numbers)}
        if len(numbers) == len(sample.values) and steps and min(steps) > 0 and max(steps) <= 3:
            evidence.setdefault("record_key", []).append(
                Feature("lookalike.running", 1.0, EvidenceKind.NEGATIVE, "the values are a running number")
            )
    if sample.present >= 12 and sample.different <= sample.present / 6:
        for kind in _DISTINCT.intersection(evidence):
            evidence[kind].append(
                Feature(
                    "values.repeat", 1.0, EvidenceKind.NEGATIVE, "the values repeat, as numbers of people would not"
                )
            )


_DISTINCT = frozenset(
    [
        "email",
        "phone",
        "username",
        "employee_id",
        "student_id",
        "passport",
        "drivers_licence",
        "credit_card",
        "bank_account",
        "iban",
        "us_ssn",
        "au_tfn",
        "password",
        "secret",
        "national_id",
    ]
)


def _add_members(sample: Sample, evidence: Evidence, own: Own) -> None:
    """Governed data inside JSON documents, by the names and the forms of their members."""
    found = Counter(filter(None, kinds_in(sample.values, own)))
    asked = len(sample.values)
    for kind, hits in found.items():
        if hits / asked >= 0.3:
            evidence.pop("software", None)  # a payload is what it holds
            evidence.setdefault(kind, []).append(
                Feature("values.members", 1.0, EvidenceKind.VALUES, f"{hits} of {asked} documents hold it")
            )
