"""Labels as CSV: what holds about columns, and how a changed file would change it. Pure but for the two functions that read.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, which is taken off on reading.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts.models import Principal
from catalog.models import Dataset, Field
from classification.models import Category, Label, Level

HEADER = ("namespace", "dataset", "column", "category", "level", "state", "confidence", "author", "since", "reason")
NEEDED = ("namespace", "dataset", "column", "category", "level")
MOST_LINES = 20_000
LARGEST = 10 * 1024 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet calculates."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unsafe(cell: str) -> str:
    """The text that `safe` made this cell of."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def exported(principal: Principal) -> Iterator[str]:
    """Lines of the labels that hold about columns whose metadata the principal reads, the header first."""
    yield _line(HEADER)
    labels = (
        Label.objects.current()
        .visible_to(principal)
        .filter(field__isnull=False, field__gone_since__isnull=True)
        .select_related("dataset", "field", "category", "level", "author__user")
        .order_by("dataset_id", "field__position", "pk")
    )
    for label in labels.iterator(chunk_size=2000):
        yield _line(
            (
                label.dataset.namespace,
                label.dataset.qualified_name,
                str(label.field),
                label.category.slug if label.category else "",
                label.level.slug,
                label.state,
                "" if label.confidence is None else f"{label.confidence:.2f}",
                label.author.name,
                label.valid_from.isoformat(timespec="seconds"),
                label.reason,
            )
        )


def _line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([safe(cell) for cell in cells])
    return written.getvalue()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of a file: this column shall have this category and level by a person's word."""

    line: int
    field: Field
    dataset: Dataset
    category: Category | None
    level: Level
    before: Label | None
    """The label that a person gave it, if any."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; line 0 is the file."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would change, and the lines that cannot be used. `same` lines change nothing."""

    changes: tuple[Wanted, ...]
    faults: tuple[Fault, ...]
    same: int


def planned(principal: Principal, content: bytes) -> Plan:
    """Read a file in the form of `exported`; only confirmed lines (or those without a state) are meant.

    Columns are found among those whose metadata the principal reads. A fixed number of statements.
    """
    rows, faults = _rows(content)
    datasets = {
        (one.namespace, one.qualified_name): one
        for one in Dataset.objects.standing()
        .visible_to(principal, 2)
        .filter(
            qualified_name__in={row["dataset"] for _, row in rows}, namespace__in={row["namespace"] for _, row in rows}
        )
    }
    ids = [one.pk for one in datasets.values()]
    fields = {(one.dataset_id, str(one)): one for one in Field.objects.filter(dataset__in=ids, gone_since__isnull=True)}
    people = Label.objects.current().confirmed().filter(dataset__in=ids, origin="person", field__isnull=False)
    known = {label.field_id: label for label in people.select_related("category", "level")}
    categories = {one.slug: one for one in Category.objects.all()}
    levels = {one.slug: one for one in Level.objects.all()}
    changes: dict[int, Wanted] = {}
    same = 0
    for number, row in rows:
        dataset = datasets.get((row["namespace"], row["dataset"]))
        field = fields.get((dataset.pk, row["column"])) if dataset else None
        text = _fault(row, dataset, field, categories, levels)
        if field is not None and field.pk in changes and not text:
            text = f"line {changes[field.pk].line} says something of the same column already"
        if text or dataset is None or field is None:
            faults.append(Fault(number, text))
            continue
        before = known.get(field.pk)
        category, level = categories.get(row["category"]), levels[row["level"]]
        if before is not None and (before.category, before.level) == (category, level):
            same += 1
            continue
        changes[field.pk] = Wanted(number, field, dataset, category, level, before)
    return Plan(tuple(changes.values()), tuple(faults), same)


def _fault(
    row: dict[str, str],
    dataset: Dataset | None,
    field: Field | None,
    categories: dict[str, Category],
    levels: dict[str, Level],
) -> str:
    if dataset is None:
        return f"no dataset {row['dataset']} in {row['namespace']}, or you may not see it"
    if field is None:
        return f"{row['dataset']} has no column {row['column']}"
    if row["category"] and row["category"] not in categories:
        return f"no category is called {row['category']}"
    if row["level"] not in levels:
        return f"no level is called {row['level']}" if row["level"] else "the level is missing"
    return ""


def _rows(content: bytes) -> tuple[list[tuple[int, dict[str, str]]], list[Fault]]:
    if len(content) > LARGEST:
        return [], [Fault(0, "The file is larger than 10 MB. Divide it.")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], [Fault(0, f"The file is not UTF-8: see byte {error.start}. Save it as CSV UTF-8.")]
    if "\x00" in text:
        return [], [Fault(0, "The file holds a null byte, so it is no CSV text.")]
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            return [], [Fault(1, f"The first line lacks {', '.join(missing)}.")]
        rows: list[tuple[int, dict[str, str]]] = []
        for row in reader:
            if len(rows) >= MOST_LINES:
                return [], [Fault(reader.line_num, f"There are more than {MOST_LINES} lines. Divide the file.")]
            read = {name: unsafe((row.get(name) or "").strip()) for name in (*NEEDED, "state")}
            if read["state"] in ("", "confirmed"):
                rows.append((reader.line_num, read))
    except csv.Error as error:
        return [], [Fault(reader.line_num, f"This cannot be read as CSV: {error}.")]
    return rows, []
