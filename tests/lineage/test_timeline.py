"""Pictures of runs: where bars stand, how a tree is walked, and what of it is shown to whom. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.timeline import bars_of, gantt_of

NOW = dt.datetime(2026, 11, 1, 6, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Run:
    pk: UUID
    began_at: dt.datetime
    parent: UUID | None = None
    ended_at: dt.datetime | None = None
    due_at: dt.datetime | None = None
    shown_state: str = "completed"


def run(number: int, began: float, took: float | None, *, parent: int | None = None, due: float | None = None) -> Run:
    """A run that began so many minutes after `NOW` and took so many."""
    start = NOW + began * MINUTE
    return Run(
        UUID(int=number), start, None if parent is None else UUID(int=parent),
        None if took is None else start + took * MINUTE, None if due is None else NOW + due * MINUTE,
        "completed" if took is not None else "running",
    )  # fmt: skip


def gantt(*runs: Run, now: float = 0, hidden: tuple[int, ...] = (), unheard: bool = False):
    parents = {one.pk: one.parent for one in runs}
    root = next((pk for pk, parent in parents.items() if parent is None), UUID(int=1))
    parents[root] = None
    shown = {one.pk: one for one in runs if one.pk.int not in hidden}
    return gantt_of(parents, root, shown, NOW + now * MINUTE, unheard=unheard)


def test_bars_are_measured_by_the_longest_and_what_runs_reaches_until_now() -> None:
    bars = bars_of([run(1, -60, 10), run(2, -40, 20), run(3, -5, None)], NOW)
    assert [bar.height for bar in bars.bars] == [50, 100, 25]
    assert [bar.seconds for bar in bars.bars] == [600, 1200, 300]
    assert [mark.seconds for mark in bars.marks] == [0, 300, 600, 900, 1200]
    assert bars.states == {"completed": 2, "running": 1}
    assert all(bar.place >= 0 and bar.place + bar.width <= 100 for bar in bars.bars)


def test_runs_that_took_no_time_are_seen() -> None:
    assert [bar.height > 0 for bar in bars_of([run(1, 0, 0), run(2, 0, 0)], NOW).bars] == [True, True]


def test_children_stand_below_who_started_them_in_the_order_in_which_they_began() -> None:
    found = gantt(
        run(1, 0, 100),
        run(2, 50, 10, parent=1),
        run(3, 10, 30, parent=1),
        run(4, 20, 5, parent=3),
        run(5, 12, 5, parent=3),
    )
    assert [(row.id.int, row.level) for row in found.rows] == [(1, 0), (3, 1), (5, 2), (4, 2), (2, 1)]
    assert [(round(row.place), round(row.width)) for row in found.rows] == [
        (0, 100),
        (10, 30),
        (12, 5),
        (20, 5),
        (50, 10),
    ]
    assert found.began_at == NOW


def test_an_overdue_run_is_late_from_when_it_was_due() -> None:
    found = gantt(run(1, 0, None, due=60), run(2, 0, None, parent=1, due=200), now=100)
    assert [(row.width, row.late, row.late_place) for row in found.rows] == [(100, 40, 60), (100, 0, 100)]


def test_what_is_hidden_stands_there_only_above_what_is_seen() -> None:
    runs = (
        run(1, 0, 9),
        run(2, 0, 9, parent=1),
        run(3, 0, 9, parent=2),
        run(4, 0, 9, parent=1),
        run(5, 0, 9, parent=4),
    )
    rows = gantt(*runs, hidden=(2, 4, 5)).rows
    assert [(row.id.int, row.hidden, row.run is None) for row in rows] == [
        (1, False, False), (2, True, True), (3, False, False),
    ]  # fmt: skip


def test_a_root_that_no_event_tells_of_is_named() -> None:
    rows = gantt(run(2, 0, 9, parent=1), run(3, 5, 1, parent=1), unheard=True).rows
    assert [(row.id.int, row.run is None, row.hidden, row.level) for row in rows] == [
        (1, True, False, 0), (2, False, False, 1), (3, False, False, 1),
    ]  # fmt: skip


def test_a_tree_may_be_deeper_than_pythons_stack() -> None:
    chain = [run(number, number, 1, parent=number - 1 or None) for number in range(1, 3000)]
    assert [row.level for row in gantt(*chain).rows] == list(range(2999))


_MOMENTS = st.datetimes(timezones=st.just(dt.UTC))


@given(
    st.lists(
        st.tuples(_MOMENTS, st.none() | _MOMENTS, st.none() | _MOMENTS, st.integers(0, 30)), min_size=1, max_size=30
    )
)
def test_whatever_times_are_told_bars_stay_in_the_picture(told) -> None:
    runs = {
        UUID(int=number): Run(UUID(int=number), began, UUID(int=min(parent, number - 1)), ended, due)
        for number, (began, ended, due, parent) in enumerate(told, start=1)
    }
    parents = {UUID(int=0): None} | {pk: one.parent for pk, one in runs.items()}
    found = gantt_of(parents, UUID(int=0), runs, NOW, unheard=True)
    assert {row.id for row in found.rows} == set(parents)
    for row in found.rows:
        assert row.place >= 0 and row.place + row.width <= 100 + 1e-9
        assert 0 <= row.late <= row.width
    assert 1 <= len(found.marks) <= 6
    bars = bars_of(list(runs.values()), NOW)
    assert all(0 < bar.height <= 100 for bar in bars.bars) and 1 <= len(bars.marks) <= 6


@pytest.mark.parametrize(
    ("seconds", "marks"), [(0, 2), (0.4, 1), (7, 4), (3600, 5), (86_400 * 3, 4), (86_400 * 800, 3)]
)
def test_an_axis_has_a_handful_of_round_marks(seconds: float, marks: int) -> None:
    assert len(bars_of([run(1, 0, seconds / 60)], NOW).marks) == marks
