"""A rule set compiled: an administrator's phrases, patterns and checks as tests, and what people ruled out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from classification.detectors.checksums import check
from classification.detectors.evidence import Evidence
from classification.detectors.lexicon import Meaning
from classification.detectors.own import NOTHING_OWN, Own
from classification.detectors.patterns import Proof, Test
from classification.detectors.rules import CustomCategory, NegativeRule, Rules
from classification.detectors.sketches import Sensitivity
from classification.detectors.tokens import tokens_of

LARGEST_PATTERN_MEMORY = 256 * 1024
LONGEST_PATTERN = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What a rule set comes to."""

    own: Own
    disabled: frozenset[str]
    negatives: tuple[tuple[NegativeRule, tuple[str, ...]], ...]

    def out(self, name: str, evidence: Evidence) -> tuple[str, ...]:
        """The categories of the evidence that are disabled, or that people ruled out for columns of the name."""
        if not evidence or not (self.disabled or self.negatives):
            return ()
        tokens = tokens_of(name)
        return tuple(
            kind
            for kind in evidence
            if kind in self.disabled
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
    own = _own(rules.categories, frozenset(rules.levels.items()))
    return Ruling(own, rules.disabled, tuple((rule, tokens_of(rule.name)) for rule in rules.negatives))


# What is ruled out differs from table to table; what is added does not, and patterns take a while to compile.
@lru_cache(maxsize=4)
def _own(categories: tuple[CustomCategory, ...], levels: frozenset[tuple[str, Sensitivity]]) -> Own:
    if not categories and not levels:
        return NOTHING_OWN
    phrases: dict[str, tuple[Meaning, ...]] = {}
    tests: list[Test] = []
    for category in categories:
        for phrase in _phrases(category):
            phrases[phrase] = (*phrases.get(phrase, ()), Meaning(category.slug, "strong"))
        tests.extend(_tests(category))
    return Own(phrases, tuple(tests), {category.slug: category for category in categories}, dict(levels))


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
