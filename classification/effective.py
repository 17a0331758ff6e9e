"""Which level counts. Pure: no Django.

Of several confirmed labels on the same thing the one of the strongest origin counts. What a field inherits raises it
beyond that, unless a person said something of it: then that counts alone. A dataset is as sensitive as the most sensitive of
its fields, unless its own label is higher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

STRONGEST_FIRST = ("person", "code", "pipeline", "crawl")


class Assertion(NamedTuple):
    """One confirmed or inherited label as it holds now. `field_id` is None for a label on the dataset itself.

    `standing` is false for a field that is gone: it keeps its label and raises its dataset no more.
    """

    dataset_id: int
    field_id: int | None
    rank: int
    origin: str
    standing: bool = True
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class Effective:
    """Ranks by id; a dataset or field that is absent has no level."""

    datasets: Mapping[int, int]
    fields: Mapping[int, int]
    own: Mapping[int, int]
    """The dataset's own label where it has one."""


def effective(assertions: Iterable[Assertion]) -> Effective:
    """The effective ranks that these assertions make."""
    counting: dict[tuple[int, int | None], Assertion] = {}
    for assertion in sorted(assertions, key=_strength):
        key = (assertion.dataset_id, assertion.field_id)
        known = counting.get(key)
        if known is None or (assertion.inherited and known.origin != "person" and assertion.rank > known.rank):
            counting[key] = assertion
    datasets: dict[int, int] = defaultdict(int)
    fields: dict[int, int] = {}
    own: dict[int, int] = {}
    for assertion in counting.values():
        if assertion.field_id is None:
            own[assertion.dataset_id] = assertion.rank
        else:
            fields[assertion.field_id] = assertion.rank
        if assertion.standing:
            datasets[assertion.dataset_id] = max(datasets[assertion.dataset_id], assertion.rank)
    return Effective(dict(datasets), fields, own)


def _strength(assertion: Assertion) -> tuple[bool, int]:
    """Sorts confirmed labels first, those of the strongest origin before the others."""
    return assertion.inherited, STRONGEST_FIRST.index(assertion.origin)
