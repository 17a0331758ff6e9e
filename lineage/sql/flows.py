"""Flows: from which columns a value comes, and how. The algebra under column lineage; pure, with a budget."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lineage.sql.values import FieldInput, FieldName, Kind, Subtype, Transformation

Flow = Mapping[FieldName, frozenset[Transformation]]
"""Read-only once made: relations share them."""

NOTHING: Flow = {}


def direct(subtype: Subtype, *, masking: bool = False) -> Transformation:
    return Transformation(Kind.DIRECT, subtype, masking)


def indirect(subtype: Subtype) -> Transformation:
    return Transformation(Kind.INDIRECT, subtype)


AS_IS = direct(Subtype.IDENTITY)
CHANGED = direct(Subtype.TRANSFORMATION)
_STRENGTH = {Subtype.IDENTITY: 0, Subtype.TRANSFORMATION: 1, Subtype.AGGREGATION: 2}


class TooMuch(Exception):
    """The budget is spent."""


class Budget:
    """Bounds the work on one text, so that a query made to explode does not; a count of flow entries, not a clock."""

    def __init__(self, entries: int) -> None:
        self._left = entries

    def spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise TooMuch


@lru_cache(maxsize=4096)
def after(outer: Transformation, inner: Transformation) -> Transformation:
    """`inner`, then `outer`: the one nearest to the output that is indirect, else the stronger; masked if either is.

    As OpenLineage's own client for Spark merges them (TransformationInfo.merge).
    """
    if outer.kind is Kind.INDIRECT or (
        inner.kind is Kind.DIRECT and _STRENGTH[outer.subtype] >= _STRENGTH[inner.subtype]
    ):
        kept = outer
    else:
        kept = inner
    return kept._replace(masking=outer.masking or inner.masking)


@lru_cache(maxsize=4096)
def _all_after(outer: Transformation, inner: frozenset[Transformation]) -> frozenset[Transformation]:
    return frozenset(after(outer, each) for each in inner)


class Mixture:
    """A flow in the making."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._entries: dict[FieldName, frozenset[Transformation]] = {}

    def add(self, flow: Flow, through: Transformation = AS_IS) -> None:
        self._budget.spend(len(flow) + 1)
        entries = self._entries
        for field, transformations in flow.items():
            if through is not AS_IS:
                transformations = _all_after(through, transformations)
            known = entries.get(field)
            entries[field] = transformations if known is None else known | transformations

    def flow(self) -> Flow:
        return self._entries


def as_inputs(flow: Flow) -> tuple[FieldInput, ...]:
    """The flow as sorted values."""
    return tuple(FieldInput(field.table, field.column, tuple(sorted(flow[field]))) for field in sorted(flow))
