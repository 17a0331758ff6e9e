"""Classify the development benchmark: right, unseen, calibrated and fast.

The columns come from the file that CLASSIFICATION_BENCHMARK names, or from
../shared/benchmarks/classification/columns.jsonl, and are scored by the score.py beside it. "Unseen" is 5-fold by
table: each column is judged by weights fitted without its table or any other of that name. "Names never seen" are columns
whose names are made up of the dictionaries' words, each once, so that no cache helps; the other speeds go through the
benchmark's columns again and again, as names repeat in a warehouse. The columns in bench/columns/ were written later and
are fitted on by nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice, product
from pathlib import Path

from bench.fit_classification import FOLDS, calibrated, cases_of, fitted_without, folds_of, weights_of
from bench.harness import Direction, Figure
from bench.labelled_columns import COLUMNS, score
from classification.detectors import SHIPPED, ColumnSketch, TableSketch, Verdict, classify
from classification.detectors.classifying import classify_with
from classification.detectors.lexicon import shipped_lexicon
from classification.detectors.rows import prediction_of, read_rows, tables_of
from classification.detectors.ruling import ruling_of

_SUMMARY = re.compile(
    r"micro P=\S+ R=\S+ F1=(?P<micro>\S+) \| macro F1=(?P<macro>\S+) \| PII P=\S+ R=\S+ F1=(?P<personal>\S+)"
    r" \| level acc=\S+ under-classified=(?P<under>\S+) \| ECE=(?P<ece>\S+)"
)
_SECONDS = 1.0


def benchmark_file() -> Path:
    """Where the labelled columns are; exits with a sentence when they are not there."""
    beside = Path(__file__).parent.parent.parent / "shared" / "benchmarks" / "classification" / "columns.jsonl"
    file = Path(os.environ.get("CLASSIFICATION_BENCHMARK", beside))
    if not file.is_file():
        sys.exit(f"There are no labelled columns at {file}. Name the file in CLASSIFICATION_BENCHMARK.")
    return file


def run() -> list[Figure]:
    """The figures, as the benchmark's own scorer prints them."""
    file = benchmark_file()
    whole = scored(file, classify)
    cases = cases_of(file)
    fold_of = folds_of(cases)
    by_fold = [fitted_without(cases, fold, fold_of) for fold in range(FOLDS)]
    calibration = calibrated(cases, by_fold, fold_of)
    weights = [weights_of(features, calibration) for features in by_fold]
    ruling = ruling_of(SHIPPED)
    unseen = scored(file, lambda table: classify_with(table, weights[fold_of[table.name]], ruling))
    with file.open(encoding="utf-8") as lines:
        tables = [table for table, _ in tables_of(read_rows(lines))]
    bare = [
        TableSketch(table.name, tuple(ColumnSketch(column.name, column.type) for column in table.columns))
        for table in tables
    ]
    at_least, at_most = Direction.AT_LEAST, Direction.AT_MOST
    return [
        Figure("micro F1", "", whole["micro"], 0.95, at_least),
        Figure("macro F1", "", whole["macro"], 0.93, at_least),
        Figure("personal or not, F1", "", whole["personal"], 0.97, at_least),
        Figure("unseen tables: micro F1", "", unseen["micro"], 0.90, at_least),
        Figure("unseen tables: macro F1", "", unseen["macro"]),
        Figure("unseen tables: personal or not, F1", "", unseen["personal"]),
        Figure("given too low a level", "share", whole["under"], 0.02, at_most),
        Figure("unseen tables: given too low a level", "share", unseen["under"]),
        Figure("calibration error (ECE)", "", whole["ece"], 0.05, at_most),
        Figure("unseen tables: calibration error", "", unseen["ece"]),
        *(figure for file_of in sorted(COLUMNS.glob("*.txt")) for figure in _of_columns(file_of.stem)),
        Figure("with values, one core", "columns/s", columns_per_second(tables), 5_000, at_least),
        Figure("names only, one core", "columns/s", columns_per_second(bare), 50_000, at_least),
        Figure(
            "names never seen, one core", "columns/s", columns_per_second(new_tables(), once=True), 50_000, at_least
        ),
    ]


def _of_columns(name: str) -> list[Figure]:
    found = score(f"{name}.txt")
    said = f"{name.replace('_', ' ')} ({found.columns} columns)"
    return [
        Figure(f"{said}: micro F1", "", round(found.f1, 3)),
        Figure(f"{said}: personal or not, F1", "", round(found.personal, 3)),
        Figure(f"{said}: given too low a level", "share", round(found.too_low, 3)),
        Figure(f"{said}: calibration error", "", round(found.error, 3)),
    ]


def scored(file: Path, judge: Callable[[TableSketch], list[Verdict]]) -> dict[str, float]:
    """What the benchmark's scorer says of a judge's predictions."""
    with file.open(encoding="utf-8") as lines, tempfile.NamedTemporaryFile("w", suffix=".jsonl") as predictions:
        for table, rows in tables_of(read_rows(lines)):
            for row, verdict in zip(rows, judge(table), strict=True):
                predictions.write(json.dumps(prediction_of(row, verdict)) + "\n")
        predictions.flush()
        command = [sys.executable, str(file.with_name("score.py")), predictions.name, "--gold", str(file), "--brief"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = _SUMMARY.search(said)
    if found is None:
        raise ValueError(f"The scorer's summary is not as expected: {said!r}")
    return {name: float(value) for name, value in found.groupdict().items()}


def columns_per_second(tables: list[TableSketch], *, once: bool = False) -> float:
    """How many columns one process classifies in a second of its core, going through the tables for a second or once."""
    if not once:
        for table in tables:
            classify(table)
    columns = 0
    seconds = 0.0
    while True:
        began = time.process_time()
        for table in tables:
            columns += len(classify(table))
        seconds += time.process_time() - began
        if once or seconds >= _SECONDS:
            return columns / seconds


def new_tables() -> list[TableSketch]:
    """250 tables of 20 columns whose names no run has seen: two words of the dictionaries and a number each."""
    words = sorted(word for word in shipped_lexicon().vocabulary if word.isascii() and len(word) > 2)
    new_tables.seen += 1  # type: ignore[attr-defined]
    pairs = product(words[new_tables.seen :: 53], words[::37])  # type: ignore[attr-defined]
    names = [f"{first}_{second}" for first, second in islice(pairs, 5_000)]
    return [
        TableSketch(f"table_{start}", tuple(ColumnSketch(name, "varchar(100)") for name in names[start : start + 20]))
        for start in range(0, len(names), 20)
    ]


new_tables.seen = 0  # type: ignore[attr-defined]
