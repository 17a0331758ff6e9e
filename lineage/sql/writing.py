"""What a text writes: its outputs, and the tables that it makes on the way and reads again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from catalog.snapshots import Path
from lineage.sql.flows import AS_IS, Mixture, as_inputs
from lineage.sql.reading import Gathered, Reading, as_reads, joined
from lineage.sql.relations import Column, Relation, Scope
from lineage.sql.values import Doubt, FieldLineage, FieldName, Written


@dataclass(slots=True)
class _Output:
    """A table that is written, perhaps by several statements."""

    columns: dict[str, tuple[str, Mixture]] = field(default_factory=dict)
    influences: Mixture | None = None
    reads: Gathered = field(default_factory=dict)


class Tables:
    """The tables that the statements of one text write."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._outputs: dict[Path, _Output] = {}
        self._temporary: dict[Path, Relation] = {}
        self._made: dict[Path, list[str]] = {}
        """Columns of the tables that the text itself creates, so that a later statement knows them."""

    def written(self) -> tuple[Written, ...]:
        outputs = []
        for table, output in sorted(self._outputs.items()):
            columns = tuple(FieldLineage(name, as_inputs(mixture.flow())) for name, mixture in output.columns.values())
            influences = as_inputs(output.influences.flow()) if output.influences is not None else ()
            outputs.append(Written(table, as_reads(output.reads), columns, influences))
        return tuple(outputs)

    def path(self, table: exp.Expr) -> Path:
        named = table.this if isinstance(table, exp.Schema) else table
        return self._reading.names.path(named)[0] if isinstance(named, exp.Table) else ()

    def made_here(self, table: exp.Table) -> Relation | None:
        """A temporary table, through which lineage leads, or a table of which this text has told the columns."""
        path = self.path(table)
        found = self._temporary.get(self._reading.names.same_table(path))
        if found is not None:
            return found
        made = self._made.get(path)
        if made is None or self._reading.names.tables.columns(path):
            return None
        columns = [Column(name, {FieldName(path, name): frozenset({AS_IS})}, FieldName(path, name)) for name in made]
        return Relation(columns, reads={path: ()})

    def columns(self, path: Path) -> Sequence[str]:
        temporary = self._temporary.get(self._reading.names.same_table(path))
        if temporary is not None:
            return [column.name for column in temporary.columns]
        return self._reading.names.tables.columns(path) or self._made.get(path, ())

    def write(self, path: Path, columns: Iterable[Column], scope: Scope) -> None:
        """Note that the statement at hand gives these columns to a table, under the influences of a scope."""
        if not path:
            return
        reading, names = self._reading, self._reading.names
        temporary = self._temporary.get(names.same_table(path))
        if temporary is not None:
            self._temporary[names.same_table(path)] = self._grown(temporary, columns, scope)
            return
        output = self._outputs.setdefault(path, _Output())
        for column in columns:
            key = names.key(column.name)
            _, mixture = output.columns.setdefault(key, (column.name, Mixture(reading.budget)))
            mixture.add(column.flow)
        output.influences = output.influences or Mixture(reading.budget)
        output.influences.add(scope.influences.flow())
        joined(output.reads, reading.reads.items())

    def _grown(self, relation: Relation, columns: Iterable[Column], scope: Scope) -> Relation:
        names, budget = self._reading.names, self._reading.budget
        mixtures = {names.key(column.name): (column.name, Mixture(budget)) for column in relation.columns}
        for column in (*relation.columns, *columns):
            mixtures.setdefault(names.key(column.name), (column.name, Mixture(budget)))[1].add(column.flow)
        influences = Mixture(budget)
        influences.add(relation.influences)
        influences.add(scope.influences.flow())
        reads: Gathered = {}
        joined(reads, relation.reads.items(), self._reading.reads.items())
        grown = [Column(name, mixture.flow()) for name, mixture in mixtures.values()]
        return Relation(grown, influences.flow(), relation.rest, reads)

    def named(self, path: Path, listed: Sequence[str], relation: Relation) -> list[Column]:
        """The relation's columns as the table's: those listed, else the table's own in order, else by their own names."""
        known = listed or self.columns(path)
        if known and relation.rest is None:
            return [Column(name, column.flow) for name, column in zip(known, relation.columns, strict=False)]
        if not known and path and relation.columns:
            self._reading.doubt(Doubt.TARGET_COLUMNS, ".".join(path))
        return self.by_name(path, relation.columns)

    def by_name(self, path: Path, columns: Iterable[Column]) -> list[Column]:
        names = self._reading.names
        known = {names.key(name): name for name in self.columns(path)}
        return [Column(known.get(names.key(column.name), column.name), column.flow) for column in columns]

    def listed(self, target: exp.Expr | None) -> list[str]:
        """The column names of `t (a, b)`."""
        if not isinstance(target, (exp.Schema, exp.Tuple)):
            return []
        names = self._reading.names
        found = (each.this if isinstance(each, (exp.Column, exp.ColumnDef)) else each for each in target.expressions)
        return [names.column(each) for each in found if isinstance(each, exp.Identifier)]

    def exact(self, path: Path, listed: Sequence[str]) -> list[str]:
        names = self._reading.names
        known = {names.key(name): name for name in self.columns(path)}
        return [known.get(names.key(name), name) for name in listed]

    def new_table(
        self, table: exp.Expr, temporary: bool, listed: Sequence[str], relation: Relation, scope: Scope
    ) -> None:
        path = self.path(table)
        columns = [
            Column(listed[position] if position < len(listed) else column.name, column.flow)
            for position, column in enumerate(relation.columns)
        ]
        identifier = table.this.this if isinstance(table, exp.Schema) else table.this
        if temporary or identifier.args.get("temporary") or identifier.name.startswith("#"):
            reads: Gathered = {}
            joined(reads, self._reading.reads.items())
            made = Relation(columns, scope.influences.flow(), relation.rest, reads)
            self._temporary[self._reading.names.same_table(path)] = made
        else:
            columns = self.by_name(path, columns)
            if relation.rest is None:
                self._made[path] = [column.name for column in columns]
            self.write(path, columns, scope)
