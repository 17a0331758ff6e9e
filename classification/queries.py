"""Reads of levels and labels for pages and REST."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Dataset
from classification.effective import STRONGEST_FIRST, Assertion, effective
from classification.models import Label, Level

USAGE_CAP = 10_000


def levels() -> list[Level]:
    """Every level, least sensitive first."""
    return list(Level.objects.order_by("rank"))


def levels_by_rank() -> dict[int, Level]:
    """The level of each rank that datasets and fields carry: `levels_by_rank().get(dataset.level)`."""
    return {level.rank: level for level in levels()}


def assertions_of(dataset_ids: Iterable[int]) -> list[Assertion]:
    """The labels that count now on these datasets and their fields, as values; one statement."""
    rows = (
        Label.objects.current()
        .counting()
        .of_datasets(dataset_ids)
        .values_list("dataset_id", "field_id", "level__rank", "origin", "field__gone_since", "state")
    )
    return [
        Assertion(dataset, field, rank, origin, gone is None, state == Label.State.INHERITED)
        for dataset, field, rank, origin, gone, state in rows
    ]


def history_of(dataset: Dataset, *, limit: int = 100) -> list[Label]:
    """The labels of a dataset and its fields, newest first, those that ended included; one statement."""
    return list(
        Label.objects.filter(dataset=dataset)
        .select_related("level", "category", "field", "author__user", "ended_by__user")
        .order_by("-id")[:limit]
    )


_FIRST_SHOWN = (Label.State.CONFIRMED, Label.State.INHERITED, Label.State.SUGGESTED)


def shown_labels(dataset: Dataset) -> dict[int, Label]:
    """By field id the label that says most of each: what was confirmed, else inherited, else suggested; one statement."""
    found: dict[int, Label] = {}
    labels = (
        Label.objects.current()
        .filter(dataset=dataset, field__isnull=False, state__in=_FIRST_SHOWN)
        .select_related("level", "category", "author__user", "rule_set")
        .order_by("pk")
    )
    for label in sorted(labels, key=_shown_first):
        found.setdefault(label.field_id or 0, label)
    return found


def _shown_first(label: Label) -> tuple[int, int]:
    return _FIRST_SHOWN.index(Label.State(label.state)), STRONGEST_FIRST.index(label.origin)


@dataclass(frozen=True, slots=True)
class Standing:
    """A dataset's effective level and why: the labels that make it, its own first."""

    level: Level | None
    because: Sequence[Label]

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each label that makes the level."""
        return tuple(
            f"{label.field or 'The dataset'} is {label.level}: {label.reason} ({label.author})"
            for label in self.because
        )


def standing_of(dataset: Dataset) -> Standing:
    """Which level a dataset has and which labels make it so; two statements."""
    level = Level.objects.filter(rank=dataset.level).first() if dataset.level else None
    if level is None:
        return Standing(None, ())
    because = (
        Label.objects.current()
        .counting()
        .filter(dataset=dataset, level=level, field__gone_since__isnull=True)
        .select_related("level", "field", "author__user")
        .order_by("field__position", "id")
    )
    return Standing(level, sorted(because, key=lambda label: label.field_id is not None))


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a level is used. Counts stop at `USAGE_CAP`."""

    datasets: int
    fields: int
    ended: int

    @property
    def is_unused(self) -> bool:
        return not (self.datasets or self.fields or self.ended)


def usage_of(level: Level) -> Usage:
    """What would be affected by a change to this level; three statements."""
    labels = Label.objects.filter(level=level)
    now = labels.filter(valid_to__isnull=True)
    return Usage(
        datasets=now.filter(field__isnull=True)[:USAGE_CAP].count(),
        fields=now.filter(field__isnull=False)[:USAGE_CAP].count(),
        ended=labels.filter(valid_to__isnull=False)[:USAGE_CAP].count(),
    )


def ranks_at(dataset: Dataset, at: dt.datetime) -> tuple[int, Mapping[int, int]]:
    """A dataset's effective rank at a past time (0: none), and those of its fields by id; one statement.

    Fields that are gone by now count as they did, for what they held was there.
    """
    rows = (
        Label.objects.counting()
        .at(at)
        .filter(dataset=dataset)
        .values_list("field_id", "level__rank", "origin", "state", "field__gone_since")
    )
    ranks = effective(
        Assertion(dataset.pk, field, rank, origin, gone is None or gone > at, state == Label.State.INHERITED)
        for field, rank, origin, state, gone in rows
    )
    return ranks.datasets.get(dataset.pk, 0), ranks.fields
