"""What becomes of a column's suggestion when detectors judge it again. Pure: no Django.

People come first: where somebody decided, or rejected a category, detectors have nothing to say. And what rests on sampled
values is not taken back by a look at the name alone: values are not kept, so only the next sample can say otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

_OF_VALUES = frozenset({"values", "checksum"})


@dataclass(frozen=True, slots=True)
class Suggested:
    """A category and a level, by their ids, and why. `evidence` is a sequence of {kind, text, weight}."""

    category: int
    level: int
    confidence: float
    evidence: Sequence[Mapping[str, Any]] = ()
    rule_set: int | None = None

    @property
    def rests_on_values(self) -> bool:
        return any(one["kind"] in _OF_VALUES for one in self.evidence)

    def says_the_same_as(self, other: Suggested) -> bool:
        return (self.category, self.level) == (other.category, other.level)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds about a column: whether a person decided, what else is confirmed or rejected, what is suggested."""

    decided: bool = False
    confirmed: Collection[int | None] = ()
    rejected: Collection[int | None] = ()
    suggested: Suggested | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What detectors and rules say of a column: `found`, if anything, and the categories that are `ruled_out` there.

    `level_of` gives the level of each category that is looked for. Without `with_values` the name was all there was.
    """

    found: Suggested | None
    with_values: bool
    ruled_out: Collection[int] = ()
    level_of: Mapping[int, int] = field(default_factory=dict)


class Step(StrEnum):
    """What to do with a column's suggestion."""

    LEAVE = "leave"
    ADD = "add"
    REFRESH = "refresh"
    CHANGE = "change"
    WITHDRAW = "withdraw"


def next_step(standing: Standing, verdicts: Verdicts) -> tuple[Step, Suggested | None]:
    """What to do, and what is suggested afterwards. Asked again with that, there is nothing more to do."""
    if standing.decided:
        return (Step.WITHDRAW if standing.suggested else Step.LEAVE), None
    refused = {*standing.confirmed, *standing.rejected, *verdicts.ruled_out}
    found, known = verdicts.found, standing.suggested
    if found is not None and found.category in refused:
        found = None
    if known is None:
        return (Step.ADD, found) if found else (Step.LEAVE, None)
    if not verdicts.with_values and known.rests_on_values:
        still = known.category in verdicts.level_of and known.category not in refused
        rule_set = found.rule_set if found else known.rule_set
        found = replace(known, level=verdicts.level_of[known.category], rule_set=rule_set) if still else found
    if found is None:
        return Step.WITHDRAW, None
    if not found.says_the_same_as(known):
        return Step.CHANGE, found
    return (Step.LEAVE if found == known else Step.REFRESH), found
