"""A rule set compiled: an administrator's phrases, patterns and checks as tests, and what people ruled out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from classification.detectors.categories import shipped_categories
from classification.detectors.checksums import check
from classification.detectors.evidence import NOTHING_OWN, Evidence, Own
from classification.detectors.lexicon import Meaning
from classification.detectors.patterns import Proof, Test
from classification.detectors.rules import CustomCategory, NegativeRule, Rules
from classification.detectors.sketches import Sensitivity
from classification.detectors.tokens import tokens_of

LARGEST_PATTERN_MEMORY = 256 * 1024
LONGEST_PATTERN = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What a rule set comes to."""

    rules: Rules
    own: Own
    negatives: tuple[tuple[NegativeRule, tuple[str, ...]], ...]

    def standing(self, kind: str) -> tuple[bool, Sensitivity]:
        """Whether a category is personal, and its level."""
        for category in self.rules.categories:
            if category.slug == kind:
                return category.personal, self.rules.levels.get(kind, category.level)
        shipped = shipped_categories()[kind]
        return shipped.personal, self.rules.levels.get(kind, shipped.level)

    def name_of(self, kind: str) -> str:
        """What people call a category."""
        shipped = shipped_categories().get(kind)
        return shipped.name if shipped else next((c.name for c in self.rules.categories if c.slug == kind), kind)

    def out(self, name: str, evidence: Evidence) -> tuple[str, ...]:
        """The categories of the evidence that are disabled, or that people ruled out for columns of the name."""
        if not self.rules.disabled and not self.negatives:
            return ()
        tokens = tokens_of(name)
        return tuple(
            kind
            for kind in evidence
            if kind in self.rules.disabled
            or any(rule.category == kind and _covers(rule, wanted, tokens) for rule, wanted in self.negatives)
        )


def _covers(rule: NegativeRule, wanted: tuple[str, ...], tokens: tuple[str, ...]) -> bool:
    if rule.whole or not wanted:
        return wanted == tokens and bool(wanted)
    size = len(wanted)
    return any(tokens[start : start + size] == wanted for start in range(len(tokens) - size + 1))


@lru_cache(maxsize=4)
def ruling_of(rules: Rules) -> Ruling:
    """The rule set compiled; patterns that cannot be compiled find nothing (`pattern_problem` says why beforehand)."""
    phrases: dict[str, tuple[Meaning, ...]] = {}
    tests: list[Test] = []
    for category in rules.categories:
        for phrase in _phrases(category):
            phrases[phrase] = (*phrases.get(phrase, ()), Meaning(category.slug, "strong"))
        tests.extend(_tests(category))
    own = Own(phrases, tuple(tests)) if phrases or tests else NOTHING_OWN
    return Ruling(rules, own, tuple((rule, tokens_of(rule.name)) for rule in rules.negatives))


def _phrases(category: CustomCategory) -> Iterable[str]:
    for name in category.names:
        if tokens := tokens_of(name):
            yield " ".join(tokens)
    for abbreviation in category.abbreviations:
        if tokens := tokens_of(abbreviation):
            yield " ".join(tokens)


def _tests(category: CustomCategory) -> Iterable[Test]:
    for pattern in category.patterns:
        matches = _compiled(pattern)
        if matches is not None:
            yield Test(category.slug, Proof.SHAPE, matches, f"match a pattern of {category.name}", closed=False)
    if category.check:
        yield Test(
            category.slug,
            Proof.CHECKSUM,
            check(category.check),
            f"add up by the check of {category.name}",
            compact=True,
        )


def pattern_problem(pattern: str) -> str:
    """Why an administrator's pattern cannot be used, as a sentence; "" when it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"The pattern has {len(pattern):,} characters; at most {LONGEST_PATTERN:,} are taken. Split it into several."
    try:
        _compile(pattern)
    except Exception as error:  # re2 raises its own error class, which is not imported until it is needed
        return f"The pattern cannot be used: {error}. Patterns are written in RE2's syntax, without back references."
    return ""


def _compiled(pattern: str) -> Callable[[str], bool] | None:
    return None if pattern_problem(pattern) else _compile(pattern)


def _compile(pattern: str) -> Callable[[str], bool]:
    import re2

    options = re2.Options()
    options.max_mem = LARGEST_PATTERN_MEMORY
    options.log_errors = False
    compiled = re2.compile(pattern, options)

    def matches(value: str) -> bool:
        # A lone surrogate cannot be written as UTF-8, in which RE2 reads.
        return compiled.fullmatch(value.encode("utf-8", "replace").decode("utf-8")) is not None

    return matches
