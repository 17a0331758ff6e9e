"""How an inherited label came to a field, hop by hop, and what else influences the field, as far as a reader may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from catalog.models import Field, Tier
from classification.models import Level
from classification.propagation import path_statements as statements
from classification.propagation.ground import rows
from classification.queries import levels_by_rank
from lineage.queries import datasets_among

if TYPE_CHECKING:
    from accounts.models import Principal


_HOW = {
    "identity": "copied",
    "transformation": "transformed",
    "aggregation": "aggregated",
    "masking": "masked",
    "indirect": "influenced",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A column on a path. Who may not know of its dataset sees neither; who may not read its metadata no column."""

    dataset_id: int | None = None
    dataset: str = ""
    column: str = ""
    field_id: int | None = None

    @property
    def is_hidden(self) -> bool:
        return self.dataset_id is None

    @property
    def name(self) -> str:
        """What to call it: `shop.users.email`, or a phrase for what may not be told."""
        if self.is_hidden:
            return "a column that you may not see"
        return f"{self.dataset}.{self.column}" if self.column else f"a column of {self.dataset}"


@dataclass(frozen=True, slots=True)
class Step:
    """What a job does with a column: its name, its latest run that did so, and how it makes the one from the other.

    `kind` is identity, transformation, aggregation, masking or indirect; `subtype` is as the producer says. Job and run
    are empty where neither end may be read, and the run also where none is known (a view, a declaration).
    """

    kind: str
    subtype: str = ""
    origin: str = ""
    job_id: int | None = None
    job: str = ""
    run_id: UUID | None = None
    run_state: str = ""
    run_at: dt.datetime | None = None

    @property
    def how(self) -> str:
        """In a word that says what was done with the column."""
        return _HOW[self.kind]


@dataclass(frozen=True, slots=True)
class Hop:
    """A label went over from one column to the next."""

    upstream: Place
    downstream: Place
    step: Step


@dataclass(frozen=True, slots=True)
class Influence:
    """A column that carries a label and does not pass it on here: it filters, joins or sorts, or a job masks it.

    `whole` says that it influences all rows of the dataset rather than this column. `level` is the upper column's.
    """

    upstream: Place
    level: Level | None
    whole: bool
    step: Step


@dataclass(frozen=True, slots=True)
class InheritedPath:
    """The hops from the source of an inherited label to the field, the first one first; none where nothing is inherited.

    `level` is the one that arrives.
    """

    field: Field
    level: Level | None
    aggregated: bool
    held: bool
    hops: Sequence[Hop]
    influences: Sequence[Influence]

    @property
    def source(self) -> Place | None:
        return self.hops[0].upstream if self.hops else None


class _HopRow(NamedTuple):
    cost: int
    rank: int
    upstream: int
    downstream: int
    upstream_name: str
    downstream_name: str
    upstream_field: int | None
    downstream_field: int | None
    kind: str
    subtype: str
    origin: str
    job_id: int
    job: str
    run_id: UUID | None
    run_state: str
    run_at: dt.datetime | None


class _InfluenceRow(NamedTuple):
    rank: int
    whole: bool
    upstream: int
    upstream_name: str
    upstream_field: int | None
    kind: str
    subtype: str
    origin: str
    job_id: int
    job: str
    run_id: UUID | None
    run_state: str
    run_at: dt.datetime | None


def inherited_path(principal: Principal, field: Field) -> InheritedPath:
    """How the label that this field inherits came to it, and what influences it besides; four statements.

    The field's dataset is one whose metadata the principal may read.
    """
    at = {"dataset": field.dataset_id, "column": ".".join(field.path)}
    told = [_HopRow._make(row) for row in rows(statements.HOPS, at)]
    influences = [_InfluenceRow._make(row) for row in rows(statements.INFLUENCES, at)]
    upstream = {row.upstream for row in told} | {row.upstream for row in influences}
    seen = _Seen(principal, field.dataset_id, upstream)
    levels = levels_by_rank()
    return InheritedPath(
        field=field,
        level=levels.get(told[-1].rank) if told else None,
        aggregated=any(row.kind == "aggregation" for row in told),
        held=any(row.kind == "masking" for row in told),
        hops=[
            Hop(
                seen.place(row.upstream, row.upstream_name, row.upstream_field),
                seen.place(row.downstream, row.downstream_name, row.downstream_field),
                seen.step(row, row.upstream, row.downstream),
            )
            for row in told
        ],
        influences=[
            Influence(
                seen.place(row.upstream, row.upstream_name, row.upstream_field), levels.get(row.rank), row.whole,
                seen.step(row, row.upstream, field.dataset_id),
            )
            for row in influences
        ],
    )  # fmt: skip


class _Seen:
    """What the principal may know of these datasets; one statement."""

    def __init__(self, principal: Principal, focus: int, dataset_ids: Iterable[int]) -> None:
        shown: Any = datasets_among({focus, *dataset_ids}).with_tier(principal).order_by()
        self._names: dict[int, str] = {}
        self._tiers: dict[int, int] = {focus: Tier.METADATA}
        for pk, name, tier in shown.values_list("pk", "qualified_name", "tier"):
            self._names[pk] = name
            self._tiers[pk] = max(tier, self._tiers.get(pk, 0))

    def place(self, dataset: int, column: str, field: int | None) -> Place:
        tier = self._tiers.get(dataset, 0)
        if tier < Tier.DISCOVER:
            return Place()
        if tier < Tier.METADATA:
            return Place(dataset, self._names[dataset])
        return Place(dataset, self._names[dataset], column, field)

    def step(self, row: _HopRow | _InfluenceRow, *ends: int) -> Step:
        """A job is told to whoever may read one of the ends of what it does, as lineage does."""
        if not any(self._tiers.get(end, 0) >= Tier.METADATA for end in ends):
            return Step(row.kind)
        return Step(
            row.kind, row.subtype, row.origin, row.job_id, row.job, row.run_id, row.run_state, row.run_at
        )  # fmt: skip
