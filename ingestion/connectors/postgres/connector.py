"""Read a PostgreSQL database, 15 or newer, from its catalog.

A crawl makes the same few statements however many datasets there are: list, types, fingerprints (when there
are earlier ones), details of what is new or changed. Fingerprints are made in the source, so what is
unchanged is never sent.

PostgreSQL shows its catalog to everyone. The crawl still sees only what its account may use: a schema without
USAGE is reported as failed, with the GRANT that helps. SELECT is needed, and asked for, only where the source
is sampled: a crawl reads no row.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql as composition

from catalog.snapshots import Path, Reading, SchemaFailed, SchemaRead, SchemasListed, Unchanged
from connections.engines.postgres import read_error
from connections.errors import ConnectorError, FailureKind
from connections.targets import Target
from ingestion.connectors.postgres import snapshots, sql
from ingestion.connectors.postgres.session import Session
from ingestion.connectors.postgres.type_catalog import TypeCatalog
from ingestion.connectors.protocol import Check, counted
from ingestion.connectors.sampling import Amount, Sampler
from ingestion.connectors.sampling.postgres import PostgresRows
from ingestion.connectors.scope import EVERYTHING, Scope, like_pairs, whole_schemas

_OLDEST = 150000
_BEFORE_CULPRIT = 128  # rows sent in one chunk: the one that failed is among the next so many
_NAMED_FAILURES = 3


class _Schema(NamedTuple):
    name: str
    usable: bool
    oids: list[int]


class _Row(NamedTuple):
    place: int
    name: str
    digest: str
    structure: str | None
    types: list[int] | None
    row_estimate: int | None
    size_bytes: int | None


class PostgresConnector:
    platform = "postgres"

    def __init__(self, target: Target) -> None:
        self._target = target

    def check(self, scope: Scope = EVERYTHING) -> Check:
        target = self._target.for_check()
        try:
            with Session(target) as session:
                version = session.server_version
                schemas = _schemas(session, scope)
        except ConnectorError as error:
            return Check(ok=False, reason=error.message, kind=error.kind)
        except psycopg.Error as error:
            meaning = read_error(error, target)
            return Check(ok=False, reason=meaning.message, kind=meaning.kind)
        written = f"{version // 10000}.{version % 10000}"
        if version < _OLDEST:
            reason = f"PostgreSQL {written} is too old: the catalog reads version 15 and newer."
            return Check(ok=False, reason=reason, kind=FailureKind.PERMISSION, version=written)
        usable = [schema for schema in schemas if schema.usable]
        datasets = sum(len(schema.oids) for schema in usable)
        return Check(
            ok=True,
            reason=(
                f"PostgreSQL {written} answers: {counted(datasets, 'dataset')} in {counted(len(usable), 'schema')}"
                f" of {target.database}."
            ),
            version=written,
            warnings=tuple(self._no_usage(schema.name) for schema in schemas if not schema.usable),
        )

    def required_grants(self, scope: Scope = EVERYTHING, *, sampling: bool = False) -> tuple[str, ...]:
        try:
            with Session(self._target.for_check()) as session:
                names = [schema.name for schema in _schemas(session, scope)]
        except (ConnectorError, psycopg.Error):
            names = []
        role = composition.Identifier(self._target.username)
        connect = composition.SQL("GRANT CONNECT ON DATABASE {} TO {};").format(
            composition.Identifier(self._target.database), role
        )
        select = [self._granted("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {};", name) for name in names if sampling]
        return (connect.as_string(), *(self._usage(name) for name in names), *select)

    def _usage(self, schema: str) -> str:
        return self._granted("GRANT USAGE ON SCHEMA {} TO {};", schema)

    def _granted(self, statement: LiteralString, schema: str) -> str:
        user = composition.Identifier(self._target.username)
        return composition.SQL(statement).format(composition.Identifier(schema), user).as_string()

    def _no_usage(self, schema: str) -> str:
        return f"The user may not use the schema {schema}. Run: {self._usage(schema)}"

    def read(self, scope: Scope, known: Mapping[Path, str]) -> Generator[Reading, None, None]:
        with Session(self._target) as session:
            if session.server_version < _OLDEST:
                raise ConnectorError(
                    "This PostgreSQL is older than version 15, which the catalog needs.",
                    FailureKind.PERMISSION,
                )
            try:
                schemas = _schemas(session, scope)
                types = TypeCatalog(session.rows(sql.TYPES))
            except psycopg.Error as error:
                raise session.meaning(error) from None
            yield SchemasListed(
                tuple((self._target.database, schema.name) for schema in schemas),
                tuple(len(schema.oids) for schema in schemas),
            )
            for schema in schemas:
                if not schema.usable:
                    yield SchemaFailed((self._target.database, schema.name), self._no_usage(schema.name))
            usable = [schema for schema in schemas if schema.usable]
            yield from _Pass(session, self._target.database, usable, types, known).run()

    def sampler(self, amount: Amount) -> Sampler:
        return Sampler(amount, lambda: PostgresRows(self._target, amount))


def _schemas(session: Session, scope: Scope) -> list[_Schema]:
    include_schemas, include_datasets = like_pairs(scope.included)
    exclude_schemas, exclude_datasets = like_pairs(scope.excluded)
    parameters = {
        "include_schemas": include_schemas,
        "include_datasets": include_datasets,
        "exclude_schemas": exclude_schemas,
        "exclude_datasets": exclude_datasets,
        "exclude_whole": whole_schemas(scope.excluded),
    }
    return [_Schema(*row) for row in session.rows(sql.LIST, parameters)]


class _Pass:
    """One reading of the usable schemas. Datasets are numbered through all of them, from 0."""

    def __init__(
        self,
        session: Session,
        database: str,
        schemas: Sequence[_Schema],
        types: TypeCatalog,
        known: Mapping[Path, str],
    ) -> None:
        self._session = session
        self._paths = [(database, schema.name) for schema in schemas]
        self._oids = [oid for schema in schemas for oid in schema.oids]
        self._ends = list(accumulate(len(schema.oids) for schema in schemas))
        self._types = types
        self._known = known
        self._seen = [0] * len(schemas)
        self._failures: dict[int, list[str]] = {}

    def run(self) -> Iterator[Reading]:
        everything = range(len(self._oids))
        if not self._known:
            yield from self._details(everything, range(len(self._paths)))
            return
        changed: list[int] = []
        waiting: set[int] = set()
        closed = 0
        for number, row in self._rows(sql.FINGERPRINTS, everything):
            schema = bisect_right(self._ends, number)
            yield from self._close(place for place in range(closed, schema) if place not in waiting)
            closed = max(closed, schema)
            path = (*self._paths[schema], row.name)
            if self._known.get(path) == self._types.fingerprint(row.digest, row.types):
                self._seen[schema] += 1
                yield Unchanged(path, row.row_estimate, row.size_bytes)
            else:
                changed.append(number)
                waiting.add(schema)
        yield from self._close(place for place in range(closed, len(self._paths)) if place not in waiting)
        if changed:
            yield from self._details(changed, sorted(waiting))

    def _details(self, numbers: Sequence[int], schemas: Sequence[int]) -> Iterator[Reading]:
        """Snapshots of these datasets, closing these schemas, each when its last dataset is through."""
        closed = 0
        for number, row in self._rows(sql.DETAILS, numbers):
            schema = bisect_right(self._ends, number)
            passed = closed
            while passed < len(schemas) and schemas[passed] < schema:
                passed += 1
            yield from self._close(schemas[closed:passed])
            closed = passed
            if row.structure is None:
                continue
            self._seen[schema] += 1
            yield snapshots.dataset(
                (*self._paths[schema], row.name),
                row.structure,
                self._types,
                fingerprint=self._types.fingerprint(row.digest, row.types),
                row_estimate=row.row_estimate,
                size_bytes=row.size_bytes,
            )
        yield from self._close(schemas[closed:])

    def _close(self, schemas: Any) -> Iterator[SchemaRead | SchemaFailed]:
        for schema in schemas:
            reasons = self._failures.get(schema)
            if reasons is None:
                yield SchemaRead(self._paths[schema], self._seen[schema])
                continue
            told = " ".join(reasons[:_NAMED_FAILURES])
            more = len(reasons) - _NAMED_FAILURES
            yield SchemaFailed(self._paths[schema], told + (f" And {more} more." if more > 0 else ""))

    def _rows(self, statement: str, numbers: Sequence[int]) -> Iterator[tuple[int, _Row]]:
        """The rows of these datasets, in their order, with what cannot be read told in `_failures`.

        When a statement fails, the rest is read in smaller parts until the one that fails is alone.
        """
        parts = [(0, len(numbers))]
        while parts:
            start, end = parts.pop()
            done = start
            try:
                for row in self._stream(statement, numbers[start:end]):
                    done = start + row.place
                    yield numbers[done - 1], row
                continue
            except psycopg.Error as error:
                failure = self._session.meaning(error)
                gone = self._session.recover(error)
                isolated = error
            if done == end:
                continue
            if gone is not None:
                self._fail([numbers[place] for part in (*parts, (done, end)) for place in range(*part)], gone)
                return
            if failure.kind is FailureKind.LOST:
                parts.append((done, end))
            elif isolated.sqlstate == "57014" and done == start:
                self._fail([numbers[place] for place in range(done, end)], failure)
            elif end - done > 1:
                middle = done + min(_BEFORE_CULPRIT, (end - done) // 2)
                parts += [(middle, end), (done, middle)]
            else:
                yield from self._alone(statement, numbers[done], failure)

    def _stream(
        self, statement: str, numbers: Sequence[int], *, sizes: bool = True, definitions: bool = True
    ) -> Iterator[_Row]:
        if not numbers:
            return
        oids = [self._oids[number] for number in numbers]
        for row in self._session.stream(statement, {"oids": oids, "sizes": sizes, "definitions": definitions}):
            yield _Row(*row)

    def _alone(self, statement: str, number: int, failure: ConnectorError) -> Iterator[tuple[int, _Row]]:
        """The dataset that fails: read without its size, and unless it is just locked, without its SQL."""
        for definitions in (True, False) if failure.kind is not FailureKind.TIMEOUT else (True,):
            try:
                rows = list(self._stream(statement, [number], sizes=False, definitions=definitions))
            except psycopg.Error as error:
                failure = self._session.meaning(error)
                if self._session.recover(error) is not None:
                    break
            else:
                yield from ((number, row) for row in rows)
                return
        self._fail([number], failure)

    def _fail(self, numbers: Sequence[int], failure: ConnectorError) -> None:
        for schema in sorted({bisect_right(self._ends, number) for number in numbers}):
            reasons = self._failures.setdefault(schema, [])
            if failure.message not in reasons:
                reasons.append(failure.message)
