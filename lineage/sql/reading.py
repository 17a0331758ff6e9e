"""What one text's reading gathers on the way: tables and columns read, doubts, and the budget."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.snapshots import Path
from lineage.sql.flows import Budget
from lineage.sql.naming import Names
from lineage.sql.values import Doubt, TableRead, Unresolved

Gathered = dict[Path, set[str]]


class Reading:
    def __init__(self, names: Names, budget: Budget) -> None:
        self.names = names
        self.budget = budget
        self.reads: Gathered = {}
        """By the statement at hand."""
        self._unresolved: set[Unresolved] = set()

    def read(self, table: Path, *columns: str) -> None:
        self.reads.setdefault(table, set()).update(columns)

    def doubt(self, doubt: Doubt, name: str) -> None:
        self._unresolved.add(Unresolved(doubt, name))

    def unresolved(self) -> tuple[Unresolved, ...]:
        return tuple(sorted(self._unresolved, key=lambda each: (each.doubt, each.name)))


def as_reads(gathered: Gathered) -> tuple[TableRead, ...]:
    return tuple(TableRead(table, tuple(sorted(gathered[table]))) for table in sorted(gathered))


def joined(into: Gathered, *others: Iterable[tuple[Path, Iterable[str]]]) -> None:
    for other in others:
        for table, columns in other:
            into.setdefault(table, set()).update(columns)
