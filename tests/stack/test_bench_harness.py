"""How benchmarks are judged."""

from collections.abc import Callable

import pytest

from bench.harness import Direction, Figure, median_of_runs


def runs_giving(*samples: list[Figure]) -> Callable[[], list[Figure]]:
    """A benchmark that measures these, one sample a run."""
    coming = iter(samples)
    return lambda: next(coming)


def test_each_figure_is_the_median_of_its_own_runs() -> None:
    run = runs_giving(
        [Figure("crawl", "s", 9.0, 5.0), Figure("rate", "1/s", 10)],
        [Figure("crawl", "s", 1.0, 5.0), Figure("rate", "1/s", 30)],
        [Figure("crawl", "s", 2.0, 5.0), Figure("rate", "1/s", 20)],
    )
    assert [figure.value for figure in median_of_runs(run)] == [2.0, 20]


def test_runs_with_different_figures_are_refused() -> None:
    run = runs_giving([Figure("a", "s", 1)], [Figure("b", "s", 1)], [Figure("a", "s", 1)])
    with pytest.raises(ValueError, match="same figures"):
        median_of_runs(run)


@pytest.mark.parametrize(
    ("value", "direction", "met"),
    [(5.0, Direction.AT_MOST, True), (5.1, Direction.AT_MOST, False), (4.9, Direction.AT_LEAST, False)],
)
def test_a_target_is_met_on_its_good_side(value: float, direction: Direction, met: bool) -> None:
    assert Figure("x", "s", value, 5.0, direction).meets_target is met
