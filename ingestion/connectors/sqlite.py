"""Read an SQLite file from sqlite_schema and the table-valued pragmas. A path is ("main", dataset).

Tables come in one statement. So do views, unless one of them is broken: SQLite then refuses the whole
statement, and views are read one by one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from catalog.snapshots import DatasetKind, DatasetSnapshot, FieldSnapshot, KeyKind, KeySnapshot, Path, Reading
from connections.engines import sqlite as engines
from connections.errors import ConnectorError
from connections.targets import Target
from ingestion.connectors.by_schema import Listed, read_by_schema
from ingestion.connectors.protocol import Check, counted
from ingestion.connectors.sampling import Amount, Sampler
from ingestion.connectors.sampling.sqlite import SqliteRows
from ingestion.connectors.scope import EVERYTHING, Pattern, Scope, sqlite_glob
from ingestion.connectors.type_names import sqlite_type

_MAIN = "main"

# Shadow tables are how a virtual table (full text, for one) stores itself.
_WANTED = """
WITH wanted AS (
    SELECT s.name, s.type, s.sql, l.type AS form
    FROM sqlite_schema s JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name
    WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite|_%' ESCAPE '|' AND l.type <> 'shadow'
      AND (json_array_length(:include) = 0 OR EXISTS (
          SELECT 1 FROM json_each(:include) p
          WHERE 'main' GLOB json_extract(p.value, '$[0]') AND s.name GLOB json_extract(p.value, '$[1]')))
      AND NOT EXISTS (
          SELECT 1 FROM json_each(:exclude) p
          WHERE 'main' GLOB json_extract(p.value, '$[0]') AND s.name GLOB json_extract(p.value, '$[1]'))
)
"""


def _of_wanted(statement: str) -> str:
    return _WANTED + statement


_NAMES = _of_wanted("SELECT name, type, sql, form FROM wanted ORDER BY name")
# The pragma's rows are numbered by cid; hidden is 1 for a virtual table's own, 2 and 3 for generated columns.
_COLUMNS = _of_wanted("""
SELECT w.name, x.cid, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
FROM wanted w JOIN pragma_table_xinfo(w.name) x
WHERE w.type = :type AND (:name IS NULL OR w.name = :name) AND x.hidden <> 1
ORDER BY w.name, x.cid
""")
_UNIQUES = _of_wanted("""
SELECT w.name, i.name, i.origin, c.name
FROM wanted w JOIN pragma_index_list(w.name) i JOIN pragma_index_info(i.name) c
WHERE w.type = 'table' AND i."unique" AND NOT i.partial
ORDER BY w.name, i.name, c.seqno
""")
_FOREIGN = _of_wanted("""
SELECT w.name, f.id, f."table", f."from", f."to"
FROM wanted w JOIN pragma_foreign_key_list(w.name) f
WHERE w.type = 'table'
ORDER BY w.name, f.id, f.seq
""")
_ESTIMATES = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl"
_GENERATED = {2: "virtual", 3: "stored"}

_Row = tuple[Any, ...]


class SqliteConnector:
    platform = "sqlite"

    def __init__(self, target: Target) -> None:
        self._target = target

    def check(self, scope: Scope = EVERYTHING) -> Check:
        try:
            with closing(_Session(self._target.for_check())) as session:
                count = len(session.rows(_NAMES, _parameters(scope)))
        except ConnectorError as error:
            return Check(ok=False, reason=error.message, kind=error.kind)
        reason = f"The file opens: {counted(count, 'table or view', 'tables and views')}."
        return Check(ok=True, reason=reason, version=sqlite3.sqlite_version)

    def required_grants(self, scope: Scope = EVERYTHING, *, sampling: bool = False) -> tuple[str, ...]:
        return ()

    def read(self, scope: Scope, known: Mapping[Path, str]) -> Generator[Reading, None, None]:
        with closing(_Session(self._target)) as session:
            count = len(session.rows(_NAMES, _parameters(scope)))
        yield from read_by_schema([Listed((_MAIN,), expected=count)], lambda _: self._datasets(scope), known)

    def sampler(self, amount: Amount) -> Sampler:
        return Sampler(amount, lambda: SqliteRows(self._target, amount))

    def _datasets(self, scope: Scope) -> Iterator[DatasetSnapshot]:
        with closing(_Session(self._target)) as session:
            parameters = _parameters(scope)
            names = session.rows(_NAMES, parameters)
            columns = session.columns("table", parameters) | session.columns("view", parameters)
            uniques = _grouped(session.rows(_UNIQUES, parameters))
            foreign = _grouped(session.rows(_FOREIGN, parameters))
            estimates = session.estimates()
        for name, kind, definition, form in names:
            of_dataset = columns.get(name)
            yield _dataset(
                (name, kind, definition, form),
                of_dataset,
                uniques.get(name, []),
                foreign.get(name, []),
                estimates.get(name),
            )


def _parameters(scope: Scope) -> dict[str, Any]:
    def globs(patterns: Sequence[Pattern]) -> str:
        return json.dumps([[sqlite_glob(pattern.schema), sqlite_glob(pattern.dataset)] for pattern in patterns])

    return {"include": globs(scope.included), "exclude": globs(scope.excluded)}


def _grouped(rows: Sequence[_Row]) -> dict[str, list[_Row]]:
    return {name: list(group) for name, group in groupby(rows, key=itemgetter(0))}


class _Session:
    """One connection. Raises `ConnectorError` for whatever fails."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._held = engines.open_engine(target).raw_connection()
        self._connection = cast(sqlite3.Connection, self._held.driver_connection)
        # One read transaction, so that all statements see the same schema.
        self._connection.execute("BEGIN")

    def close(self) -> None:
        self._connection.close()
        self._held.invalidate()

    def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[_Row]:
        try:
            return self._connection.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise engines.driver_error(error, self._target) from None

    def columns(self, kind: str, parameters: Mapping[str, Any]) -> dict[str, list[_Row]]:
        """The columns of all tables or views. One that SQLite cannot make sense of is missing."""
        wanted = {**parameters, "type": kind, "name": None}
        try:
            return _grouped(self._connection.execute(_COLUMNS, wanted).fetchall())
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error) or "locked" in str(error):
                raise engines.driver_error(error, self._target) from None
        except sqlite3.Error as error:
            raise engines.driver_error(error, self._target) from None
        found: dict[str, list[_Row]] = {}
        for name, of_kind, *_ in self.rows(_NAMES, parameters):
            if of_kind == kind:
                try:
                    found[name] = self._connection.execute(_COLUMNS, {**wanted, "name": name}).fetchall()
                except sqlite3.OperationalError:
                    continue  # broken: told as such by its missing columns
        return found

    def estimates(self) -> dict[str, int]:
        """Rows of each table as of the last ANALYZE, for those that had one."""
        try:
            return dict(self._connection.execute(_ESTIMATES).fetchall())
        except sqlite3.OperationalError:
            return {}  # never analysed: there is no such table


def _dataset(
    row: _Row, columns: list[_Row] | None, uniques: list[_Row], foreign: list[_Row], estimate: int | None
) -> DatasetSnapshot:
    name, kind, definition, form = row
    properties: dict[str, str | int | bool] = {}
    if columns is None:
        properties["invalid"] = True
    if form == "virtual":
        properties["virtual"] = True
    is_view = kind == "view"
    return DatasetSnapshot(
        path=(_MAIN, name),
        kind=DatasetKind.VIEW if is_view else DatasetKind.TABLE,
        fields=tuple(_field(column) for column in columns or ()),
        keys=() if is_view else (*_uniques(columns or [], uniques), *_foreign(foreign)),
        definition=definition if is_view else None,
        row_estimate=estimate,
        properties=properties,
    )


def _field(row: _Row) -> FieldSnapshot:
    _, place, name, native, required, default, in_primary, hidden = row
    if hidden in _GENERATED:
        default = f"generated always {_GENERATED[hidden]}"
    return FieldSnapshot(
        path=(name,),
        position=place + 1,
        native_type=native,
        type=sqlite_type(native),
        nullable=not (required or in_primary),
        default=default,
    )


def _uniques(columns: list[_Row], uniques: list[_Row]) -> Iterator[KeySnapshot]:
    primary = sorted((row for row in columns if row[6]), key=itemgetter(6))
    if primary:
        yield KeySnapshot(KeyKind.PRIMARY, "primary key", tuple(row[2] for row in primary))
    for name, group in groupby(uniques, key=itemgetter(1)):
        parts = list(group)
        named = tuple(row[3] for row in parts)
        # A part without a name is an expression.
        if parts[0][2] != "pk" and all(named):
            yield KeySnapshot(KeyKind.UNIQUE, name, named)


def _foreign(rows: list[_Row]) -> Iterator[KeySnapshot]:
    for number, group in groupby(rows, key=itemgetter(1)):
        parts = list(group)
        yield KeySnapshot(
            KeyKind.FOREIGN,
            f"foreign key {number}",
            tuple(row[3] for row in parts),
            (_MAIN, parts[0][2]),
            tuple(row[4] for row in parts if row[4] is not None),
        )
