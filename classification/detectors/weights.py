"""The fitted weights: what each feature is worth, how scores become calibrated confidence, and of which version they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from classification.detectors.evidence import Evidence
from classification.detectors.lexicon import lookalikes

SURPRISE = 0.02
"""How often the surest verdict is held to be wrong: sources elsewhere differ from the benchmark that calibrated it."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """`features` in log-odds by name. A governed category starts at `governed`, a look-alike at `lookalike`, nothing at 0.

    `slope` and `intercept` turn the log-odds of the best category into calibrated ones (Platt's scaling).
    """

    version: str
    features: Mapping[str, float]
    governed: float
    lookalike: float
    slope: float
    intercept: float

    def scores(self, evidence: Evidence) -> dict[str, float]:
        """The log-odds of each category with evidence, against nothing at all."""
        known = self.features
        looks = lookalikes()
        scored = {}
        for kind, features in evidence.items():
            total = self.lookalike if kind in looks else self.governed
            for feature in features:
                total += known.get(feature.name, 0.0) * feature.amount
            scored[kind] = total
        return scored

    def confidence(self, probability: float) -> float:
        """The calibrated confidence of a category that the softmax gives so much probability."""
        clipped = min(max(probability, 1e-6), 1 - 1e-6)
        return (1 - SURPRISE) / (1 + math.exp(-(self.slope * math.log(clipped / (1 - clipped)) + self.intercept)))


def probabilities(scores: Mapping[str, float]) -> dict[str, float]:
    """The softmax over the scored categories and nothing at all, whose score is 0 and whose part is not listed."""
    highest = max(0.0, *scores.values()) if scores else 0.0
    exp = math.exp
    raised = {kind: exp(score - highest) for kind, score in scores.items()}
    total = exp(-highest) + sum(raised.values())
    return {kind: value / total for kind, value in raised.items()}


@cache
def shipped_weights() -> Weights:
    """The weights that `bench/fit_classification.py` wrote."""
    stored = json.loads(files(__package__).joinpath("weights.json").read_text(encoding="utf-8"))
    return Weights(
        version=stored["version"],
        features=stored["features"],
        governed=stored["governed"],
        lookalike=stored["lookalike"],
        slope=stored["slope"],
        intercept=stored["intercept"],
    )
