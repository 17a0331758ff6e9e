"""From which columns an expression's value comes. One walk over the tree, without recursion but into subqueries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from lineage.sql.flows import AS_IS, CHANGED, Budget, Flow, Mixture, after, direct, indirect
from lineage.sql.functions import RANKINGS, is_aggregate, is_masking, is_ordered_set
from lineage.sql.reading import Reading
from lineage.sql.relations import Column, Relation, Scope
from lineage.sql.values import Doubt, Subtype, Transformation

CONDITIONAL = indirect(Subtype.CONDITIONAL)
FILTER = indirect(Subtype.FILTER)
SORT = indirect(Subtype.SORT)
WINDOW = indirect(Subtype.WINDOW)

Step = tuple[exp.Expr, Transformation]

_TRANSPARENT = (
    exp.Paren, exp.Alias, exp.Aliases, exp.Distinct, exp.Ordered, exp.IgnoreNulls, exp.RespectNulls, exp.Tuple,
    exp.Where, exp.Having, exp.Qualify, exp.Collate, exp.HavingMax, exp.Group, exp.Rollup, exp.Cube, exp.GroupingSets,
    exp.Kwarg, exp.PropertyEQ, exp.Variadic, exp.Prior, exp.All, exp.Any,
)  # fmt: skip
"""What hands values on as they are, or only tells how something else is done with them."""
_WITHOUT_COLUMNS = (exp.Literal, exp.DataType, exp.Identifier, exp.Var, exp.Parameter, exp.Placeholder, exp.Star)


class Expressions:
    """Reads expressions of one text; `query` reads a subquery that stands in one."""

    def __init__(self, reading: Reading, query: Callable[[exp.Expr, Scope], Relation]) -> None:
        self._reading = reading
        self._query = query

    @property
    def _budget(self) -> Budget:
        return self._reading.budget

    def flow(self, expression: exp.Expr, scope: Scope, through: Transformation = AS_IS) -> Flow:
        """Everything that the expression's value comes from, having passed `through` what stands around it."""
        mixture = Mixture(self._budget)
        self.add(mixture, expression, scope, through)
        return mixture.flow()

    def add(self, mixture: Mixture, expression: exp.Expr, scope: Scope, through: Transformation = AS_IS) -> None:
        stack: list[tuple[exp.Expr, Transformation, frozenset[str]]] = [(expression, through, frozenset())]
        while stack:
            node, outer, bound = stack.pop()
            self._budget.spend(1)
            if isinstance(node, exp.Column):
                if not (bound and len(node.parts) <= 2 and scope.names.key_of(node.parts[0]) in bound):
                    self._add_column(mixture, node, scope, outer)
            elif isinstance(node, _WITHOUT_COLUMNS):
                continue
            elif isinstance(node, (exp.Query, exp.Exists)):
                self._add_subquery(mixture, node, scope, outer)
            elif isinstance(node, exp.Lambda):
                parameters = frozenset(scope.names.key_of(each) for each in node.expressions)
                stack.append((node.this, outer, bound | parameters))
            elif isinstance(node, exp.In) and node.args.get("query") is not None:
                self._add_subquery(mixture, node.args["query"], scope, after(outer, FILTER))
                stack.append((node.this, after(outer, CHANGED), bound))
            else:
                for child, transformation in _steps(node, scope):
                    stack.append((child, after(outer, transformation), bound))

    def _add_subquery(self, mixture: Mixture, node: exp.Expr, scope: Scope, outer: Transformation) -> None:
        if isinstance(node, exp.Exists):
            # Whether there is a row does not depend on what is selected from it.
            relation = self._query(node.this, scope)
            outer = after(outer, FILTER)
        else:
            relation = self._query(node, scope)
            for column in relation.columns:
                mixture.add(column.flow, outer)
        mixture.add(relation.influences, outer)

    def _add_column(self, mixture: Mixture, node: exp.Column, scope: Scope, outer: Transformation) -> None:
        for column, transformation in self.columns(node, scope):
            mixture.add(column.flow, after(outer, transformation))

    def columns(self, node: exp.Column, scope: Scope) -> list[tuple[Column, Transformation]]:
        """What a name stands for: a column, a field of one, a whole row; nothing if it cannot be told."""
        if isinstance(node.this, exp.Star):
            return [(column, AS_IS) for column in self.starred(node, scope)]
        names = scope.names
        parts = node.parts
        stored = [names.column(part) for part in parts]
        keys = tuple(map(names.key, stored))
        # The longest qualifier first: a.b.c is column c of a.b, else field c of column b of a, else of column a.
        for length in range(len(keys) - 1, 0, -1):
            for level in scope.levels():
                source = level.source(keys[:length])
                if source is not None:
                    found = source.relation.find(names, keys[length], stored[length])
                    if found is not None:
                        return [(self._read(found), CHANGED if length < len(keys) - 1 else AS_IS)]
        return self._bare(node, scope, keys, stored)

    def _bare(
        self, node: exp.Column, scope: Scope, keys: tuple[str, ...], stored: list[str]
    ) -> list[tuple[Column, Transformation]]:
        whole = AS_IS if len(keys) == 1 else CHANGED
        for level in scope.levels():
            in_row = level.in_row(keys[0])
            if len(in_row) == 1:
                return [(self._read(in_row[0]), whole)]
            if in_row:
                return self._unresolved(Doubt.AMBIGUOUS_COLUMN, node)
            if len(keys) == 1 and keys[0] in level.aliases:
                return [(Column(stored[0], level.aliases[keys[0]]), AS_IS)]
            if len(keys) == 1 and (source := level.source(keys)) is not None:
                return [(self._read(column), CHANGED) for column in source.relation.columns]
            if len(level.open) == 1 and (len(keys) == 1 or level.parent is None):
                rest = level.open[0].rest
                if rest is not None and not self._is_no_column(node, scope):
                    return [(self._read(rest(stored[0])), whole)]
            if len(level.open) > 1 and not self._is_no_column(node, scope):
                return self._unresolved(Doubt.AMBIGUOUS_COLUMN, node)
        if self._is_no_column(node, scope):
            return []
        return self._unresolved(Doubt.UNKNOWN_COLUMN, node)

    def _is_no_column(self, node: exp.Column, scope: Scope) -> bool:
        """Whether it is a value of the engine's own, or a text that SQLite lets stand between double quotes."""
        dialect = scope.names.dialect
        quoted = bool(node.this.args.get("quoted"))
        if dialect.parser == "sqlite" and quoted and len(node.parts) == 1:
            return not any(level.open for level in scope.levels())
        return not quoted and node.name.lower() in dialect.pseudo_columns

    def _unresolved(self, doubt: Doubt, node: exp.Column) -> list[tuple[Column, Transformation]]:
        self._reading.doubt(doubt, ".".join(part.name for part in node.parts))
        return []

    def starred(self, node: exp.Expr, scope: Scope) -> list[Column]:
        """The columns that `*` or `t.*` stands for, with EXCEPT, REPLACE and RENAME done."""
        star = node.this if isinstance(node, exp.Column) else node
        if isinstance(node, exp.Column):
            qualifier = tuple(map(scope.names.key_of, node.parts[:-1]))
            source = next(filter(None, (level.source(qualifier) for level in scope.levels())), None)
            if source is None:
                self._unresolved(Doubt.STAR, node)
                return []
            columns, is_open = source.relation.columns, source.relation.rest is not None
        else:
            columns, is_open = scope.row, bool(scope.open)
        if is_open:
            parts = node.parts if isinstance(node, exp.Column) else [node]
            self._reading.doubt(Doubt.STAR, ".".join(part.name or "*" for part in parts))
        columns = [self._read(column) for column in columns]
        return self._altered(star, columns, scope) if isinstance(star, exp.Star) else columns

    def _altered(self, star: exp.Star, columns: list[Column], scope: Scope) -> list[Column]:
        names = scope.names
        left_out = {names.key_of(_identifier(each)) for each in star.args.get("except_") or ()}
        replaced = {
            names.key_of(each.args["alias"]): self.flow(each.this, scope) for each in star.args.get("replace") or ()
        }
        renamed = {
            names.key_of(_identifier(each.this)): names.column(each.args["alias"])
            for each in star.args.get("rename") or ()
        }
        altered = []
        for column in columns:
            key = names.key(column.name)
            if key not in left_out:
                name = renamed.get(key, column.name)
                altered.append(Column(name, replaced.get(key, column.flow)))
        return altered

    def _read(self, column: Column) -> Column:
        if column.origin is not None:
            self._reading.read(column.origin.table, column.origin.column)
        return column

    def read_all(self, columns: list[Column]) -> None:
        for column in columns:
            self._read(column)


def _identifier(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node


def _steps(node: exp.Expr, scope: Scope) -> Iterator[Step]:
    """The parts of an expression with what each undergoes on the way to the expression's value."""
    child: exp.Expr
    if isinstance(node, _TRANSPARENT):
        for child in node.iter_expressions():
            yield child, AS_IS
    elif isinstance(node, exp.Case):
        yield from _of_case(node)
    elif isinstance(node, (exp.If, exp.Nvl2)):
        yield node.this, CONDITIONAL
        yield from _present(node, AS_IS, "true", "false")
    elif isinstance(node, exp.DecodeCase):
        yield from _of_decode(node.expressions)
    elif isinstance(node, exp.Coalesce):
        # CASE WHEN a IS NOT NULL THEN a ELSE b END, says the SQL standard of both.
        arguments = [node.this, *node.expressions]
        for position, argument in enumerate(arguments):
            yield argument, AS_IS
            if position < len(arguments) - 1:
                yield argument, CONDITIONAL
    elif isinstance(node, exp.Nullif):
        yield node.this, AS_IS
        yield node.this, CONDITIONAL
        yield node.expression, CONDITIONAL
    elif isinstance(node, exp.Window):
        yield from _of_window(node, scope)
    elif isinstance(node, exp.Filter):
        yield node.this, AS_IS
        yield node.expression, FILTER
    elif isinstance(node, exp.WithinGroup):
        order = direct(Subtype.AGGREGATION) if is_ordered_set(node.this) else SORT
        yield node.this, AS_IS
        for term in node.expression.expressions:
            yield term, order
    elif isinstance(node, exp.Order):
        yield from _present(node, AS_IS, "this")
        for term in node.expressions:
            yield term, SORT
    elif isinstance(node, RANKINGS):
        return
    elif isinstance(node, (exp.Cast, exp.Extract)):
        yield node.this if isinstance(node, exp.Cast) else node.expression, CHANGED
    else:
        subtype = Subtype.AGGREGATION if is_aggregate(node) else Subtype.TRANSFORMATION
        transformation = direct(subtype, masking=is_masking(node))
        for child in node.iter_expressions():
            yield child, transformation


def _of_case(node: exp.Case) -> Iterator[Step]:
    yield from _present(node, CONDITIONAL, "this")
    for branch in node.args["ifs"]:
        yield branch.this, CONDITIONAL
        yield branch.args["true"], AS_IS
    yield from _present(node, AS_IS, "default")


def _of_decode(arguments: list[exp.Expr]) -> Iterator[Step]:
    """decode(subject, search, result, …, default)"""
    yield arguments[0], CONDITIONAL
    rest = arguments[1:]
    for search, result in zip(rest[::2], rest[1::2], strict=False):
        yield search, CONDITIONAL
        yield result, AS_IS
    if len(rest) % 2:
        yield rest[-1], AS_IS


def _of_window(node: exp.Window, scope: Scope) -> Iterator[Step]:
    yield node.this, CHANGED
    pending: list[exp.Expr] = [node]
    seen: set[str] = set()
    while pending:
        window = pending.pop()
        for each in window.args.get("partition_by") or ():
            yield each, WINDOW
        order = window.args.get("order")
        for each in order.expressions if order is not None else ():
            yield each, WINDOW
        name = window.args.get("alias") if window is node else window.args.get("first") or window.args.get("alias")
        key = scope.names.key_of(name) if isinstance(name, exp.Identifier) else ""
        named = scope.windows.get(key)
        if named is not None and key not in seen:
            seen.add(key)
            pending.append(named)


def _present(node: exp.Expr, transformation: Transformation, *members: str) -> Iterator[Step]:
    for member in members:
        child = node.args.get(member)
        if isinstance(child, exp.Expr):
            yield child, transformation
