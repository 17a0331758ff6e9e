"""Queries as relations: SELECT, set operations by position, VALUES, common table expressions, recursion to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp

from lineage.sql.expressions import FILTER, SORT, Expressions
from lineage.sql.flows import AS_IS, NOTHING, Flow, Mixture, indirect
from lineage.sql.functions import name_of
from lineage.sql.reading import Reading
from lineage.sql.relations import Column, Relation, Rest, Scope
from lineage.sql.sources import Sources
from lineage.sql.values import Subtype, Transformation

GROUP_BY = indirect(Subtype.GROUP_BY)
JOIN = indirect(Subtype.JOIN)

_SORTING = ("order", "sort", "cluster", "distribute")


class Queries:
    """Reads the queries of one text. `temporary` answers for the tables that the text itself has made.

    `write` runs a statement that stands in a WITH (`WITH gone AS (DELETE … RETURNING …)`) and gives what it returns.
    """

    def __init__(
        self,
        reading: Reading,
        temporary: Callable[[exp.Table], Relation | None],
        write: Callable[[exp.Expr, Scope], Relation],
    ) -> None:
        self._reading = reading
        self._write = write
        self.expressions = Expressions(reading, self.read)
        self.sources = Sources(reading, self.expressions, self.read, temporary)

    def scope(self) -> Scope:
        return Scope(self._reading.names, self._reading.budget)

    def read(self, query: exp.Expr, scope: Scope) -> Relation:
        """The relation that a query gives where `scope` is what it may refer to."""
        if isinstance(query, exp.Select):
            return self._select(query, self.with_tables(query, scope))
        if isinstance(query, exp.SetOperation):
            return self._set_operation(query, self.with_tables(query, scope))
        if isinstance(query, exp.Subquery):
            return self._parenthesised(query, self.with_tables(query, scope))
        if isinstance(query, exp.Values):
            return self._values(query, scope)
        if isinstance(query, exp.Table):
            inner = scope.inner()
            self.sources.add(query, inner)
            return Relation(inner.row, inner.influences.flow(), _rest(inner))
        return self._write(query, scope)

    def with_tables(self, query: exp.Expr, scope: Scope) -> Scope:
        """A level below `scope` that sees the query's common table expressions."""
        inner = scope.inner()
        with_ = query.args.get("with_")
        if with_ is None:
            return inner
        recursive = bool(with_.args.get("recursive")) or inner.names.dialect.implicit_recursion
        for each in with_.expressions:
            key = inner.names.key_of(each.args["alias"].this)
            body = each.this
            if recursive and isinstance(body, exp.SetOperation):
                relation = self._recursive(each, key, body, inner)
            else:
                relation = self.sources.renamed(self.read(body, inner), each.args["alias"])
            inner.with_table(key, relation)
        return inner

    def _recursive(self, each: exp.CTE, key: str, body: exp.SetOperation, scope: Scope) -> Relation:
        """The least relation that holds what its own definition adds to it: columns only ever gain inputs."""
        operands = list(_operands(body))
        known = self.sources.renamed(self.read(operands[0][1], scope), each.args["alias"])
        while True:
            inner = scope.inner()
            inner.with_table(key, known)
            grown = self.sources.renamed(self._set_operation(body, inner), each.args["alias"])
            if _entries(grown) == _entries(known):
                return grown
            known = grown

    def _parenthesised(self, query: exp.Subquery, scope: Scope) -> Relation:
        relation = self.read(query.this, scope)
        if not any(query.args.get(clause) for clause in _SORTING):
            return relation
        inner = scope.inner()
        inner.replace_row(relation.columns)
        inner.influences.add(relation.influences)
        self._sorted(query, inner, relation.columns)
        return Relation(relation.columns, inner.influences.flow(), relation.rest)

    def _values(self, values: exp.Values, scope: Scope) -> Relation:
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions]
        columns = []
        for position in range(max(map(len, rows), default=0)):
            mixture = Mixture(self._reading.budget)
            for row in rows:
                if position < len(row):
                    self.expressions.add(mixture, row[position], scope)
            columns.append(Column(f"column{position + 1}", mixture.flow()))
        relation = Relation(columns)
        alias = values.args.get("alias")
        return self.sources.renamed(relation, alias) if alias is not None else relation

    def _set_operation(self, query: exp.SetOperation, scope: Scope) -> Relation:
        budget = self._reading.budget
        influences = Mixture(budget)
        operands = _operands(query)
        first = self.read(next(operands)[1], scope)
        influences.add(first.influences)
        columns, rests = list(first.columns), [first.rest]
        for operation, operand in operands:
            relation = self.read(operand, scope)
            influences.add(relation.influences)
            if isinstance(operation, exp.Union):
                columns = self._united(columns, relation, bool(operation.args.get("by_name")))
                rests.append(relation.rest)
            else:
                # What is kept or taken away depends on the right side, but no value comes from there.
                for column in relation.columns:
                    influences.add(column.flow, FILTER)
        scope.replace_row(columns)
        scope.influences.add(influences.flow())
        self._sorted(query, scope, columns)
        return Relation(columns, scope.influences.flow(), _united_rest(rests, self._reading))

    def _united(self, left: Sequence[Column], right: Relation, by_name: bool) -> list[Column]:
        """By position; by name where told so, or where the positions are not known."""
        names = self._reading.names
        if by_name or right.rest is not None or not left:
            pairs = {names.key(column.name): column for column in right.columns}
            matched = [pairs.pop(names.key(column.name), None) for column in left]
            added = list(pairs.values()) if by_name or not left else []
        else:
            matched = [*right.columns[: len(left)], *[None] * (len(left) - len(right.columns))]
            added = []
        united = []
        for column, other in zip(left, matched, strict=True):
            mixture = Mixture(self._reading.budget)
            mixture.add(column.flow)
            if other is not None:
                mixture.add(other.flow)
            united.append(Column(column.name, mixture.flow()))
        return united + [Column(column.name, column.flow) for column in added]

    def _select(self, query: exp.Select, scope: Scope) -> Relation:
        scope = scope.inner()
        self.sources.add_clauses(query, scope)
        names, influences = scope.names, scope.influences
        for window in query.args.get("windows") or ():
            scope.windows[names.key_of(window.this)] = window
        if not names.dialect.alias_reference:
            self._influence(query, scope, "where", FILTER)
        connect = query.args.get("connect")
        if connect is not None:
            for condition in connect.iter_expressions():
                self.expressions.add(influences, condition, scope, JOIN)
        columns = self._projections(query, scope)
        scope.aliases = {names.key(column.name): column.flow for column in reversed(columns)}
        if names.dialect.alias_reference:
            self._influence(query, scope, "where", FILTER)
        self._grouped(query, scope, columns)
        self._influence(query, scope, "having", FILTER)
        self._influence(query, scope, "qualify", FILTER)
        self._sorted(query, scope, columns)
        starred = any(isinstance(each, exp.Star) or each.is_star for each in query.expressions)
        return Relation(columns, influences.flow(), _rest(scope) if starred else None)

    def _projections(self, query: exp.Select, scope: Scope) -> list[Column]:
        names = scope.names
        columns: list[Column] = []
        for projection in query.expressions:
            if isinstance(projection, exp.Star) or (
                isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
            ):
                columns.extend(self.expressions.starred(projection, scope))
                continue
            if isinstance(projection, exp.Aliases):
                flow = self.expressions.flow(projection.this, scope)
                columns.extend(Column(names.column(each), flow) for each in projection.args["expressions"])
                continue
            name = self._name(projection, scope) or f"_col{len(columns)}"
            column = Column(name, self.expressions.flow(projection, scope))
            columns.append(column)
            if names.dialect.alias_reference and isinstance(projection, exp.Alias):
                scope.aliases[names.key(column.name)] = column.flow
        return [Column(column.name, column.flow) for column in columns]

    def _name(self, projection: exp.Expr, scope: Scope) -> str:
        """What the engine calls a projection; empty where that is its own affair. PostgreSQL's rules are followed in full."""
        names = scope.names
        if isinstance(projection, (exp.Alias, exp.PropertyEQ)):
            named = projection.args.get("alias") or projection.this
            return names.column(named) if isinstance(named, exp.Identifier) else named.name
        if isinstance(projection, exp.Column):
            return names.column(projection.this)
        if isinstance(projection, exp.Dot):
            return self._name(projection.expression, scope)
        if isinstance(projection, exp.Identifier):
            return names.column(projection)
        if isinstance(projection, exp.Paren):
            return self._name(projection.this, scope)
        if names.dialect.parser not in ("postgres", "redshift"):
            return ""
        if isinstance(projection, exp.Cast):
            inner = self._name(projection.this, scope)
            return inner if inner != "?column?" else projection.to.sql("postgres").lower()
        if isinstance(projection, exp.Subquery):
            selects = projection.this.selects
            return self._name(selects[0], scope) if selects else "?column?"
        if isinstance(projection, (exp.Window, exp.Filter, exp.WithinGroup)):
            return self._name(projection.this, scope)
        if isinstance(projection, exp.Case):
            return "case"
        return name_of(projection) or "?column?"

    def _grouped(self, query: exp.Select, scope: Scope, columns: Sequence[Column]) -> None:
        group = query.args.get("group")
        if group is not None:
            for term in group.iter_expressions():
                self._term(term, scope, columns, GROUP_BY, aliases_first=False)
            if group.args.get("all"):
                for projection, column in zip(query.expressions, columns, strict=False):
                    if projection.find(exp.AggFunc) is None:
                        scope.influences.add(column.flow, GROUP_BY)
        distinct = query.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            for term in distinct.args["on"].unnest().expressions or [distinct.args["on"].unnest()]:
                self._term(term, scope, columns, GROUP_BY, aliases_first=True)

    def _sorted(self, query: exp.Expr, scope: Scope, columns: Sequence[Column]) -> None:
        for clause in _SORTING:
            order = query.args.get(clause)
            for term in order.expressions if order is not None else ():
                self._term(term, scope, columns, SORT, aliases_first=True)

    def _term(
        self, term: exp.Expr, scope: Scope, columns: Sequence[Column], through: Transformation, *, aliases_first: bool
    ) -> None:
        """A term of GROUP BY or ORDER BY: a position, a projection's name, or an expression."""
        term = term.this if isinstance(term, exp.Ordered) else term
        influences = scope.influences
        if isinstance(term, exp.Literal) and not term.is_string:
            position = int(term.name) - 1 if term.name.isdigit() else -1
            if 0 <= position < len(columns):
                influences.add(columns[position].flow, through)
            return
        if isinstance(term, exp.Column) and len(term.parts) == 1 and not isinstance(term.this, exp.Star):
            key = scope.names.key_of(term.this)
            prefers_alias = aliases_first or (not scope.in_row(key) and bool(scope.open))
            if prefers_alias and key in scope.aliases:
                influences.add(scope.aliases[key], through)
                return
        self.expressions.add(influences, term, scope, through)

    def _influence(self, query: exp.Expr, scope: Scope, clause: str, through: Transformation) -> None:
        condition = query.args.get(clause)
        if condition is not None:
            self.expressions.add(scope.influences, condition, scope, through)


def _operands(query: exp.SetOperation) -> Iterator[tuple[exp.Expr | None, exp.Expr]]:
    """Each operand with the operation before it, left to right: a thousand UNIONs are no thousand levels."""
    chain = []
    node: exp.Expr = query
    while isinstance(node, exp.SetOperation) and (node is query or _is_bare(node)):
        chain.append(node)
        node = node.this
    yield None, node
    for operation in reversed(chain):
        yield operation, operation.expression


def _is_bare(query: exp.SetOperation) -> bool:
    return not any(query.args.get(clause) for clause in ("with_", *_SORTING))


def _entries(relation: Relation) -> tuple[list[Flow], Flow]:
    return [column.flow for column in relation.columns], relation.influences


def _rest(scope: Scope) -> Rest | None:
    """Where a column comes from that `*` stands for, if it can only be one source."""
    return scope.open[0].rest if len(scope.open) == 1 else (lambda name: Column(name, NOTHING)) if scope.open else None


def _united_rest(rests: Sequence[Rest | None], reading: Reading) -> Rest | None:
    known = [rest for rest in rests if rest is not None]
    if len(known) < 2:
        return known[0] if known else None

    def rest(name: str) -> Column:
        mixture = Mixture(reading.budget)
        for each in known:
            column = each(name)
            if column.origin is not None:
                reading.read(column.origin.table, column.origin.column)
            mixture.add(column.flow, AS_IS)
        return Column(name, mixture.flow())

    return rest
