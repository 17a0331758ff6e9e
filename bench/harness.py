"""What benchmarks share: figures, their targets, the median of three, and the table."""

import datetime as dt
import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

RUNS = 3


class Direction(StrEnum):
    """Which side of the target is good."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `target` None means it is only reported."""

    name: str
    unit: str
    value: float
    target: float | None = None
    direction: Direction = Direction.AT_MOST

    @property
    def meets_target(self) -> bool:
        """Whether the value is on the good side of its target, or has none."""
        if self.target is None:
            return True
        return self.value <= self.target if self.direction is Direction.AT_MOST else self.value >= self.target


class Stopwatch:
    """Seconds of a block: `with stopwatch() as watch: ...`, then `watch.seconds`."""

    seconds: float = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measure a block by the wall clock."""
    watch = Stopwatch()
    began = time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - began


def median_of_runs(run: Callable[[], list[Figure]], runs: int = RUNS) -> list[Figure]:
    """Run so many times and give each figure its median; every run must report the same figures.

    What each run took and measured is told on the standard error as it ends: some take a quarter of an hour.
    """
    samples = []
    for number in range(1, runs + 1):
        with stopwatch() as watch:
            samples.append(run())
        measured = "; ".join(f"{figure.name} {figure.value:,.3g} {figure.unit}" for figure in samples[-1])
        print(f"run {number} of {runs}, {watch.seconds:.0f} s: {measured}", file=sys.stderr, flush=True)
    if any([figure.name for figure in sample] != [figure.name for figure in samples[0]] for sample in samples):
        raise ValueError("A benchmark must report the same figures, in the same order, in each run.")
    return [
        Figure(first.name, first.unit, statistics.median(f.value for f in same), first.target, first.direction)
        for first, same in zip(samples[0], zip(*samples, strict=True), strict=True)
    ]


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    processor = platform.processor()
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    return {
        "processor": processor,
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }


def _lines(path: Path) -> Iterable[str]:
    return path.read_text().splitlines() if path.exists() else ()


def main(name: str, *, as_json: bool, check: bool) -> int:
    """Run one benchmark and print its figures; with `check` the status is 1 when a target was missed."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    module = importlib.import_module(f"bench.{name}")
    figures = median_of_runs(module.run)
    if as_json:
        rows = [
            {"name": f.name, "unit": f.unit, "value": f.value, "target": f.target, "met": f.meets_target}
            for f in figures
        ]
        print(json.dumps({"benchmark": name, "runs": RUNS, "machine": machine(), "figures": rows}, indent=1))
    else:
        print_table(name, figures)
    return 1 if check and not all(figure.meets_target for figure in figures) else 0


def print_table(name: str, figures: Iterable[Figure]) -> None:
    """A table for people, with the machine below it."""
    table = Table(title=f"{name}: median of {RUNS}")
    for column in ("figure", "measured", "unit", "target", "met"):
        table.add_column(column, justify="right" if column in ("measured", "target") else "left")
    for figure in figures:
        target = "" if figure.target is None else f"{figure.direction} {figure.target:,g}"
        met = "" if figure.target is None else ("yes" if figure.meets_target else "[red]no[/red]")
        table.add_row(figure.name, f"{figure.value:,.3g}", figure.unit, target, met)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{key} {value}" for key, value in machine().items()))
