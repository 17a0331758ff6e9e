"""Lineage of views, from the definitions that crawls find: table and column edges through a job that the view itself is.

A view's edges are a function of its definition and of the columns of what it names, so deriving again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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


def derive_views(dataset_ids: Collection[int]) -> int:
    """Derive the lineage of those of these datasets that are views, and end that of those that are none any more.

    Gives the number of views that were read. A view that cannot be read keeps no edges, and says why.
    """
    ids = sorted(dataset_ids)
    done = 0
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            done += _derive(ids[start : start + BATCH])
    return done


def views_over(dataset_ids: Collection[int]) -> list[int]:
    """The views that read these datasets, whose columns may have changed."""
    with connection.cursor() as cursor:
        cursor.execute(statements.VIEWS_OVER, [sorted(dataset_ids)])
        return [dataset_id for (dataset_id,) in cursor.fetchall()]


def _derive(ids: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statements.VIEWS, [ids])
        views = [_View(*row) for row in cursor.fetchall()]
        cursor.execute(statements.MAKE_JOBS, [encoded([view._asdict() for view in views])])
        cursor.execute(statements.JOBS_OF, [ids])
        jobs: dict[int, int] = dict(cursor.fetchall())
        # In the order of their keys, as the fold does it.
        cursor.execute(statements.LOCK_JOBS, [sorted(jobs.values())])
        reads = [read for own in _by_source(views) for read in _read(own, jobs)]
        sql_edges.forget(list(jobs.values()), EdgeOrigin.VIEW)
        sql_edges.write(reads, EdgeOrigin.VIEW)
        cursor.execute(statements.LINKS, [sorted(jobs.values())])
    return len(reads)


def _by_source(views: Iterable[_View]) -> list[list[_View]]:
    found: dict[int, list[_View]] = {}
    for view in views:
        found.setdefault(view.source_id, []).append(view)
    return list(found.values())


def _read(views: Sequence[_View], jobs: dict[int, int]) -> Iterator[SqlRead]:
    """Views of one source. What they name is found first, so that only those tables' columns are fetched."""
    nothing = parsing.KnownTables({}, views[0].dialect)
    named = {read.table[-1].casefold() for view in views for read in view.lineage(nothing).inputs}
    known: dict[Path, list[str]] = {}
    ids: dict[Path, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(statements.TABLES_OF_SOURCE, [views[0].source_id, sorted(named), [view.id for view in views]])
        for dataset_id, path, columns in cursor.fetchall():
            known[tuple(path)] = columns
            ids[tuple(path)] = dataset_id
    tables = parsing.KnownTables(known, views[0].dialect)
    for view in views:
        lineage = view.lineage(tables)
        content = digest_of(canonical([view.definition, msgspec.to_builtins(lineage)]))
        yield SqlRead(jobs[view.id], view.id, content, tuple(view.path), ids, lineage)
