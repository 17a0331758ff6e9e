"""Lineage from the SQL that jobs tell of, for outputs whose columns no pipeline tells: read once for each text.

What lacks is looked for, so it does not matter when a job's SQL and its outputs became known, nor which worker died. Texts
are parsed with nothing locked; what became outdated meanwhile is not written, and is found again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection, transaction

from catalog.snapshots import Path
from lineage import sql as parsing
from lineage import sql_edges
from lineage import sql_statements as statements
from lineage.models import EdgeOrigin
from lineage.rows import encoded
from lineage.sql import SqlLineage
from lineage.sql_edges import SqlRead

AT_ONCE = 200
_SCHEME = re.compile(r"^[a-z][a-z0-9+]*")


class _Text(NamedTuple):
    """A job's SQL and one of the datasets that the job writes."""

    job_id: int
    dataset_id: int
    content: UUID
    facet: Any
    namespace: str
    path: list[str]

    @property
    def sql(self) -> str:
        facet = msgspec.json.decode(self.facet) if isinstance(self.facet, str) else self.facet
        query = facet.get("query") if isinstance(facet, dict) else None
        return query if isinstance(query, str) else ""

    @property
    def dialect(self) -> str:
        """As the facet says; else as the namespace begins: `postgres://db:5432`, `bigquery`."""
        facet = msgspec.json.decode(self.facet) if isinstance(self.facet, str) else self.facet
        told = facet.get("dialect") if isinstance(facet, dict) else None
        scheme = _SCHEME.match(self.namespace)
        return told if isinstance(told, str) and told else scheme[0] if scheme else ""

    def lineage(self, tables: parsing.KnownTables) -> SqlLineage:
        path = tuple(self.path)
        return parsing.lineage_of(self.sql, dialect=self.dialect, schema=tables, default_path=path[:-1], target=path)


def read_jobs_sql(limit: int = AT_ONCE) -> int:
    """Read the SQL of jobs whose lineage lacks it; gives for how many outputs it was read. Again while it gives `limit`."""
    while _forget_outdated(limit) == limit:
        pass
    with connection.cursor() as cursor:
        cursor.execute(statements.UNREAD, [limit])
        texts = [_Text(*row) for row in cursor.fetchall()]
    _write([read for own in _alike(texts) for read in _read(own)])
    return len(texts)


@transaction.atomic
def _forget_outdated(limit: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statements.OUTDATED, [limit])
        outdated = cursor.fetchall()
        if outdated:
            cursor.execute(statements.LOCK_JOBS, [sorted({job_id for job_id, _ in outdated})])
            sql_edges.forget_outputs(outdated, EdgeOrigin.SQL)
    return len(outdated)


@transaction.atomic
def _write(reads: Sequence[SqlRead]) -> None:
    """Write what still counts once the jobs are locked: their texts are those that were read, and no input was merged."""
    if not reads:
        return
    with connection.cursor() as cursor:
        # Datasets before jobs, as folds and merges lock them.
        named = {pk for read in reads for pk in (read.dataset_id, *read.upstream.values())}
        cursor.execute(statements.HOLD_STANDING, [sorted(named)])
        standing = {pk for (pk,) in cursor.fetchall()}
        cursor.execute(statements.LOCK_JOBS, [sorted({read.job_id for read in reads})])
        rows = [{"job_id": one.job_id, "dataset_id": one.dataset_id, "content": one.content} for one in reads]
        cursor.execute(statements.STILL_UNREAD, [encoded(rows)])
        unread = set(cursor.fetchall())
    current = [
        read
        for read in reads
        if (read.job_id, read.dataset_id, read.content) in unread and standing.issuperset(read.upstream.values())
    ]
    sql_edges.forget_outputs([(read.job_id, read.dataset_id) for read in current], EdgeOrigin.SQL)
    sql_edges.write(current, EdgeOrigin.SQL)


def _alike(texts: Sequence[_Text]) -> list[list[_Text]]:
    """By namespace and dialect, which decide what names mean."""
    found: dict[tuple[str, str], list[_Text]] = {}
    for text in texts:
        found.setdefault((text.namespace, text.dialect), []).append(text)
    return list(found.values())


def _read(texts: Sequence[_Text]) -> Iterator[SqlRead]:
    first = texts[0]
    nothing = parsing.KnownTables({}, first.dialect)
    named = {read.table[-1].casefold() for text in texts for read in text.lineage(nothing).inputs}
    known: dict[Path, list[str]] = {}
    ids: dict[Path, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            statements.TABLES_OF_NAMESPACE, [first.namespace, sorted(named), [text.dataset_id for text in texts]]
        )
        for dataset_id, path, columns in cursor.fetchall():
            known[tuple(path)] = columns
            ids[tuple(path)] = dataset_id
    tables = parsing.KnownTables(known, first.dialect)
    for text in texts:
        yield SqlRead(text.job_id, text.dataset_id, text.content, tuple(text.path), ids, text.lineage(tables))
