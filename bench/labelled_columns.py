"""Columns that somebody wrote down with their categories, and how well the detectors do on them.

The files in `bench/columns/` hold a column a line: table | column | type | category | values, if any, separated by ";". A
category of "-" is none, one with "!" after it is that of a machine, so Internal and not personal. Nothing is fitted on
them. Each was written down before the detectors ran on it; what that first run gave stands in docs/classification.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from classification.detectors import ColumnSketch, Sensitivity, TableSketch, Verdict, classify, shipped_categories

COLUMNS = Path(__file__).parent / "columns"
_RANKS = {level: rank for rank, level in enumerate(Sensitivity)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a column should be called: a category or None, whether it is personal, and the level."""

    category: str | None
    personal: bool
    level: Sensitivity


@dataclass(frozen=True, slots=True)
class Score:
    """How well columns were called. The shares are between 0 and 1; `error` is the expected calibration error."""

    columns: int
    precision: float
    recall: float
    personal: float
    too_low: float
    error: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall over governed categories."""
        return _f1(self.precision, self.recall)


def labelled(name: str) -> Iterator[tuple[TableSketch, list[Wanted]]]:
    """The tables of a file, each with what its columns should be called."""
    rows = []
    for line in (COLUMNS / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            table, column, native, category, values = (part.strip() for part in line.split("|", 4))
            sketch = ColumnSketch(column, native, values=values.split(";") if values else None)
            rows.append((table, sketch, _wanted(category)))
    for table, together in groupby(rows, key=lambda row: row[0]):
        columns = list(together)
        yield TableSketch(table, tuple(sketch for _, sketch, _ in columns)), [wanted for _, _, wanted in columns]


def _wanted(category: str) -> Wanted:
    slug = category.rstrip("!")
    if slug == "-":
        return Wanted(None, False, Sensitivity.INTERNAL)
    if slug != category:
        return Wanted(slug, False, Sensitivity.INTERNAL)
    shipped = shipped_categories()[slug]
    return Wanted(slug, shipped.personal, shipped.level)


def score(name: str) -> Score:
    """How well the detectors call the columns of a file. A level of Public instead of Internal is no level too low."""
    judged = [pair for table, wanted in labelled(name) for pair in zip(classify(table), wanted, strict=True)]
    right = sum(verdict.category is not None and verdict.category == wanted.category for verdict, wanted in judged)
    called = sum(verdict.category is not None for verdict, _ in judged)
    governed = sum(wanted.category is not None for _, wanted in judged)
    both = sum(verdict.personal and wanted.personal for verdict, wanted in judged)
    personal = _f1(
        both / max(1, sum(verdict.personal for verdict, _ in judged)),
        both / max(1, sum(wanted.personal for _, wanted in judged)),
    )
    too_low = sum(
        wanted.level is not Sensitivity.INTERNAL and _RANKS[verdict.level] < _RANKS[wanted.level]
        for verdict, wanted in judged
    )
    return Score(
        len(judged), right / max(1, called), right / max(1, governed), personal, too_low / len(judged), _error(judged)
    )


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _error(judged: list[tuple[Verdict, Wanted]]) -> float:
    """In ten bins of confidence, how far it is from the share that was right, weighed by how many are in the bin."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for verdict, wanted in judged:
        if verdict.category is not None:
            right = verdict.category == wanted.category
            bins.setdefault(min(9, int(verdict.confidence * 10)), []).append((verdict.confidence, right))
    called = sum(map(len, bins.values()))
    apart = sum(abs(sum(sure for sure, _ in points) - sum(right for _, right in points)) for points in bins.values())
    return apart / called if called else 0.0
