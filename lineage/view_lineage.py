"""Lineage of views, from the definitions that crawls find: table and column edges through a job that the view itself is.

A view's edges are a function of its definition and of the columns of what it names, so deriving again changes nothing.
Definitions are parsed with nothing locked; one that changed meanwhile, or that reads what changed, is read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec
from django.db import connection, transaction

from catalog.snapshots import Path
from lineage import sql as parsing
from lineage import sql_edges
from lineage import sql_statements as statements
from lineage.models import EdgeOrigin
from lineage.openlineage import canonical, digest_of
from lineage.rows import encoded
from lineage.sql import SqlLineage
from lineage.sql_edges import SqlRead

BATCH = 500


class _View(NamedTuple):
    """A view whose definition the catalog knows."""

    id: int
    source_id: int
    namespace: str
    name: str
    dialect: str
    path: list[str]
    definition: str

    def lineage(self, tables: parsing.KnownTables) -> SqlLineage:
        path = tuple(self.path)
        return parsing.lineage_of(
            self.definition, dialect=self.dialect, schema=tables, default_path=path[:-1], target=path
        )


class _Tables(NamedTuple):
    """What the catalog knows of the tables that views of one source may read: columns and datasets by their paths."""

    columns: dict[Path, list[str]]
    datasets: dict[Path, int]


class _Reading(NamedTuple):
    """What some datasets' definitions were read as, with what that was read from: the views, and by source their tables."""

    ids: list[int]
    views: list[_View]
    tables: list[tuple[list[_View], list[str], _Tables]]
    found: list[tuple[_View, _Tables, SqlLineage]]

    def stands(self) -> bool:
        """Whether it would be read from the same now."""
        return _views(self.ids) == self.views and all(_tables(own, of) == tables for own, of, tables in self.tables)


def derive_views(dataset_ids: Collection[int]) -> int:
    """Derive the lineage of those of these datasets that are views, and end that of those that are none any more.

    Gives the number of views that were read. A view that cannot be read keeps no edges, and says why.
    """
    ids = sorted(dataset_ids)
    readings = [_read(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH)]
    while True:
        with transaction.atomic():
            jobs = _locked(ids, readings)
            if all(reading.stands() for reading in readings):
                for reading in readings:
                    _write(reading, jobs)
                return sum(len(reading.found) for reading in readings)
            # Whoever calls may be in a transaction of its own: no lock may last while it is read again.
            transaction.set_rollback(True)
        readings = [reading if reading.stands() else _read(reading.ids) for reading in readings]


def views_over(dataset_ids: Collection[int]) -> list[int]:
    """The views that read these datasets, whose columns may have changed."""
    with connection.cursor() as cursor:
        cursor.execute(statements.VIEWS_OVER, [sorted(dataset_ids)])
        return [dataset_id for (dataset_id,) in cursor.fetchall()]


def _read(ids: list[int]) -> _Reading:
    views = _views(ids)
    tables, found = [], []
    for own in _by_source(views):
        names = _names_in(own)
        known = _tables(own, names)
        tables.append((own, names, known))
        columns = parsing.KnownTables(known.columns, own[0].dialect)
        found += [(view, known, view.lineage(columns)) for view in own]
    return _Reading(ids, views, tables, found)


def _views(ids: list[int]) -> list[_View]:
    with connection.cursor() as cursor:
        cursor.execute(statements.VIEWS, [ids])
        return [_View(*row) for row in cursor.fetchall()]


def _by_source(views: Iterable[_View]) -> list[list[_View]]:
    found: dict[int, list[_View]] = {}
    for view in views:
        found.setdefault(view.source_id, []).append(view)
    return list(found.values())


def _names_in(views: Sequence[_View]) -> list[str]:
    """The last parts of the names that these views of one source read, so that only those tables' columns are fetched."""
    nothing = parsing.KnownTables({}, views[0].dialect)
    return sorted({read.table[-1].casefold() for view in views for read in view.lineage(nothing).inputs})


def _tables(views: Sequence[_View], names: list[str]) -> _Tables:
    with connection.cursor() as cursor:
        cursor.execute(statements.TABLES_OF_SOURCE, [views[0].source_id, names, [view.id for view in views]])
        rows = cursor.fetchall()
    return _Tables(
        {tuple(path): columns for _, path, columns in rows}, {tuple(path): dataset_id for dataset_id, path, _ in rows}
    )


def _locked(ids: list[int], readings: Sequence[_Reading]) -> dict[int, int]:
    """Lock what the views read and then their jobs, as folds and merges do it; gives the jobs by the datasets' ids."""
    read = {pk for reading in readings for _, _, tables in reading.tables for pk in tables.datasets.values()}
    views = [view._asdict() for reading in readings for view in reading.views]
    with connection.cursor() as cursor:
        cursor.execute(statements.HOLD_STANDING, [sorted(read)])
        cursor.execute(statements.MAKE_JOBS, [encoded(views)])
        cursor.execute(statements.JOBS_OF, [ids])
        jobs: dict[int, int] = dict(cursor.fetchall())
        cursor.execute(statements.LOCK_JOBS, [sorted(jobs.values())])
    return jobs


def _write(reading: _Reading, jobs: dict[int, int]) -> None:
    own = sorted(jobs[pk] for pk in reading.ids if pk in jobs)
    reads = []
    for view, tables, lineage in reading.found:
        content = digest_of(canonical([view.definition, msgspec.to_builtins(lineage)]))
        reads.append(SqlRead(jobs[view.id], view.id, content, tuple(view.path), tables.datasets, lineage))
    sql_edges.forget(own, EdgeOrigin.VIEW)
    sql_edges.write(reads, EdgeOrigin.VIEW)
    with connection.cursor() as cursor:
        cursor.execute(statements.LINKS, [own])
