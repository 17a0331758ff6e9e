"""Read MariaDB (10.6 and newer) or MySQL (8.0 and newer) from information_schema, in a fixed number of
statements.

A path is (database, dataset): MySQL's databases are what others call schemas. With a database in the address
only that one is read, without one all that the user may see.

Here rights decide what is visible, so a missing right looks like a missing table. A database in which the
user has rights on single tables only is read, and then reported as read in part; one that was known and
cannot be seen any more is asked for by name, and only the server's word that it does not exist counts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, cast

import pymysql
from pymysql.converters import escape_string
from sqlalchemy.dialects import mysql as dialects

from catalog.snapshots import DatasetSnapshot, Path, Reading
from connections.engines import mysql as engines
from connections.errors import ConnectorError
from connections.targets import Target
from ingestion.connectors.by_schema import Listed, read_by_schema
from ingestion.connectors.mysql import snapshots, sql
from ingestion.connectors.protocol import Check, counted
from ingestion.connectors.sampling import Amount, Sampler
from ingestion.connectors.sampling.mysql import MysqlRows
from ingestion.connectors.scope import EVERYTHING, Pattern, Scope, glob_matches, like

_UNKNOWN_DATABASE = 1049
_FETCHED = 1000


class MysqlConnector:
    platform = "mysql"

    def __init__(self, target: Target) -> None:
        self._target = target
        # Named parameters keep the preparer from doubling percent signs for a driver that will not see them.
        self._quote = dialects.dialect(paramstyle="named").identifier_preparer.quote_identifier

    def check(self, scope: Scope = EVERYTHING) -> Check:
        try:
            with closing(_Session(self._target.for_check())) as session:
                schemas = session.schemas(scope)
                version = session.version
        except ConnectorError as error:
            return Check(ok=False, reason=error.message, kind=error.kind)
        product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
        number = version.partition("-")[0]
        return Check(
            ok=True,
            reason=f"{product} {number} answers: {counted(len(schemas), 'database')} can be read.",
            version=number,
            warnings=tuple(self._partial(name) for name, whole in schemas if not whole),
        )

    def required_grants(self, scope: Scope = EVERYTHING, *, sampling: bool = False) -> tuple[str, ...]:
        """SELECT in any case, because without it the server hides the definitions of views."""
        user = f"'{escape_string(self._target.username)}'@'%'"
        names = [self._target.database] if self._target.database else []
        try:
            with closing(_Session(self._target.for_check())) as session:
                user = session.account
                names = names or [name for name, _ in session.schemas(scope)]
        except ConnectorError:
            names = names or ["*"]
        return tuple(self._grant(name, user) for name in names)

    def _grant(self, database: str, user: str) -> str:
        # In GRANT a database is a pattern: _ and % stand for themselves only behind a backslash.
        pattern = database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        where = "*" if database == "*" else self._quote(pattern)
        return f"GRANT SELECT, SHOW VIEW ON {where}.* TO {user};"

    def _partial(self, database: str) -> str:
        return (
            f"The user has no right on the whole database {database}, so nothing is concluded from what it"
            f" does not show. Run: {self._grant(database, _account(self._target.username))}"
        )

    def read(self, scope: Scope, known: Mapping[Path, str]) -> Generator[Reading, None, None]:
        with closing(_Session(self._target)) as session:
            seen = session.schemas(scope)
            names = {name for name, _ in seen}
            unseen = sorted({path[0] for path in known if len(path) == 2} - names)
            hidden = [name for name in unseen if _wanted(name, scope) and session.is_hidden(name)]
        listed = [Listed((name,), partial=None if whole else self._partial(name)) for name, whole in seen]
        listed += [Listed((name,), partial=self._partial(name)) for name in hidden]
        yield from read_by_schema(listed, lambda wanted: self._datasets(wanted, scope), known)

    def sampler(self, amount: Amount) -> Sampler:
        return Sampler(amount, lambda: MysqlRows(self._target, amount))

    def _datasets(self, names: Sequence[str], scope: Scope) -> Iterator[DatasetSnapshot]:
        if not names:
            return
        with closing(_Session(self._target)) as session:
            try:
                yield from session.datasets(names, scope)
            except (pymysql.MySQLError, OSError) as error:
                raise session.meaning(error) from None


def _account(username: str, host: str = "%") -> str:
    return f"'{escape_string(username)}'@'{escape_string(host)}'"


def _wanted(schema: str, scope: Scope) -> bool:
    included = scope.included
    if included and not any(glob_matches(pattern.schema, schema) for pattern in included):
        return False
    return not any(glob_matches(pattern.schema, schema) and set(pattern.dataset) == {"*"} for pattern in scope.excluded)


class _Session:
    """One connection. Raises `ConnectorError` when it cannot be made."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._held = engines.open_engine(target).raw_connection()
        self._connection = cast("pymysql.Connection[Any]", self._held.driver_connection)
        try:
            ((self.version, current),) = self._all(sql.VERSION)
        except (pymysql.MySQLError, OSError) as error:
            self.close()
            raise self.meaning(error) from None
        username, _, host = current.rpartition("@")
        self.account = _account(username, host)
        self._grantee = f"'{username}'@'{host}'"

    def close(self) -> None:
        """Cut rather than drain: what a cancelled crawl left unread is not worth waiting for."""
        self._connection._force_close()
        self._held.invalidate()

    def meaning(self, error: Exception) -> ConnectorError:
        return engines.driver_error(error, self._target)

    def _all(self, statement: str, parameters: Sequence[object] = ()) -> list[snapshots.Row]:
        return list(self._stream(statement, parameters))

    def _stream(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[snapshots.Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            while rows := cursor.fetchmany(_FETCHED):
                yield from rows

    def schemas(self, scope: Scope) -> list[tuple[str, bool]]:
        """The databases inside the scope, and whether the user's rights cover the whole of each."""
        try:
            rows = self._all(sql.SCHEMAS, [self._grantee, self._grantee])
        except (pymysql.MySQLError, OSError) as error:
            raise self.meaning(error) from None
        only = self._target.database
        return [(name, bool(whole)) for name, whole in rows if (not only or name == only) and _wanted(name, scope)]

    def is_hidden(self, name: str) -> bool:
        """Whether a database that cannot be seen may still be there."""
        try:
            self._connection.select_db(name)
        except pymysql.MySQLError as error:
            return error.args[0] != _UNKNOWN_DATABASE
        return True

    def datasets(self, names: Sequence[str], scope: Scope) -> Iterator[DatasetSnapshot]:
        where, parameters = _conditions(names, scope)

        def rows(statement: str) -> Iterator[snapshots.Row]:
            return self._stream(statement.replace("{scope}", where), parameters)

        beside = snapshots.Beside(
            keys=snapshots.keys(rows(sql.KEYS)),
            definitions={(row[0], row[1]): row[2] for row in rows(sql.VIEWS)},
            partitions={(row[0], row[1]): row for row in rows(sql.PARTITIONS)},
        )
        if "mariadb" in self.version.lower():
            checks = sql.JSON_COLUMNS.replace("{scope}", where.replace("t.TABLE_SCHEMA", "t.CONSTRAINT_SCHEMA"))
            beside.json_columns = {(row[0], row[1], row[2]) for row in self._stream(checks, parameters)}
        listed = list(rows(sql.DATASETS))
        yield from snapshots.datasets(listed, rows(sql.COLUMNS), beside)


def _conditions(names: Sequence[str], scope: Scope) -> tuple[str, list[str]]:
    """The condition on `t.TABLE_SCHEMA` and `t.TABLE_NAME`, and its parameters."""
    parameters = list(names)
    parts = ["BINARY t.TABLE_SCHEMA IN (" + ", ".join(["%s"] * len(names)) + ")"]

    def fits(patterns: Sequence[Pattern]) -> str:
        for pattern in patterns:
            parameters.extend((like(pattern.schema), like(pattern.dataset)))
        one = "(BINARY t.TABLE_SCHEMA LIKE %s ESCAPE '|' AND BINARY t.TABLE_NAME LIKE %s ESCAPE '|')"
        return "(" + " OR ".join([one] * len(patterns)) + ")"

    if scope.include:
        parts.append(fits(scope.included))
    if scope.exclude:
        parts.append("NOT " + fits(scope.excluded))
    return " AND ".join(parts), parameters
