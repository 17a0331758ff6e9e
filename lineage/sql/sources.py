"""The FROM clause: tables, subqueries, functions and joins as sources of a scope."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from catalog.snapshots import Path
from lineage.sql.expressions import CONDITIONAL, Expressions
from lineage.sql.flows import AS_IS, CHANGED, NOTHING, Mixture, direct, indirect
from lineage.sql.reading import Reading
from lineage.sql.relations import Column, Relation, Scope, Source
from lineage.sql.values import Doubt, FieldName, Subtype

JOIN = indirect(Subtype.JOIN)
AGGREGATED = direct(Subtype.AGGREGATION)
_ITSELF = frozenset({AS_IS})


class Sources:
    """Reads FROM clauses; `query` reads a subquery, `temporary` gives a table that the text made for itself."""

    def __init__(
        self,
        reading: Reading,
        expressions: Expressions,
        query: Callable[[exp.Expr, Scope], Relation],
        temporary: Callable[[exp.Table], Relation | None],
    ) -> None:
        self._reading = reading
        self._expressions = expressions
        self._query = query
        self._temporary = temporary

    def add_clauses(self, query: exp.Expr, scope: Scope) -> None:
        """FROM, JOIN and LATERAL VIEW of a SELECT, in their order."""
        from_ = query.args.get("from_")
        if from_ is not None:
            self.add(from_.this, scope)
        for lateral in query.args.get("laterals") or ():
            self.add(lateral, scope)
        for join in query.args.get("joins") or ():
            self.join(join, scope)

    def add(self, node: exp.Expr, scope: Scope) -> None:
        """One item of a FROM clause, with the joins that hang on it."""
        scope.absorb(self._item(node, scope))
        if not isinstance(node, exp.Select):
            for lateral in node.args.get("laterals") or ():
                self.add(lateral, scope)
            if not _is_parenthesis(node):
                for join in node.args.get("joins") or ():
                    self.join(join, scope)

    def _item(self, node: exp.Expr, scope: Scope) -> Scope:
        part = scope.inner()
        if _is_parenthesis(node):
            # (a JOIN b ON …) is no query of its own: its tables keep their names, unless it is given one.
            self.add(node.this, part)
            for join in node.args.get("joins") or ():
                self.join(join, part)
            if node.args.get("alias") is None:
                return part
            whole = scope.inner()
            self._add_relation(node, Relation(part.row, part.influences.flow(), _only_rest(part)), whole)
            return whole
        self._add_relation(node, self._relation(node, scope), part)
        return part

    def _add_relation(self, node: exp.Expr, relation: Relation, part: Scope) -> None:
        alias = node.args.get("alias")
        names = part.names
        path: Path | None = None
        for pivot in node.args.get("pivots") or ():
            relation = self._pivoted(pivot, relation, part)
            alias = pivot.args.get("alias") or alias
        relation = self.renamed(relation, alias)
        named = alias.this if isinstance(alias, exp.TableAlias) else alias
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Func) and node.this is not None:
            path = self._reading.names.path(node)[0] if not self._is_common(node, part) else None
        if isinstance(named, exp.Identifier):
            name: Path = (names.key_of(named),)
        elif path is not None:
            name = tuple(names.key(each) for each in path)
        else:
            name = (names.key_of(node.this) if isinstance(node.this, exp.Identifier) else "",)
        part.add(Source(name, relation, path))

    def _is_common(self, table: exp.Table, scope: Scope) -> bool:
        unqualified = table.args.get("db") is None and isinstance(table.this, exp.Identifier)
        return unqualified and scope.names.key_of(table.this) in scope.tables

    def _relation(self, node: exp.Expr, scope: Scope) -> Relation:
        if isinstance(node, exp.Table):
            if isinstance(node.this, (exp.Identifier, exp.Dot)):
                return self._table(node, scope)
            return self._function([node.this, *(node.args.get("rows_from") or ())], node, scope)
        if isinstance(node, exp.Lateral):
            if isinstance(node.this, exp.Query):
                return self._query(node.this, scope)
            return self._function([node.this], node, scope)
        if isinstance(node, exp.Unnest):
            return self._function(node.expressions, node, scope)
        if isinstance(node, exp.Values):
            return self._query(node, scope)
        if isinstance(node, exp.Query):
            # Its siblings are out of its sight; what encloses the whole query is not.
            return self._query(node.this if isinstance(node, exp.Subquery) else node, _beside(scope))
        return self._function([node], node, scope)

    def _table(self, table: exp.Table, scope: Scope) -> Relation:
        names = scope.names
        if self._is_common(table, scope):
            return scope.tables[names.key_of(table.this)]
        made = self._temporary(table)
        if made is not None:
            for path, columns in made.reads.items():
                self._reading.read(path, *columns)
            return made
        return self.table(table)

    def table(self, table: exp.Table) -> Relation:
        """A table of the database, known or not; it counts as read from here on."""
        path, known = self._reading.names.path(table)
        self._reading.read(path)
        columns = self._reading.names.tables.columns(path) if known else ()
        if columns:
            return Relation(
                [Column(column, {(field := FieldName(path, column)): _ITSELF}, field) for column in columns]
            )
        self._reading.doubt(Doubt.UNKNOWN_TABLE, ".".join(path))

        def rest(name: str) -> Column:
            field = FieldName(path, name)
            return Column(name, {field: _ITSELF}, field)

        return Relation([], rest=rest)

    def _function(self, arguments: list[exp.Expr | None], node: exp.Expr, scope: Scope) -> Relation:
        """A function's rows: every column comes from all of its arguments."""
        mixture = Mixture(self._reading.budget)
        for argument in arguments:
            if isinstance(argument, exp.Table):
                self._expressions.add(mixture, argument.this, scope, CHANGED)
            elif argument is not None:
                self._expressions.add(mixture, argument, scope, CHANGED)
        flow = mixture.flow()
        alias = node.args.get("alias")
        named = [] if not isinstance(alias, exp.TableAlias) else alias.args.get("columns") or []
        offset = node.args.get("offset")
        columns = [Column(scope.names.column(_name(each)), flow) for each in named]
        if isinstance(offset, exp.Identifier):
            columns.append(Column(scope.names.column(offset), NOTHING))
        if isinstance(alias, exp.TableAlias) and isinstance(alias.this, exp.Identifier) and not named:
            # FROM unnest(t.tags) AS tag: the alias names the one column as well.
            columns.append(Column(scope.names.column(alias.this), flow))
            return Relation(columns, rest=lambda name: Column(name, flow))
        return Relation(columns, rest=None if named else lambda name: Column(name, flow))

    def renamed(self, relation: Relation, alias: exp.Expr | None) -> Relation:
        """With the column names that an alias gives: AS v(a, b)."""
        columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
        if not columns:
            return relation
        stored = [self._reading.names.column(_name(each)) for each in columns]
        renamed = [
            Column(stored[position] if position < len(stored) else column.name, column.flow, column.origin)
            for position, column in enumerate(relation.columns)
        ]
        return Relation(renamed, relation.influences, relation.rest, relation.reads)

    def _pivoted(self, pivot: exp.Pivot, relation: Relation, part: Scope) -> Relation:
        inside = part.inner()
        inside.add(Source(("",), relation))
        names, expressions = part.names, self._expressions
        used: set[str] = set()
        values, chosen = Mixture(self._reading.budget), Mixture(self._reading.budget)
        fields = [field for field in pivot.args.get("fields") or () if isinstance(field, exp.In)]
        if pivot.args.get("unpivot"):
            for field in fields:
                for column in field.find_all(exp.Column):
                    used.add(names.key_of(column.this))
                    expressions.add(values, column, inside, CHANGED)
            made = [Column(names.column(_name(each)), values.flow()) for each in pivot.expressions]
            made += [Column(names.column(_name(field.this)), NOTHING) for field in fields]
        else:
            for field in fields:
                expressions.add(chosen, field.this, inside, CONDITIONAL)
                used.update(names.key_of(column.this) for column in field.this.find_all(exp.Column))
            for aggregate in pivot.expressions:
                expressions.add(values, aggregate, inside)
                used.update(names.key_of(column.this) for column in aggregate.find_all(exp.Column))
            values.add(chosen.flow())
            made = [Column(names.column(each), values.flow()) for each in pivot.args.get("columns") or ()]
        kept = [column for column in relation.columns if names.key(column.name) not in used]
        return Relation([*kept, *made], relation.influences, relation.rest)

    def join(self, join: exp.Join, scope: Scope) -> None:
        """Join one more item to what the scope has."""
        visible = not join.is_semi_or_anti_join
        right = self._item(join.this, scope)
        for nested in join.this.args.get("joins") or () if not _is_parenthesis(join.this) else ():
            self.join(nested, right)
        using = join.args.get("using") or ()
        shared = [(names_column := scope.names.column(_name(each)), scope.names.key(names_column)) for each in using]
        if join.args.get("method") == "NATURAL":
            in_right = {scope.names.key(column.name) for column in right.row}
            shared = [
                (column.name, scope.names.key(column.name))
                for column in scope.row
                if scope.names.key(column.name) in in_right
            ]
            if scope.open or right.open:
                self._reading.doubt(Doubt.STAR, "NATURAL JOIN")
        row = self._merged(shared, scope, right, str(join.args.get("side") or "")) if shared else None
        condition = join.args.get("on")
        if visible or condition is None:
            scope.absorb(right, visible=visible)
            if row is not None and visible:
                scope.replace_row(row)
            seen = scope
        else:
            # The right side of a semi join is seen by its own condition only.
            scope.absorb(right, visible=False)
            seen = scope.inner()
            seen.absorb(right)
        for clause in ("on", "match_condition"):
            if join.args.get(clause) is not None:
                self._expressions.add(scope.influences, join.args[clause], seen, JOIN)

    def _merged(self, shared: list[tuple[str, str]], left: Scope, right: Scope, side: str) -> list[Column]:
        """The row of a join USING columns: each of them once, with the value of the side that always has one."""
        keys = {key for _, key in shared}
        merged: dict[str, Column] = {}
        for name, key in shared:
            ours, theirs = self._one(left, name, key), self._one(right, name, key)
            mixture = Mixture(self._reading.budget)
            for column, wanted in ((ours, side != "RIGHT"), (theirs, side in ("RIGHT", "FULL"))):
                if wanted:
                    mixture.add(column.flow)
                    if side == "FULL":
                        mixture.add(column.flow, CONDITIONAL)
                left.influences.add(column.flow, JOIN)
            merged[key] = Column(name, mixture.flow())
        names = left.names
        rest = [column for column in right.row if names.key(column.name) not in keys]
        if names.dialect.merged_in_place:
            return [merged.get(names.key(column.name), column) for column in left.row] + rest
        order = list(merged.values())
        if names.dialect.parser == "mysql":
            order = [merged[key] for column in left.row if (key := names.key(column.name)) in keys]
        return [*order, *(column for column in left.row if names.key(column.name) not in keys), *rest]

    def _one(self, scope: Scope, name: str, key: str) -> Column:
        found = scope.in_row(key)
        if found:
            self._expressions.read_all([found[0]])
            return found[0]
        if len(scope.open) == 1 and scope.open[0].rest is not None:
            column = scope.open[0].rest(name)
            self._expressions.read_all([column])
            return column
        self._reading.doubt(Doubt.AMBIGUOUS_COLUMN if scope.open else Doubt.UNKNOWN_COLUMN, name)
        return Column(name, NOTHING)


def _is_parenthesis(node: exp.Expr) -> bool:
    """Whether it is `(a JOIN b …)`, which the parser gives as a subquery around a table."""
    return isinstance(node, exp.Subquery) and isinstance(node.this, (exp.Table, exp.Subquery)) and not (
        isinstance(node.this, exp.Subquery) and not _is_parenthesis(node.this) and not node.this.args.get("alias")
    )  # fmt: skip


def _beside(scope: Scope) -> Scope:
    """What a subquery in FROM sees: the common table expressions, and what encloses the query."""
    outer = scope.inner()
    outer.parent = scope.parent
    return outer


def _only_rest(scope: Scope) -> Callable[[str], Column] | None:
    return scope.open[0].rest if len(scope.open) == 1 else None


def _name(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, (exp.Column, exp.ColumnDef)) else node
