"""From a table's sketch to verdicts: evidence of each column, then of its neighbours, then the softmax over what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from classification.detectors.context import ANCHORS, OF_MACHINES, Subject, subject_of, subject_of_name
from classification.detectors.evidence import Evidence, Feature, Own, add_values, name_evidence
from classification.detectors.lexicon import lookalikes
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
    bare = [_is_bare(column) for column in table.columns]
    seen = [
        _bare_evidence(column, ruling) if alone else _evidence(column, ruling)
        for column, alone in zip(table.columns, bare, strict=True)
    ]
    anchored = sum(bool(anchors) for _, anchors in seen)
    by_name = subject_of_name(table.name)
    subject = subject_of(table.name, anchored > 0)
    verdicts = []
    for column, alone, (evidence, anchors) in zip(table.columns, bare, seen, strict=True):
        people = anchored > (1 if anchors else 0)
        if alone:
            verdicts.append(_bare_verdict(column, people, by_name, subject, weights, ruling))
        else:
            add_context(evidence, people, by_name)
            verdicts.append(_verdict(column, evidence, weights, ruling, subject))
    return verdicts


def _evidence(column: ColumnSketch, ruling: Ruling) -> tuple[Evidence, bool]:
    evidence = evidence_of(column, ruling.own)
    return evidence, is_anchor(evidence)


def _is_bare(column: ColumnSketch) -> bool:
    """Whether a column was not sampled, and is small enough to be remembered."""
    return column.values is None and len(column.name) + len(column.comment) + len(column.type) < 600


# The same names come again and again in a source; without values they say the same each time.
@lru_cache(maxsize=2048)
def _bare_evidence(column: ColumnSketch, ruling: Ruling) -> tuple[Evidence, bool]:
    return _evidence(column, ruling)


@lru_cache(maxsize=2048)
def _bare_verdict(
    column: ColumnSketch, people: bool, by_name: Subject, subject: Subject, weights: Weights, ruling: Ruling
) -> Verdict:
    evidence = {kind: list(features) for kind, features in _bare_evidence(column, ruling)[0].items()}
    add_context(evidence, people, by_name)
    return _verdict(column, evidence, weights, ruling, subject)


def evidence_of(column: ColumnSketch, own: Own) -> Evidence:
    """All the evidence that a column holds by itself."""
    evidence = name_evidence(column, own)
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
    if not people and by_name is Subject.UNKNOWN:
        return
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


def _verdict(column: ColumnSketch, evidence: Evidence, weights: Weights, ruling: Ruling, subject: Subject) -> Verdict:
    ruled_out = ruling.out(column.name, evidence)
    scores = weights.scores(evidence)
    for kind in ruled_out:
        scores.pop(kind, None)
    notes = tuple(
        Contribution(EvidenceKind.RULE, f"people ruled out {ruling.name_of(kind)} for this name", -10.0)
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
        personal, level = ruling.standing(best)
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
