"""Lineage of views, from the definitions that crawls find: table and column edges through a job that the view itself is.

A view's edges are a function of its definition and of the columns of what it names, so deriving again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction

from catalog.snapshots import Path
from lineage import view_statements as statements
from lineage.deriving import column_ids
from lineage.openlineage import canonical, digest_of
from lineage.sql import KnownTables, SqlLineage, Transformation, lineage_of
from lineage.told import DIRECT, INDIRECT

BATCH = 500
_TYPES = {"DIRECT": DIRECT, "INDIRECT": INDIRECT}


class _View(NamedTuple):
    """A view whose definition the catalog knows."""

    id: int
    source_id: int
    namespace: str
    name: str
    dialect: str
    path: list[str]
    definition: str


class _Read(NamedTuple):
    """What a view's definition says, in datasets."""

    view: _View
    upstream: dict[Path, int]
    lineage: SqlLineage


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


def _derive(ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statements.VIEWS, [ids])
        views = [_View(*row) for row in cursor.fetchall()]
        reads = [read for own in _by_source(views) for read in _read(own)]
        cursor.execute(statements.MAKE_JOBS, [_encoded([view._asdict() for view in views])])
        cursor.execute(statements.JOBS_OF, [ids])
        jobs: dict[int, int] = dict(cursor.fetchall())
        # In the order of their keys, as the fold does it.
        cursor.execute(
            "SELECT id FROM lineage_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [sorted(jobs.values())]
        )
        for statement in statements.FORGET:
            cursor.execute(statement, [sorted(jobs.values())])
        edges = [
            {"downstream_id": read.view.id, "upstream_id": upstream, "job_id": jobs[read.view.id]}
            for read in reads
            for upstream in sorted(set(read.upstream.values()))
        ]
        cursor.execute(statements.EDGES, [_encoded(edges)])
        links = [{"job_id": edge["job_id"], "direction": 1, "dataset_id": edge["upstream_id"]} for edge in edges]
        links += [{"job_id": jobs[read.view.id], "direction": 2, "dataset_id": read.view.id} for read in reads]
        cursor.execute(statements.LINKS, [_encoded(links)])
        _explain(cursor, reads, jobs)
    return len(reads)


def _by_source(views: Iterable[_View]) -> list[list[_View]]:
    found: dict[int, list[_View]] = {}
    for view in views:
        found.setdefault(view.source_id, []).append(view)
    return list(found.values())


def _read(views: Sequence[_View]) -> Iterator[_Read]:
    """Views of one source. What they name is found first, so that only those tables' columns are fetched."""
    named = {
        read.table[-1].casefold() for view in views for read in _lineage(view, KnownTables({}, view.dialect)).inputs
    }
    known: dict[Path, list[str]] = {}
    ids: dict[Path, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(statements.TABLES, [views[0].source_id, sorted(named), [view.id for view in views]])
        for dataset_id, path, columns in cursor.fetchall():
            known[tuple(path)] = columns
            ids[tuple(path)] = dataset_id
    tables = KnownTables(known, views[0].dialect)
    for view in views:
        lineage = _lineage(view, tables)
        upstream = {read.table: ids[read.table] for read in lineage.inputs if read.table in ids}
        yield _Read(view, {path: pk for path, pk in upstream.items() if pk != view.id}, lineage)


def _lineage(view: _View, tables: KnownTables) -> SqlLineage:
    path = tuple(view.path)
    return lineage_of(view.definition, dialect=view.dialect, schema=tables, default_path=path[:-1], target=path)


def _explain(cursor: Any, reads: Sequence[_Read], jobs: dict[int, int]) -> None:
    contents = {
        read.view.id: digest_of(canonical([read.view.definition, msgspec.to_builtins(read.lineage)])) for read in reads
    }
    rows = [
        {"job_id": jobs[read.view.id], "dataset_id": read.view.id, "content": contents[read.view.id],
         "problem": _problem(read.lineage)}
        for read in reads
    ]  # fmt: skip
    cursor.execute(statements.EXPLANATIONS, [_encoded(rows)])
    explanations: dict[int, int] = dict(cursor.fetchall())
    facts = [(explanations[read.view.id], *fact) for read in reads for fact in _facts(read)]
    ids = column_ids({key for _, down, up, _ in facts for key in (down, up)})
    edges = [
        {"explanation_id": explanation, "downstream_id": ids[down], "upstream_id": ids[up],
         "type": _TYPES[how.kind], "subtype": str(how.subtype), "masking": how.masking}
        for explanation, down, up, how in facts
    ]  # fmt: skip
    cursor.execute(statements.COLUMN_EDGES, [_encoded(edges)])


def _facts(read: _Read) -> Iterator[tuple[tuple[int, str], tuple[int, str], Transformation]]:
    for written in read.lineage.outputs:
        for column in written.columns:
            for source in column.inputs:
                if source.table in read.upstream:
                    for how in source.transformations:
                        yield (read.view.id, column.name), (read.upstream[source.table], source.column), how
        for source in written.influences:
            if source.table in read.upstream:
                for how in source.transformations:
                    yield (read.view.id, ""), (read.upstream[source.table], source.column), how


def _problem(lineage: SqlLineage) -> str:
    return lineage.problem or " ".join(one.sentence for one in lineage.unresolved[:20])


def _encoded(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
