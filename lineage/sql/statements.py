"""The statements of a text, one after the other: what each writes, and the temporary tables that lead from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from catalog.snapshots import Path
from lineage.sql.expressions import FILTER
from lineage.sql.flows import AS_IS, Mixture
from lineage.sql.queries import JOIN, Queries
from lineage.sql.reading import Gathered, Reading, joined
from lineage.sql.relations import Column, Relation, Scope, Source
from lineage.sql.values import Doubt, FieldName, Written
from lineage.sql.writing import Tables

_SILENT = (
    exp.Set, exp.Transaction, exp.Commit, exp.Rollback, exp.Comment, exp.Grant, exp.Revoke, exp.Describe, exp.Analyze,
    exp.Show, exp.Pragma, exp.Declare, exp.Semicolon, exp.Attach, exp.Detach, exp.Kill, exp.Cache, exp.Uncache,
    exp.Refresh, exp.Drop, exp.Alter, exp.Block, exp.EndStatement,
)  # fmt: skip
"""Statements that move no values."""
_SILENT_WORDS = (
    "GO BEGIN END EXPLAIN LOCK UNLOCK VACUUM ANALYZE CALL EXECUTE EXEC PREPARE DEALLOCATE FETCH CLOSE OPEN DO GRANT REVOKE"
    " RESET DISCARD CHECKPOINT LISTEN NOTIFY ALTER SHOW OPTIMIZE REINDEX CLUSTER REFRESH"
)
_SILENT_COMMANDS = frozenset(_SILENT_WORDS.split())


class Script:
    """Runs the statements of one text in order. `target` is what a bare SELECT writes: the view whose body it is."""

    def __init__(self, reading: Reading, target: Path | None) -> None:
        self._reading = reading
        self._target = target
        self._tables = Tables(reading)
        self._reads: Gathered = {}
        self._queries = Queries(reading, self._tables.made_here, self._with_statement)

    def run(self, statement: exp.Expr) -> None:
        reading = self._reading
        reading.reads = {}
        self._statement(statement, self._queries.scope())
        joined(self._reads, reading.reads.items())

    def reads(self) -> Gathered:
        """Everything read, by statements that write nothing as well."""
        return self._reads

    def written(self) -> tuple[Written, ...]:
        return self._tables.written()

    def _statement(self, statement: exp.Expr, scope: Scope) -> Relation:
        """Runs it; gives the rows that it returns."""
        if isinstance(statement, (exp.Query, exp.Values)):
            return self._query(statement, scope)
        if isinstance(statement, exp.Create):
            self._create(statement, scope)
        elif isinstance(statement, exp.Insert):
            return self._insert(statement, scope)
        elif isinstance(statement, exp.MultitableInserts):
            self._insert_many(statement, scope)
        elif isinstance(statement, exp.Update):
            return self._update(statement, scope)
        elif isinstance(statement, exp.Merge):
            return self._merge(statement, scope)
        elif isinstance(statement, exp.Delete):
            return self._delete(statement, scope)
        elif isinstance(statement, exp.TruncateTable):
            for table in statement.expressions:
                self._tables.write(self._tables.path(table), [], scope)
        elif isinstance(statement, (exp.Copy, exp.LoadData)):
            self._copy(statement, scope)
        elif isinstance(statement, exp.Use):
            self._use(statement)
        elif isinstance(statement, exp.Command):
            if statement.name.upper() not in _SILENT_COMMANDS:
                self._reading.doubt(Doubt.STATEMENT, statement.name.upper())
        elif not isinstance(statement, _SILENT):
            self._reading.doubt(Doubt.STATEMENT, statement.key.upper())
        return Relation([])

    def _with_statement(self, statement: exp.Expr, scope: Scope) -> Relation:
        return self._statement(statement, scope)

    def _query(self, query: exp.Expr, scope: Scope) -> Relation:
        into = query.args.get("into")
        relation = self._queries.read(query, scope)
        influenced = self._queries.scope()
        influenced.influences.add(relation.influences)
        if into is not None:
            self._tables.new_table(into.this, bool(into.args.get("temporary")), [], relation, influenced)
        elif self._target is not None and query.parent is None:
            known = self._reading.names.tables.columns(self._target)
            fits = relation.rest is None and len(known) == len(relation.columns)
            columns = (
                [Column(name, column.flow) for name, column in zip(known, relation.columns, strict=True)]
                if fits
                else self._tables.by_name(self._target, relation.columns)
            )
            self._tables.write(self._target, columns, influenced)
        return relation

    def _create(self, create: exp.Create, scope: Scope) -> None:
        if create.args.get("kind") not in ("TABLE", "VIEW"):
            return
        properties = create.args.get("properties")
        temporary = properties is not None and properties.find(exp.TemporaryProperty) is not None
        scope = self._queries.with_tables(create, scope)
        clone = create.args.get("clone")
        if isinstance(create.expression, (exp.Query, exp.Values, exp.Table)):
            relation = self._queries.read(create.expression, scope)
        elif clone is not None:
            relation = self._queries.sources.table(clone.this)
            for column in relation.columns:
                if column.origin is not None:
                    self._reading.read(column.origin.table, column.origin.column)
        else:
            relation = self._defined(create.this)
        influenced = self._queries.scope()
        influenced.influences.add(relation.influences)
        self._tables.new_table(create.this, temporary, self._tables.listed(create.this), relation, influenced)

    def _defined(self, schema: exp.Expr) -> Relation:
        """A table by its definition: only generated columns come from somewhere, and that is the table itself."""
        if not isinstance(schema, exp.Schema):
            return Relation([])
        path, names = self._tables.path(schema), self._reading.names
        definitions = [each for each in schema.expressions if isinstance(each, exp.ColumnDef)]
        own = [names.column(each.this) for each in definitions]
        scope = self._queries.scope()
        fields = [FieldName(path, name) for name in own]
        columns = [Column(each.column, {each: frozenset({AS_IS})}, each) for each in fields]
        scope.add(Source((names.key(path[-1]),), Relation(columns), path))
        made = []
        for name, definition in zip(own, definitions, strict=True):
            mixture = Mixture(self._reading.budget)
            for computed in definition.find_all(exp.ComputedColumnConstraint):
                self._queries.expressions.add(mixture, computed.this, scope)
            made.append(Column(name, mixture.flow()))
        return Relation(made)

    def _insert(self, insert: exp.Insert, scope: Scope) -> Relation:
        scope = self._queries.with_tables(insert, scope)
        path = self._tables.path(insert.this)
        query = insert.expression
        relation = self._queries.read(query, scope) if query is not None else Relation([])
        listed = self._tables.listed(insert.this)
        if insert.args.get("by_name"):
            columns = self._tables.by_name(path, relation.columns)
        else:
            columns = self._tables.named(path, self._tables.exact(path, listed), relation)
        influenced = self._queries.scope()
        influenced.influences.add(relation.influences)
        target = insert.this.this if isinstance(insert.this, exp.Schema) else insert.this
        conflict = insert.args.get("conflict")
        if conflict is not None and conflict.expressions:
            columns += self._on_conflict(conflict, target, columns, influenced)
        self._tables.write(path, columns, influenced)
        return self._returned(insert, path, columns)

    def _on_conflict(
        self, conflict: exp.OnConflict, target: exp.Expr, columns: Sequence[Column], influenced: Scope
    ) -> list[Column]:
        """ON CONFLICT DO UPDATE and ON DUPLICATE KEY UPDATE: `excluded` and VALUES() are the row that was to be inserted."""
        names = self._reading.names
        scope = self._queries.scope()
        self._own(target, scope)
        scope.add(Source((names.key("excluded"),), Relation(list(columns))), visible=False)
        for call in list(conflict.find_all(exp.Anonymous)):
            if call.name.upper() == "VALUES" and call.expressions:
                call.replace(exp.Column(this=_bare(call.expressions[0]), table=exp.to_identifier("excluded")))
        updated = self._assigned(conflict.expressions, scope, self._tables.path(target))
        where = conflict.args.get("where")
        if where is not None:
            self._queries.expressions.add(influenced.influences, where, scope, FILTER)
        return updated

    def _own(self, table: exp.Expr, scope: Scope) -> None:
        """The table that is written, as a source: it counts as read where one of its columns is."""
        reading = self._reading
        before = {path: set(columns) for path, columns in reading.reads.items()}
        self._queries.sources.add(table, scope)
        path = self._tables.path(table)
        if path not in before and not reading.reads.get(path):
            reading.reads.pop(path, None)

    def _insert_many(self, inserts: exp.MultitableInserts, scope: Scope) -> None:
        source = inserts.args.get("source")
        for each in inserts.expressions:
            insert = each.this if isinstance(each, exp.ConditionalInsert) else each
            query = insert.expression
            if isinstance(query, exp.Select) and query.args.get("from_") is None and source is not None:
                query.set("from_", exp.From(this=source.copy()))
            elif query is None and source is not None:
                insert.set("expression", source.copy())
            self._insert(insert, scope)

    def _assigned(self, assignments: Iterable[exp.Expr], scope: Scope, path: Path) -> list[Column]:
        """SET a = …, (b, c) = (SELECT …)"""
        names, expressions = self._reading.names, self._queries.expressions
        columns: list[Column] = []
        for assignment in assignments:
            left, right = assignment.this, assignment.args.get("expression")
            if right is None:
                continue
            if isinstance(left, (exp.Tuple, exp.Paren)):
                targets = left.expressions or [left.this]
                value = right.unnest()
                if isinstance(value, exp.Query):
                    relation = self._queries.read(value, scope)
                    flows = [column.flow for column in relation.columns]
                    scope.influences.add(relation.influences)
                else:
                    flows = [expressions.flow(each, scope) for each in getattr(value, "expressions", ())]
                pairs = list(zip(targets, flows, strict=False))
            else:
                pairs = [(left, expressions.flow(right, scope))]
            columns += [Column(names.column(_bare(each)), flow) for each, flow in pairs]
        return self._tables.by_name(path, columns)

    def _update(self, update: exp.Update, scope: Scope) -> Relation:
        scope = self._queries.with_tables(update, scope)
        self._from(update, scope)
        target = self._target_in(update.this, scope)
        if target is None:
            self._own(update.this, scope)
            target = self._tables.path(update.this)
        columns = self._assigned(update.expressions, scope, target)
        self._filtered(update, scope)
        self._tables.write(target, columns, scope)
        return self._returned(update, target, columns)

    def _delete(self, delete: exp.Delete, scope: Scope) -> Relation:
        scope = self._queries.with_tables(delete, scope)
        self._from(delete, scope)
        target = self._target_in(delete.this, scope)
        if target is None:
            self._own(delete.this, scope)
            target = self._tables.path(delete.this)
        self._filtered(delete, scope)
        named = [self._target_in(each, scope) or self._tables.path(each) for each in delete.args.get("tables") or ()]
        for path in named or [target]:
            self._tables.write(path, [], scope)
        return self._returned(delete, target, [])

    def _from(self, statement: exp.Expr, scope: Scope) -> None:
        self._queries.sources.add_clauses(statement, scope)
        using = statement.args.get("using")
        for each in using if isinstance(using, list) else []:
            self._queries.sources.add(each, scope)

    def _target_in(self, table: exp.Expr, scope: Scope) -> Path | None:
        """The table behind SQL Server's UPDATE x … FROM t AS x and MySQL's DELETE x FROM t AS x."""
        names = scope.names
        if isinstance(table, exp.Table) and table.args.get("db") is None and isinstance(table.this, exp.Identifier):
            source = scope.source((names.key_of(table.this),))
            return source.path if source is not None else None
        return None

    def _filtered(self, statement: exp.Expr, scope: Scope) -> None:
        where = statement.args.get("where")
        if where is not None:
            self._queries.expressions.add(scope.influences, where, scope, FILTER)

    def _merge(self, merge: exp.Merge, scope: Scope) -> Relation:
        scope = self._queries.with_tables(merge, scope)
        self._queries.sources.add(merge.args["using"], scope)
        self._own(merge.this, scope)
        path, expressions = self._tables.path(merge.this), self._queries.expressions
        if merge.args.get("on") is not None:
            expressions.add(scope.influences, merge.args["on"], scope, JOIN)
        columns: list[Column] = []
        for when in merge.args["whens"].expressions:
            if when.args.get("condition") is not None:
                expressions.add(scope.influences, when.args["condition"], scope, FILTER)
            then = when.args.get("then")
            if isinstance(then, exp.Update):
                columns += self._assigned(then.expressions, scope, path)
                self._filtered(then, scope)
            elif isinstance(then, exp.Insert):
                columns += self._merged_row(then, merge, scope, path)
        self._tables.write(path, columns, scope)
        return self._returned(merge, path, columns)

    def _merged_row(self, insert: exp.Insert, merge: exp.Merge, scope: Scope, path: Path) -> list[Column]:
        if not isinstance(insert.expression, exp.Tuple):
            # INSERT ROW of BigQuery, INSERT * of Spark: every column of the source by its name.
            source = self._queries.scope()
            self._queries.sources.add(merge.args["using"], source)
            starred = isinstance(insert.this, exp.Star) or "ROW" in insert.sql().upper()
            return self._tables.by_name(path, self._queries.expressions.starred(exp.Star(), source)) if starred else []
        listed = self._tables.exact(path, self._tables.listed(insert.this)) or list(self._tables.columns(path))
        flows = [self._queries.expressions.flow(each, scope) for each in insert.expression.expressions]
        return [Column(name, flow) for name, flow in zip(listed, flows, strict=False)]

    def _returned(self, statement: exp.Expr, path: Path, columns: Sequence[Column]) -> Relation:
        """RETURNING, of what was just written: its columns, and those of the table that were left alone."""
        returning = statement.args.get("returning")
        if returning is None:
            return Relation([])
        names = self._reading.names
        written = {names.key(column.name): column for column in columns}
        scope = self._queries.scope()
        kept = [
            Column(name, {FieldName(path, name): frozenset({AS_IS})}, FieldName(path, name))
            for name in self._tables.columns(path)
            if names.key(name) not in written
        ]
        scope.add(Source((names.key(path[-1]),), Relation([*written.values(), *kept]), path))
        select = exp.Select(expressions=[each.copy() for each in returning.expressions])
        return self._queries.read(select, scope)

    def _copy(self, copy: exp.Expr, scope: Scope) -> None:
        source = copy.this
        if isinstance(source, exp.Query):
            self._queries.read(source, scope)
        elif isinstance(copy, exp.Copy) and copy.args.get("kind") is False:
            self._queries.sources.add(source, scope)
        elif isinstance(source, (exp.Table, exp.Schema)):
            self._tables.write(self._tables.path(source), [], scope)

    def _use(self, use: exp.Use) -> None:
        """USE moves the place that unqualified names are looked up in, by one name."""
        names = self._reading.names
        if not isinstance(use.this, exp.Table) or not isinstance(use.this.this, exp.Identifier):
            return
        name, kind, default = use.this.this.name, use.args.get("kind"), names.default_path
        word = kind.name.upper() if kind is not None else ""
        if not default or word not in ("", "SCHEMA", "DATABASE", "CATALOG"):
            return
        is_schema = word == "SCHEMA" or (len(default) == 1 and word in ("", "DATABASE"))
        names.default_path = (*default[:-1], name) if is_schema else (name, *default[1:])


def _bare(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Column) else node


def parts_of(statements: Iterable[exp.Expr | None]) -> Iterator[exp.Expr]:
    """The statements that are there: `;;` parses to none."""
    return (statement for statement in statements if statement is not None)
