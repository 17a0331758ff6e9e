"""Fit the weights of the detectors on the development benchmark: python -m bench.fit_classification COLUMNS.jsonl

The model is a conditional logit: each category for which a column holds evidence has a score, the sum of what its features are
worth; nothing at all has the score 0; a softmax over them gives chances. What a feature is worth is shared by all
categories. A column of no governed type counts as right when nothing, or any look-alike of its level, is chosen.
Weights are pulled by a squared penalty to `PRIOR`, what an engineer expects of features that the benchmark seldom or
never shows. The fit is plain gradient descent with steps of its own per weight (Rprop): same file, same weights.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classification.detectors.classifying import add_context, evidence_of, is_anchor
from classification.detectors.context import subject_of_name
from classification.detectors.lexicon import lookalikes
from classification.detectors.names import is_lookalike
from classification.detectors.own import NOTHING_OWN
from classification.detectors.rows import read_rows, tables_of
from classification.detectors.weights import Weights

STORE = Path(__file__).parent.parent / "classification" / "detectors" / "weights.json"
PENALTY = 0.4
PENALTY_OF_STARTS = 4.0  # what all categories begin with would else take up what single features are worth
STEPS = 300
FOLDS = 5
NOTHING = ""

PRIOR: dict[str, float] = {
    "start.governed": -2.5,
    "start.lookalike": -2.0,
    "name.strong.whole": 6.0,
    "name.strong.head": 4.5,
    "name.strong.front": 2.0,
    "name.strong.thing": 3.0,
    "name.fair.whole": 4.0,
    "name.fair.head": 2.5,
    "name.fair.front": 0.5,
    "name.fair.thing": 0.5,
    "name.weak.whole": 1.0,
    "name.weak.head": 0.0,
    "name.weak.front": -1.0,
    "name.weak.thing": -2.5,
    "name.other_head": -2.5,
    "name.says_other": -2.0,
    "other.strong.whole": 5.0,
    "other.strong.head": 3.5,
    "other.strong.front": 1.0,
    "other.strong.thing": 3.5,
    "other.fair.whole": 3.0,
    "other.fair.head": 2.0,
    "other.fair.front": 0.5,
    "other.fair.thing": 2.0,
    "other.other_head": -1.0,
    "comment.strong": 3.0,
    "comment.weak": 1.0,
    "comment.other.strong": 1.5,
    "comment.other.weak": 0.5,
    "key.reference": 4.0,
    "key.own": 2.0,
    "type.other": 3.0,
    "type.says": 5.0,
    "type.unusual": -1.0,
    "values.decisive.all": 6.0,
    "values.decisive.most": 4.0,
    "values.decisive.some": 0.5,
    "values.checksum.all": 5.0,
    "values.checksum.most": 2.0,
    "values.checksum.some": 0.0,
    "values.list.all": 4.5,
    "values.list.most": 2.5,
    "values.list.some": 0.0,
    "values.shape.all": 3.5,
    "values.shape.most": 2.0,
    "values.shape.some": 0.0,
    "values.weak.all": 1.0,
    "values.weak.most": 0.5,
    "values.weak.some": -0.5,
    "values.fail.closed": -6.0,
    "values.fail.open": -1.0,
    "values.members": 5.0,
    "values.repeat": -1.0,
    "lookalike.decisive.all": 5.0,
    "lookalike.list.all": 4.0,
    "lookalike.list.most": 2.0,
    "lookalike.shape.all": 4.0,
    "lookalike.shape.most": 2.0,
    "lookalike.shape.some": 0.0,
    "lookalike.fail.open": -0.5,
    "lookalike.running": 2.0,
    "context.people": 1.0,
    "context.table": 0.5,
    "context.machines": -0.5,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled column: the features of each category that it may be, and the choices that are right."""

    table: str
    choices: dict[str, dict[str, float]]
    right: frozenset[str]


def cases_of(path: Path) -> list[Case]:
    """The labelled columns of a file, in order."""
    internal = frozenset(slug for slug, look in lookalikes().items() if not look.public)
    public = frozenset(slug for slug, look in lookalikes().items() if look.public)
    cases = []
    with path.open(encoding="utf-8") as lines:
        for table, rows in tables_of(read_rows(lines)):
            evidences = [evidence_of(column, NOTHING_OWN) for column in table.columns]
            anchors = [is_anchor(evidence) for evidence in evidences]
            for number, (row, evidence) in enumerate(zip(rows, evidences, strict=True)):
                add_context(evidence, sum(anchors) > anchors[number], subject_of_name(table.name))
                choices = {}
                for kind, features in evidence.items():
                    worth: dict[str, float] = defaultdict(float)
                    worth["start.lookalike" if is_lookalike(kind) else "start.governed"] = 1.0
                    for feature in features:
                        worth[feature.name] += feature.amount
                    choices[kind] = dict(worth)
                if row["governed"]:
                    right = frozenset((row["label_type"],))
                else:
                    right = public | {NOTHING} if row["level"] == "Public" else internal | {NOTHING}
                cases.append(Case(table.name, choices, right))
    return cases


def fitted(cases: Sequence[Case]) -> dict[str, float]:
    """The weights that make the cases likeliest, by name."""
    names = sorted(PRIOR.keys() | {name for case in cases for worth in case.choices.values() for name in worth})
    weights = {name: PRIOR.get(name, 0.0) for name in names}
    step = dict.fromkeys(names, 0.1)
    last = dict.fromkeys(names, 0.0)
    for _ in range(STEPS):
        slope = {name: _penalty(name) * (weights[name] - PRIOR.get(name, 0.0)) for name in names}
        for case in cases:
            _add_slope(case, weights, slope)
        for name in names:
            turned = slope[name] * last[name]
            if turned > 0:
                step[name] = min(step[name] * 1.2, 1.0)
            elif turned < 0:
                step[name] = max(step[name] * 0.5, 1e-4)
                slope[name] = 0.0
            if slope[name]:
                weights[name] -= math.copysign(step[name], slope[name])
            last[name] = slope[name]
    return {name: round(weight, 3) for name, weight in weights.items()}


def _penalty(name: str) -> float:
    return PENALTY_OF_STARTS if name.startswith("start.") else PENALTY


def _add_slope(case: Case, weights: dict[str, float], slope: dict[str, float]) -> None:
    """Add the slope of a case's loss, -log of the chance of the right choices."""
    scores = {kind: sum(weights[name] * x for name, x in worth.items()) for kind, worth in case.choices.items()}
    highest = max(0.0, *scores.values()) if scores else 0.0
    raised = {kind: math.exp(score - highest) for kind, score in scores.items()}
    nothing = math.exp(-highest)
    total = nothing + sum(raised.values())
    right = sum(value for kind, value in raised.items() if kind in case.right)
    if NOTHING in case.right:
        right += nothing
    if right <= 0.0:
        return
    for kind, worth in case.choices.items():
        error = raised[kind] / total - (raised[kind] / right if kind in case.right else 0.0)
        if error:
            for name, x in worth.items():
                slope[name] += error * x


def chosen(case: Case, weights: dict[str, float]) -> tuple[str, float]:
    """The likeliest choice by the weights, and its chance."""
    scores = {kind: sum(weights.get(n, 0.0) * x for n, x in worth.items()) for kind, worth in case.choices.items()}
    scores[NOTHING] = 0.0
    highest = max(scores.values())
    total = sum(math.exp(score - highest) for score in scores.values())
    best = max(scores, key=lambda kind: scores[kind])
    return best, math.exp(scores[best] - highest) / total


def folds_of(cases: Sequence[Case], folds: int = FOLDS) -> dict[str, int]:
    """A fold for each table: the largest tables first, each into the fold that is smallest so far."""
    sizes: dict[str, int] = defaultdict(int)
    for case in cases:
        sizes[case.table] += 1
    filled = [0] * folds
    fold_of = {}
    for table in sorted(sizes, key=lambda name: (-sizes[name], name)):
        fold = filled.index(min(filled))
        fold_of[table] = fold
        filled[fold] += sizes[table]
    return fold_of


def fitted_without(cases: Sequence[Case], fold: int, fold_of: dict[str, int]) -> dict[str, float]:
    """The weights of all the cases but those of a fold."""
    return fitted([case for case in cases if fold_of[case.table] != fold])


def calibrated(
    cases: Sequence[Case], by_fold: Sequence[dict[str, float]], fold_of: dict[str, int]
) -> tuple[float, float]:
    """Platt's slope and intercept, of governed choices in folds unseen when their weights were fitted."""
    points = []
    for case in cases:
        best, chance = chosen(case, by_fold[fold_of[case.table]])
        if best and not is_lookalike(best):
            clipped = min(max(chance, 1e-6), 1 - 1e-6)
            points.append((math.log(clipped / (1 - clipped)), float(best in case.right)))
    slope, intercept = 1.0, 0.0
    for _ in range(4_000):
        by_slope, by_intercept = 0.5 * (slope - 1.0), 0.5 * intercept
        for log_odds, was_right in points:
            error = 1 / (1 + math.exp(-(slope * log_odds + intercept))) - was_right
            by_slope += error * log_odds
            by_intercept += error
        slope -= 0.002 * by_slope
        intercept -= 0.002 * by_intercept
    return round(slope, 3), round(intercept, 3)


def weights_of(features: dict[str, float], calibration: tuple[float, float], version: str = "") -> Weights:
    """Fitted weights in the form that the detectors use."""
    rest = {name: worth for name, worth in features.items() if not name.startswith("start.")}
    return Weights(version, rest, features["start.governed"], features["start.lookalike"], *calibration)


def main(argument: str) -> None:
    """Fit, and store the weights with the digest of the file that they were fitted on."""
    path = Path(argument)
    cases = cases_of(path)
    fold_of = folds_of(cases)
    by_fold = [fitted_without(cases, fold, fold_of) for fold in range(FOLDS)]
    slope, intercept = calibrated(cases, by_fold, fold_of)
    features = fitted(cases)
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    stored: dict[str, Any] = {
        "fitted_on": {"columns": len(cases), "sha256": source},
        "governed": features.pop("start.governed"),
        "lookalike": features.pop("start.lookalike"),
        "slope": slope,
        "intercept": intercept,
        "features": features,
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:12]
    STORE.write_text(json.dumps({"version": digest, **stored}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(cases)} columns, {len(features)} features, version {digest}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say which file: python -m bench.fit_classification COLUMNS.jsonl")
    main(sys.argv[1])
