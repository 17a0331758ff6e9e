"""Where runs stand in pictures: bars of durations one beside the other, and a Gantt chart of a tree of runs. Pure.

Places and sizes are percentages of the picture's width or height.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    1_209_600, 2_592_000, 7_776_000, 31_536_000,
)  # fmt: skip
"""Seconds between the marks of an axis, as clocks and calendars have them."""
_MARKS = 5
"""At most so many beside the one at nothing."""
_LEAST = 0.4
"""What is shorter is still seen."""


class Timed(Protocol):
    """A run: when it began and ended, when it should have ended if it has not, and in what state it is shown."""

    @property
    def pk(self) -> UUID: ...
    @property
    def parent(self) -> UUID | None: ...
    @property
    def began_at(self) -> dt.datetime: ...
    @property
    def ended_at(self) -> dt.datetime | None: ...
    @property
    def due_at(self) -> dt.datetime | None: ...
    @property
    def shown_state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of an axis: so many seconds from its beginning."""

    place: float
    seconds: float

    @property
    def from_top(self) -> float:
        """Its place on an axis that goes up."""
        return 100 - self.place

    @property
    def anchor(self) -> Literal["start", "middle", "end"]:
        """Which end of its words stands at its place, so that they stay within the picture."""
        return "start" if self.place < 5 else "end" if self.place > 95 else "middle"


@dataclass(frozen=True, slots=True)
class Bar:
    """A run as a bar among others: `place` and `width` from the left, `height` from below; `seconds` until now where it
    has not ended."""

    run: Timed
    place: float
    width: float
    height: float
    seconds: float

    @property
    def from_top(self) -> float:
        return 100 - self.height


@dataclass(frozen=True, slots=True)
class Bars:
    """Durations of runs in the order given, and the axis they are measured by."""

    bars: Sequence[Bar]
    marks: Sequence[Mark]
    states: Mapping[str, int] = field(default_factory=dict)
    """How many runs are in each state."""


@dataclass(frozen=True, slots=True)
class Row:
    """A run of a tree: its depth below the root, and its bar on the common axis of time.

    `late` is the part of `width` after it should have ended. `run` is None where the reader may not see it, or where it
    was only named by the runs that it started; such a row has no bar.
    """

    id: UUID
    run: Timed | None
    level: int
    hidden: bool = False
    begins: float = 0
    seconds: float = 0
    place: float = 0
    width: float = 0
    late: float = 0

    @property
    def indent(self) -> int:
        """The level, as far as the page has room for it."""
        return min(self.level, 6)

    @property
    def late_place(self) -> float:
        return self.place + self.width - self.late


@dataclass(frozen=True, slots=True)
class Gantt:
    """Rows from the root down, children in the order in which they began; `began_at` is where the axis begins."""

    rows: Sequence[Row]
    marks: Sequence[Mark]
    began_at: dt.datetime | None


def bars_of(runs: Sequence[Timed], now: dt.datetime) -> Bars:
    """Durations of runs side by side; of one that has not ended, how long it has run."""
    lengths = [_seconds(run, now) for run in runs]
    marks, top = _axis(max(lengths, default=0))
    each = 100 / max(len(runs), 12)
    bars = [
        Bar(
            run,
            place=index * each,
            width=each * 0.72,
            height=min(100.0, max(_LEAST, 100 * length / top)),
            seconds=length,
        )
        for index, (run, length) in enumerate(zip(runs, lengths, strict=True))
    ]
    states: dict[str, int] = defaultdict(int)
    for run in runs:
        states[run.shown_state] += 1
    return Bars(bars, marks, dict(states))


def gantt_of(
    parents: Mapping[UUID, UUID | None], root: UUID, runs: Mapping[UUID, Timed], now: dt.datetime, unheard: bool = False
) -> Gantt:
    """The tree below `root`: `parents` names the run that started each, `runs` those that the reader sees.

    What is hidden stands in the tree only where something below it is seen. `unheard` says that the root was only named
    by those it started.
    """
    children: dict[UUID | None, list[UUID]] = defaultdict(list)
    for pk, parent in parents.items():
        if pk != root:
            children[parent].append(pk)
    order = list(_walk(root, children, runs))
    shown = [runs[pk] for pk, _ in order if pk in runs]
    if not shown:
        return Gantt([], [], None)
    began = min(run.began_at for run in shown)
    marks, top = _axis(max((run.began_at - began).total_seconds() + _seconds(run, now) for run in shown))
    rows = []
    for pk, level in order:
        run = runs.get(pk)
        if run is None:
            rows.append(Row(pk, None, level, hidden=not (unheard and pk == root)))
            continue
        begins, seconds = (run.began_at - began).total_seconds(), _seconds(run, now)
        width = min(100.0, max(_LEAST, 100 * seconds / top))
        late = 0.0
        if run.ended_at is None and run.due_at is not None and run.due_at < now:
            late = max(0.0, 100 * (now - max(run.due_at, run.began_at)).total_seconds() / top)
        # The last bar's least width stays inside the picture.
        place = min(100 * begins / top, 100 - width)
        rows.append(Row(pk, run, level, False, begins, seconds, place, width, min(late, width)))
    return Gantt(rows, marks, began)


def _walk(
    root: UUID, children: Mapping[UUID | None, Sequence[UUID]], runs: Mapping[UUID, Timed]
) -> Sequence[tuple[UUID, int]]:
    """Ids with their depths, parents before children; without a loop in Python's stack, since pipelines choose the depth."""
    order: list[tuple[UUID, int]] = []
    waiting = [(root, 0)]
    while waiting:
        pk, level = waiting.pop()
        order.append((pk, level))
        below = sorted(children.get(pk, ()), key=lambda pk: _rank(pk, runs), reverse=True)
        waiting += [(child, level + 1) for child in below]
    # From below: what comes next in this order and lies deeper is below a row.
    kept: list[tuple[UUID, int]] = []
    for pk, level in reversed(order):
        if pk in runs or (kept and kept[-1][1] > level):
            kept.append((pk, level))
    return kept[::-1]


def _rank(pk: UUID, runs: Mapping[UUID, Timed]) -> tuple[bool, dt.datetime | UUID, UUID]:
    run = runs.get(pk)
    return (True, pk, pk) if run is None else (False, run.began_at, pk)


def _seconds(run: Timed, now: dt.datetime) -> float:
    return max(0.0, ((run.ended_at or now) - run.began_at).total_seconds())


def _axis(longest: float) -> tuple[list[Mark], float]:
    """Marks from nothing to `longest` seconds, and how long the axis is."""
    top = longest or 1.0
    step = next((step for step in _STEPS if top / step <= _MARKS), 0) or _STEPS[-1] * math.ceil(
        top / _STEPS[-1] / _MARKS
    )
    marks = [Mark(100 * number * step / top, number * step) for number in range(int(top / step) + 1)]
    return marks, top
