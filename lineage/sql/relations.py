"""What a FROM clause offers to a query's expressions: rows of columns, the tables they stand in, and who sees whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp

from catalog.snapshots import Path
from lineage.sql.flows import Budget, Flow, Mixture
from lineage.sql.naming import Names
from lineage.sql.values import FieldName

Reads = Mapping[Path, Iterable[str]]


class Column(NamedTuple):
    """A column of a relation. `origin` is set for a table's own: to name it is to read it."""

    name: str
    flow: Flow
    origin: FieldName | None = None


Rest = Callable[[str], Column]
"""The column of a name in a relation of which not all columns are known."""


@dataclass(slots=True)
class Relation:
    """The result of a query, or a table: its columns in order, and what influences all of its rows.

    `rest` answers for columns that are not among `columns`, where those of a table are not known.
    """

    columns: Sequence[Column]
    influences: Flow = field(default_factory=dict)
    rest: Rest | None = None
    reads: Reads = field(default_factory=dict)
    """What was read to make it, for a temporary table that is read after its statement."""
    _index: dict[str, Column] | None = None

    def find(self, names: Names, key: str, name: str) -> Column | None:
        if self._index is None:
            self._index = {}
            for column in self.columns:
                self._index.setdefault(names.key(column.name), column)
        found = self._index.get(key)
        return self.rest(name) if found is None and self.rest is not None else found


class Source(NamedTuple):
    """A relation under the name that a query gives it: (alias,), or the keys of its path's parts."""

    name: Path
    relation: Relation
    path: Path | None = None
    """Of a table; None for a subquery."""


class Scope:
    """The sources of one query level, their columns as a row, and the enclosing level."""

    def __init__(self, names: Names, budget: Budget, parent: Scope | None = None) -> None:
        self.names = names
        self.parent = parent
        self.tables: dict[str, Relation] = parent.tables if parent is not None else {}
        """Common table expressions in sight, by key; replaced, never changed."""
        self.sources: list[Source] = []
        self.row: list[Column] = []
        self.open: list[Relation] = []
        """Sources of which not all columns are known."""
        self.aliases: dict[str, Flow] = {}
        """Of the query's own projections, for clauses that may refer to them."""
        self.windows: dict[str, exp.Expr] = {}
        self.influences = Mixture(budget)
        self._budget = budget
        self._by_key: dict[str, list[Column]] = {}

    def inner(self) -> Scope:
        """A level that sees this one."""
        return Scope(self.names, self._budget, self)

    def with_table(self, key: str, relation: Relation) -> None:
        self.tables = {**self.tables, key: relation}

    def add(self, source: Source, *, visible: bool = True) -> None:
        self.sources.append(source)
        self.influences.add(source.relation.influences)
        if visible:
            self._show(source.relation.columns)
            if source.relation.rest is not None:
                self.open.append(source.relation)

    def absorb(self, other: Scope, *, visible: bool = True) -> None:
        """Take over the sources of a scope beside this one."""
        self.sources.extend(other.sources)
        self.influences.add(other.influences.flow())
        if visible:
            self._show(other.row)
            self.open.extend(other.open)

    def replace_row(self, row: Iterable[Column]) -> None:
        self.row, self._by_key = [], {}
        self._show(row)

    def _show(self, columns: Iterable[Column]) -> None:
        shown = tuple(columns)
        self._budget.spend(len(shown))
        self.row.extend(shown)
        for column in shown:
            self._by_key.setdefault(self.names.key(column.name), []).append(column)

    def in_row(self, key: str) -> Sequence[Column]:
        """The columns that the bare name may mean."""
        return self._by_key.get(key, ())

    def source(self, qualifier: Path) -> Source | None:
        """The source that `schema.table` or `alias` names, given as keys."""
        length = len(qualifier)
        return next((source for source in self.sources if source.name[-length:] == qualifier), None)

    def levels(self) -> Iterable[Scope]:
        level: Scope | None = self
        while level is not None:
            yield level
            level = level.parent
