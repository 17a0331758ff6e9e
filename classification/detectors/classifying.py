"""From a table's sketch to verdicts: evidence of each column, then of its neighbours, then the softmax over what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from classification.detectors.context import ANCHORS, OF_MACHINES, Subject, subject_of, subject_of_name
from classification.detectors.evidence import Evidence, Feature, add_values, name_evidence
from classification.detectors.lexicon import lookalikes
from classification.detectors.names import NameMatch, matches_of
from classification.detectors.own import Own
from classification.detectors.rules import SHIPPED, Rules
from classification.detectors.ruling import Ruling, ruling_of
from classification.detectors.sketches import (
    ColumnSketch,
    Contribution,
    EvidenceKind,
    Sensitivity,
    TableSketch,
    Verdict,
)
from classification.detectors.weights import Weights, probabilities, shipped_weights

_PUBLIC_ABOVE = 0.5
_SURE = frozenset(("name.strong.whole", "values.decisive.all"))


def classify(table: TableSketch, rules: Rules = SHIPPED) -> list[Verdict]:
    """One verdict for each of the table's columns, in their order. Never raises on a sketch, whatever it holds."""
    return classify_with(table, shipped_weights(), ruling_of(rules))


def classify_with(table: TableSketch, weights: Weights, ruling: Ruling) -> list[Verdict]:
    """What `classify` does, by given weights."""
    own = ruling.own
    seen = [_seen(column, own) for column in table.columns]
    anchored = sum([one.anchors for one in seen])
    by_name = subject_of_name(table.name)
    subject = subject_of(table.name, anchored > 0)
    verdicts = []
    for column, one in zip(table.columns, seen, strict=True):
        people = anchored > one.anchors
        ruled_out = ruling.out(column.name, one.evidence)
        judge = _judged_before if one.shared else _judged
        verdicts.append(judge(one, ruled_out, people, by_name, subject, weights, own))
    return verdicts


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a column says by itself, and whether that says for sure that its table is about people. What is `shared` is one
    object for all columns that say the same."""

    evidence: Evidence
    anchors: bool
    shared: bool


def _seen(column: ColumnSketch, own: Own) -> Seen:
    if column.values is None and len(column.type) + len(column.comment) + len(column.references) < 600:
        return _seen_before(matches_of(column.name, own), column.type, column.comment, column.references, column.is_key)
    evidence = evidence_of(column, own)
    return Seen(evidence, is_anchor(evidence), False)


# Names differ, but not so much what they say: without values the same phrases at the same places say the same each time.
@lru_cache(maxsize=4096)
def _seen_before(matches: tuple[NameMatch, ...], native: str, comment: str, references: str, is_key: bool) -> Seen:
    evidence = name_evidence(matches, native, comment, references, is_key)
    return Seen(evidence, is_anchor(evidence), True)


def _judged(
    seen: Seen,
    ruled_out: tuple[str, ...],
    people: bool,
    by_name: Subject,
    subject: Subject,
    weights: Weights,
    own: Own,
) -> Verdict:
    evidence = seen.evidence
    if people or by_name is not Subject.UNKNOWN:
        evidence = {kind: list(features) for kind, features in evidence.items()}
        add_context(evidence, people, by_name)
    return _verdict(evidence, ruled_out, weights, own, subject)


_judged_before = lru_cache(maxsize=4096)(_judged)


def evidence_of(column: ColumnSketch, own: Own) -> Evidence:
    """All the evidence that a column holds by itself."""
    evidence = name_evidence(
        matches_of(column.name, own), column.type, column.comment, column.references, column.is_key
    )
    if column.values:
        add_values(column, evidence, own)
    return evidence


def is_anchor(evidence: Evidence) -> bool:
    """Whether a column says by itself, and for sure, that its table is about people."""
    for kind, features in evidence.items():
        if kind in ANCHORS:
            for feature in features:
                if feature.name in _SURE:
                    return True
    return False


_NEIGHBOURS = Feature("context.people", 1.0, EvidenceKind.CONTEXT, "other columns of the table hold data on people")
_ABOUT_PEOPLE = Feature("context.table", 1.0, EvidenceKind.CONTEXT, "the table is named for people")
_ABOUT_MACHINES = Feature("context.machines", 1.0, EvidenceKind.CONTEXT, "the table is named for machines")
_UNSURE_NAMES = frozenset(
    [f"name.{strength}.{place}" for strength in ("fair", "weak") for place in ("whole", "head", "front")]
    + ["comment.weak"]
)


def add_context(evidence: Evidence, people: bool, by_name: Subject) -> None:
    """What neighbours on people and the table's name add to categories that the column's own name leaves open."""
    looks = lookalikes()
    for kind, features in evidence.items():
        if kind in looks:
            continue
        for feature in features:
            if feature.name in _UNSURE_NAMES:
                break
        else:
            continue
        if people:
            features.append(_NEIGHBOURS)
        if by_name is Subject.PERSON:
            features.append(_ABOUT_PEOPLE)
        elif by_name is Subject.EQUIPMENT:
            features.append(_ABOUT_MACHINES)


def _verdict(evidence: Evidence, ruled_out: tuple[str, ...], weights: Weights, own: Own, subject: Subject) -> Verdict:
    scores = weights.scores(evidence)
    for kind in ruled_out:
        scores.pop(kind, None)
    notes = tuple(
        Contribution(EvidenceKind.RULE, f"people ruled out {own.name_of(kind)} for this name", -10.0)
        for kind in ruled_out
    )
    if not scores:
        return Verdict(None, False, Sensitivity.INTERNAL, weights.confidence(1.0), notes)
    chances = probabilities(scores)
    looks = lookalikes()
    best = max(chances, key=chances.__getitem__)
    governed = public = everything = 0.0
    for kind, chance in chances.items():
        everything += chance
        look = looks.get(kind)
        if look is None:
            governed += chance
        elif look.public:
            public += chance
    looked = looks.get(best)
    explained = _explain(evidence[best], weights)
    if looked is None and chances[best] > 1.0 - everything:
        personal, level = own.standing(best)
        if best in OF_MACHINES and subject is Subject.EQUIPMENT:
            personal, level = False, min(level, Sensitivity.INTERNAL, key=_rank)
            explained += (Contribution(EvidenceKind.CONTEXT, "the table is about machines, not people", 0.0),)
        return Verdict(best, personal, level, weights.confidence(chances[best]), explained + notes)
    level = Sensitivity.PUBLIC if public > _PUBLIC_ABOVE else Sensitivity.INTERNAL
    if looked is not None:
        explained = (Contribution(EvidenceKind.NEGATIVE, f"looks like {looked.text}", 0.0), *explained)
    return Verdict(None, False, level, weights.confidence(1.0 - governed), explained + notes)


_RANKS = {level: rank for rank, level in enumerate(Sensitivity)}


def _rank(level: Sensitivity) -> int:
    return _RANKS[level]


def _explain(features: Sequence[Feature], weights: Weights) -> tuple[Contribution, ...]:
    known = weights.features
    weighed = [
        Contribution(feature.kind, feature.text, round(known.get(feature.name, 0.0) * feature.amount, 2))
        for feature in features
    ]
    if len(weighed) > 1:
        weighed.sort(key=lambda contribution: -abs(contribution.weight))
    return tuple(weighed)
