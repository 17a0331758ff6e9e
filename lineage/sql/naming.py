"""How each platform's SQL names tables and columns: the parser's dialect, the folding of case, the known tables.

Names come back exactly as the catalog has them. What a name means follows each engine's documentation: PostgreSQL folds
unquoted ASCII letters to lower case, Snowflake and Oracle unquoted names to upper case, BigQuery's tables are sensitive to
case and its columns are not, and the rest ignore case even between quotes; MySQL's tables do on some systems, so there
the exact name goes before one that differs in case alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto

import msgspec
from sqlglot import exp

from catalog.snapshots import Path

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class Case(Enum):
    """What becomes of an unquoted name's case."""

    LOWER = auto()
    UPPER = auto()
    EXACT = auto()
    IGNORED = auto()
    """Between quotes as well."""


class Dialect(msgspec.Struct, frozen=True):
    """A platform's SQL. `parser` is sqlglot's name for it."""

    parser: str
    table_case: Case = Case.IGNORED
    column_case: Case = Case.IGNORED
    implicit_schema: str = ""
    """Searched, like PostgreSQL's pg_catalog, without being named."""
    alias_reference: bool = False
    """Whether a projection may use another's alias."""
    implicit_recursion: bool = False
    """Whether a common table expression may refer to itself without RECURSIVE."""
    merged_in_place: bool = False
    """Whether `*` over JOIN … USING leaves the merged columns where the left table has them, not first."""
    pseudo_columns: frozenset[str] = frozenset()


_OF_POSTGRES = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})
_OF_ORACLE = frozenset(
    {
        "rownum", "rowid", "level", "sysdate", "systimestamp", "user", "uid", "ora_rowscn", "connect_by_isleaf",
        "connect_by_iscycle",
    }
)  # fmt: skip
_OF_BIGQUERY = frozenset({"_partitiontime", "_partitiondate", "_table_suffix", "_file_name"})

_POSTGRES = Dialect("postgres", Case.LOWER, Case.LOWER, implicit_schema="pg_catalog", pseudo_columns=_OF_POSTGRES)
_MYSQL = Dialect("mysql")
_SQLITE = Dialect("sqlite", merged_in_place=True, pseudo_columns=frozenset({"rowid", "oid", "_rowid_"}))
_DUCKDB = Dialect("duckdb", alias_reference=True, merged_in_place=True, pseudo_columns=frozenset({"rowid", "filename"}))
_TSQL = Dialect("tsql", implicit_recursion=True)
_SPARK = Dialect("spark", alias_reference=True)
_ORACLE = Dialect("oracle", Case.UPPER, Case.UPPER, implicit_recursion=True, pseudo_columns=_OF_ORACLE)

DIALECTS = {
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": _SQLITE,
    "duckdb": _DUCKDB,
    "bigquery": Dialect("bigquery", Case.EXACT, pseudo_columns=_OF_BIGQUERY),
    "snowflake": Dialect("snowflake", Case.UPPER, Case.UPPER, alias_reference=True, implicit_recursion=True),
    "redshift": Dialect("redshift", implicit_schema="pg_catalog", alias_reference=True, pseudo_columns=_OF_POSTGRES),
    "trino": Dialect("trino"),
    "presto": Dialect("presto"),
    "athena": Dialect("athena"),
    "spark": _SPARK,
    "hive": Dialect("hive"),
    "databricks": Dialect("databricks", alias_reference=True),
    "tsql": _TSQL,
    "mssql": _TSQL,
    "sqlserver": _TSQL,
    "oracle": _ORACLE,
}
"""By the names of our platforms, of OpenLineage's namespaces and of its `dialect` members."""
GENERIC = Dialect("")


def dialect_named(name: str) -> Dialect:
    """The dialect of that name in any case; another is read as plain SQL that ignores case."""
    return DIALECTS.get(name.strip().lower(), GENERIC)


def _stored(identifier: exp.Expr, case: Case) -> str:
    name = identifier.name
    if case is Case.IGNORED or case is Case.EXACT or identifier.args.get("quoted"):
        return name
    return name.upper() if case is Case.UPPER else name.translate(_ASCII_LOWER)


class KnownTables:
    """Tables with their columns, in order, ready to be looked up as one dialect names them.

    Make it once for many texts: folding thousands of names takes longer than reading a query.
    """

    def __init__(self, schema: Mapping[Path, Sequence[str]], dialect: str) -> None:
        self.dialect = dialect_named(dialect)
        self._columns = schema
        self._folded: dict[Path, Path] | None = None

    def columns(self, path: Path) -> Sequence[str]:
        """None known: an empty sequence."""
        return self._columns.get(path, ())

    def find(self, path: Path) -> Path | None:
        """The exact path of a table named so."""
        if path in self._columns:
            return path
        if self.dialect.table_case is not Case.IGNORED:
            return None
        if self._folded is None:
            self._folded = {}
            for known in self._columns:
                # Two names that differ in case alone stand for themselves only.
                self._folded[fold(known)] = () if fold(known) in self._folded else known
        return self._folded.get(fold(path)) or None


def fold(path: Path) -> Path:
    return tuple(part.casefold() for part in path)


class Names:
    """What the names in one text stand for: columns by key, tables by path from where the session stands."""

    def __init__(self, tables: KnownTables, default_path: Path) -> None:
        self.tables = tables
        self.dialect = tables.dialect
        self.default_path = default_path

    def column(self, identifier: exp.Expr) -> str:
        """A column's or an alias's name as the engine would keep it."""
        return _stored(identifier, self.dialect.column_case)

    def key(self, name: str) -> str:
        """Equal for names that the engine takes for the same column or alias."""
        return name.casefold() if self.dialect.column_case is Case.IGNORED else name

    def key_of(self, identifier: exp.Expr) -> str:
        return self.key(self.column(identifier))

    def same_table(self, path: Path) -> Path:
        """Equal for paths that the engine takes for the same table."""
        return fold(path) if self.dialect.table_case is Case.IGNORED else path

    def path(self, table: exp.Table) -> tuple[Path, bool]:
        """A table's exact path, and whether it is a known one."""
        parts = _parts(table)
        stored = tuple(_stored(part, self.dialect.table_case) if part.name else "" for part in parts)
        candidates = list(self._candidates(stored))
        for candidate in candidates:
            known = self.tables.find(candidate)
            if known is not None:
                return known, True
        return candidates[0], False

    def _candidates(self, stored: Path) -> Iterable[Path]:
        default = self.default_path
        missing = len(default) + 1 - len(stored)
        padded = (*default[: max(missing, 0)], *stored)
        # SQL Server's `database..table` leaves its schema out.
        padded = tuple(part or (default[index] if index < len(default) else part) for index, part in enumerate(padded))
        in_system = self.dialect.implicit_schema and len(stored) == 1 and len(default) >= 1
        system = (*default[:-1], self.dialect.implicit_schema, *stored) if in_system else ()
        if system and stored[0].startswith("pg_"):
            yield system
        yield padded
        if system:
            yield system
        if self.dialect.parser == "duckdb" and len(stored) == 2:
            yield stored[0], "main", stored[1]


def _parts(table: exp.Table) -> list[exp.Expr]:
    named = [table.args.get("catalog"), table.args.get("db")]
    parts: list[exp.Expr] = []
    for part in named:
        if part is not None and (parts or part != ""):
            parts.append(part if isinstance(part, exp.Expr) else exp.to_identifier(""))
    this = table.this
    while isinstance(this, exp.Dot):
        parts.append(this.this)
        this = this.expression
    return [*parts, this]
