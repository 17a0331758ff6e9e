"""From a table's sketch to verdicts: evidence of each column, then of its neighbours, then the softmax over what it may be."""

from __future__ import annotations

from collections.abc import Sequence

from classification.detectors.categories import shipped_categories
from classification.detectors.context import OF_MACHINES, Subject, subject_of, subject_of_name
from classification.detectors.evidence import Evidence, Feature, Own, add_values, name_evidence
from classification.detectors.lexicon import lookalikes
from classification.detectors.names import is_lookalike
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
    evidences = [evidence_of(column, ruling.own) for column in table.columns]
    sure = [sure_of(evidence) for evidence in evidences]
    by_name = subject_of_name(table.name)
    anchored = [kind for kinds in sure for kind in kinds]
    subject = subject_of(table.name, anchored)
    verdicts = []
    for column, evidence, own_sure in zip(table.columns, evidences, sure, strict=True):
        others = anchored if not own_sure else _without(anchored, own_sure)
        add_context(evidence, others, by_name)
        verdicts.append(_verdict(column, evidence, weights, ruling, subject))
    return verdicts


def evidence_of(column: ColumnSketch, own: Own) -> Evidence:
    """All the evidence that a column holds by itself."""
    evidence = name_evidence(column, own)
    if column.values:
        add_values(column, evidence, own)
    return evidence


def sure_of(evidence: Evidence) -> tuple[str, ...]:
    """The governed categories of which a column is sure without its neighbours."""
    return tuple(
        kind
        for kind, features in evidence.items()
        if any(feature.name in _SURE for feature in features) and not is_lookalike(kind)
    )


def _without(anchored: list[str], own: tuple[str, ...]) -> list[str]:
    left = list(anchored)
    for kind in own:
        left.remove(kind)
    return left


_NEIGHBOURS = Feature("context.people", 1.0, EvidenceKind.CONTEXT, "other columns of the table hold data on people")
_ABOUT_PEOPLE = Feature("context.table", 1.0, EvidenceKind.CONTEXT, "the table is named for people")
_ABOUT_MACHINES = Feature("context.machines", 1.0, EvidenceKind.CONTEXT, "the table is named for machines")
_UNSURE_NAMES = ("name.fair", "name.weak", "comment.weak")


def add_context(evidence: Evidence, others: Sequence[str], by_name: Subject) -> None:
    """What neighbours and the table's name add to governed categories that the column's own name leaves open."""
    from classification.detectors.context import ANCHORS

    for kind, features in evidence.items():
        if is_lookalike(kind) or not any(feature.name.startswith(_UNSURE_NAMES) for feature in features):
            continue
        if any(other in ANCHORS for other in others):
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
    chances = probabilities(scores)
    nothing = 1.0 - sum(chances.values())
    best = max(chances, key=lambda kind: chances[kind], default=None)
    notes = tuple(
        Contribution(EvidenceKind.RULE, f"people ruled out {ruling.name_of(kind)} for this name", -10.0)
        for kind in ruled_out
    )
    if best is not None and chances[best] > nothing and not is_lookalike(best):
        personal, level = ruling.standing(best)
        explained = _explain(evidence[best], weights)
        if best in OF_MACHINES and subject is Subject.EQUIPMENT:
            personal, level = False, min(level, Sensitivity.INTERNAL, key=_rank)
            explained += (Contribution(EvidenceKind.CONTEXT, "the table is about machines, not people", 0.0),)
        return Verdict(best, personal, level, weights.confidence(chances[best]), explained + notes)
    governed = sum(chance for kind, chance in chances.items() if not is_lookalike(kind))
    public = sum(chance for kind, chance in chances.items() if kind in lookalikes() and lookalikes()[kind].public)
    level = Sensitivity.PUBLIC if public > _PUBLIC_ABOVE else Sensitivity.INTERNAL
    nearest = _explain(evidence[best], weights) if best is not None else ()
    if best is not None and is_lookalike(best):
        nearest = (Contribution(EvidenceKind.NEGATIVE, f"looks like {lookalikes()[best].text}", 0.0), *nearest)
    return Verdict(None, False, level, weights.confidence(1.0 - governed), nearest + notes)


_RANKS = {level: rank for rank, level in enumerate(Sensitivity)}


def _rank(level: Sensitivity) -> int:
    return _RANKS[level]


def _explain(features: Sequence[Feature], weights: Weights) -> tuple[Contribution, ...]:
    weighed = [
        Contribution(feature.kind, feature.text, round(weights.features.get(feature.name, 0.0) * feature.amount, 2))
        for feature in features
    ]
    return tuple(sorted(weighed, key=lambda contribution: -abs(contribution.weight)))


def categories_known(rules: Rules = SHIPPED) -> frozenset[str]:
    """The slugs that verdicts by these rules may carry."""
    return (frozenset(shipped_categories()) | {own.slug for own in rules.categories}) - rules.disabled
