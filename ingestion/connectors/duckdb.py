"""Read a DuckDB file through its catalog functions. A path is (database, schema, dataset)."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb

from catalog.snapshots import DatasetKind, DatasetSnapshot, FieldSnapshot, KeyKind, KeySnapshot, Path, Reading
from connections.engines import duckdb as engines
from connections.errors import ConnectorError
from connections.targets import Target
from ingestion.connectors.by_schema import Listed, read_by_schema
from ingestion.connectors.nested import parts
from ingestion.connectors.protocol import Check, counted
from ingestion.connectors.sampling import Amount, Sampler
from ingestion.connectors.sampling.duckdb import DuckdbRows
from ingestion.connectors.scope import EVERYTHING, Scope, like_pairs, whole_schemas
from ingestion.connectors.type_names import duckdb_type

_IN_SCOPE = """
    (len($include_schemas::VARCHAR[]) = 0 OR EXISTS (
        SELECT 1
        FROM (SELECT unnest($include_schemas::VARCHAR[]) AS s, unnest($include_datasets::VARCHAR[]) AS d) p
        WHERE t.schema_name LIKE p.s ESCAPE '|' AND t.name LIKE p.d ESCAPE '|'))
    AND NOT EXISTS (
        SELECT 1
        FROM (SELECT unnest($exclude_schemas::VARCHAR[]) AS s, unnest($exclude_datasets::VARCHAR[]) AS d) p
        WHERE t.schema_name LIKE p.s ESCAPE '|' AND t.name LIKE p.d ESCAPE '|')
"""


def _in_scope(statement: str) -> str:
    return statement.replace("{scope}", _IN_SCOPE)


_SCHEMAS = """
SELECT t.schema_name
FROM duckdb_schemas() t
WHERE t.database_name = current_database() AND t.schema_name NOT IN ('information_schema', 'pg_catalog')
  AND (len($include_schemas::VARCHAR[]) = 0 OR EXISTS (
      SELECT 1 FROM (SELECT unnest($include_schemas::VARCHAR[]) AS s) p
      WHERE t.schema_name LIKE p.s ESCAPE '|'))
  AND NOT EXISTS (
      SELECT 1 FROM (SELECT unnest($exclude_whole::VARCHAR[]) AS s) p WHERE t.schema_name LIKE p.s ESCAPE '|')
ORDER BY t.schema_name
"""
_DATASETS = _in_scope("""
SELECT * FROM (
    SELECT schema_name, table_name AS name, 'table' AS kind, comment, NULL AS definition, estimated_size
    FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal AND NOT temporary
    UNION ALL
    SELECT schema_name, view_name, 'view', comment, sql, NULL
    FROM duckdb_views() WHERE database_name = current_database() AND NOT internal AND NOT temporary
) t
WHERE list_contains($schemas::VARCHAR[], t.schema_name) AND {scope}
ORDER BY t.schema_name, t.name
""")
_COLUMNS = _in_scope("""
SELECT * FROM (
    SELECT schema_name, table_name AS name, column_name, column_index, data_type, is_nullable, column_default,
           comment, is_generated, generation_expression
    FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal
) t
WHERE list_contains($schemas::VARCHAR[], t.schema_name) AND {scope}
ORDER BY t.schema_name, t.name, t.column_index
""")
_KEYS = _in_scope("""
SELECT * FROM (
    SELECT schema_name, table_name AS name, constraint_type, constraint_name, constraint_column_names,
           referenced_table, referenced_column_names, constraint_index
    FROM duckdb_constraints()
    WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
) t
WHERE list_contains($schemas::VARCHAR[], t.schema_name) AND {scope}
ORDER BY t.schema_name, t.name, t.constraint_index
""")
_KINDS = {"PRIMARY KEY": KeyKind.PRIMARY, "UNIQUE": KeyKind.UNIQUE, "FOREIGN KEY": KeyKind.FOREIGN}
_DEEPEST = 12

_Row = tuple[Any, ...]
_dataset_of = itemgetter(0, 1)


class DuckdbConnector:
    platform = "duckdb"

    def __init__(self, target: Target) -> None:
        self._target = target

    def check(self, scope: Scope = EVERYTHING) -> Check:
        try:
            with closing(_Session(self._target.for_check())) as session:
                schemas = session.rows(_SCHEMAS, _scoped(scope, with_datasets=False))
        except ConnectorError as error:
            return Check(ok=False, reason=error.message, kind=error.kind)
        reason = f"The file opens: {counted(len(schemas), 'schema')}."
        return Check(ok=True, reason=reason, version=duckdb.__version__)

    def required_grants(self, scope: Scope = EVERYTHING, *, sampling: bool = False) -> tuple[str, ...]:
        return ()

    def read(self, scope: Scope, known: Mapping[Path, str]) -> Generator[Reading, None, None]:
        with closing(_Session(self._target)) as session:
            ((database,),) = session.rows("SELECT current_database()", {})
            names = [name for (name,) in session.rows(_SCHEMAS, _scoped(scope, with_datasets=False))]
        listed = [Listed((database, name)) for name in names]
        yield from read_by_schema(listed, lambda wanted: self._datasets(database, wanted, scope), known)

    def sampler(self, amount: Amount) -> Sampler:
        return Sampler(amount, lambda: DuckdbRows(self._target, amount))

    def _datasets(self, database: str, schemas: Sequence[str], scope: Scope) -> Iterator[DatasetSnapshot]:
        if not schemas:
            return
        with closing(_Session(self._target)) as session:
            parameters = {**_scoped(scope), "schemas": list(schemas)}
            listed = session.rows(_DATASETS, parameters)
            columns = _grouped(session.rows(_COLUMNS, parameters))
            keys = _grouped(session.rows(_KEYS, parameters))
        for row in listed:
            name = _dataset_of(row)
            yield _dataset(database, row, columns.get(name, []), keys.get(name, []))


def _scoped(scope: Scope, *, with_datasets: bool = True) -> dict[str, Any]:
    include_schemas, include_datasets = like_pairs(scope.included)
    exclude_schemas, exclude_datasets = like_pairs(scope.excluded)
    if not with_datasets:
        return {"include_schemas": include_schemas, "exclude_whole": whole_schemas(scope.excluded)}
    return {
        "include_schemas": include_schemas,
        "include_datasets": include_datasets,
        "exclude_schemas": exclude_schemas,
        "exclude_datasets": exclude_datasets,
    }


def _grouped(rows: Sequence[_Row]) -> dict[tuple[str, str], list[_Row]]:
    return {name: list(group) for name, group in groupby(rows, key=_dataset_of)}


class _Session:
    """One connection, whose statements are interrupted when they take too long. Raises `ConnectorError`."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = engines.connect(target)

    def close(self) -> None:
        self._connection.close()

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[_Row]:
        patience = threading.Timer(self._target.statement_seconds, self._connection.interrupt)
        patience.daemon = True
        patience.start()
        try:
            rows: list[_Row] = self._connection.execute(statement, dict(parameters)).fetchall()
        except duckdb.Error as error:
            raise engines.driver_error(error, self._target) from None
        finally:
            patience.cancel()
        return rows


def _dataset(database: str, row: _Row, columns: list[_Row], keys: list[_Row]) -> DatasetSnapshot:
    schema, name, kind, comment, definition, rows = row
    is_view = kind == "view"
    fields: list[FieldSnapshot] = []
    for column in columns:
        fields.extend(_fields(column))
    return DatasetSnapshot(
        path=(database, schema, name),
        kind=DatasetKind.VIEW if is_view else DatasetKind.TABLE,
        fields=tuple(fields),
        keys=tuple(_key(database, key) for key in keys),
        comment=comment,
        definition=definition,
        row_estimate=None if is_view else rows,
        properties={"invalid": True} if is_view and not columns else {},
    )


def _fields(row: _Row) -> Iterator[FieldSnapshot]:
    _, _, name, position, native, nullable, default, comment, generated, expression = row
    if generated:
        default = f"generated always as ({expression}) virtual"
    yield FieldSnapshot(
        path=(name,),
        position=position,
        native_type=native,
        type=duckdb_type(native),
        nullable=nullable,
        default=default,
        comment=comment,
    )
    yield from _inside((name,), native)


def _inside(parent: Path, native: str) -> Iterator[FieldSnapshot]:
    if len(parent) > _DEEPEST:
        return
    for position, (name, inner) in enumerate(parts(native), start=1):
        path = (*parent, name)
        yield FieldSnapshot(path=path, position=position, native_type=inner, type=duckdb_type(inner))
        yield from _inside(path, inner)


def _key(database: str, row: _Row) -> KeySnapshot:
    schema, _, kind, name, columns, target, referenced, _ = row
    # DuckDB's foreign keys stay inside a schema; it does not say which, because there is no other.
    references = (database, schema, target) if target else None
    return KeySnapshot(_KINDS[kind], name or "", tuple(columns), references, tuple(referenced or ()) if target else ())
