"""Columns that higher rooms write here, so that search and pages read one table. No audit: the cause was recorded there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import connection

from common.arrays import array_of


def push_levels(dataset_levels: Mapping[int, int | None], field_levels: Mapping[int, int | None]) -> None:
    """Write effective levels (ranks) where search and pages read them. For `classification`; two statements."""
    for table, levels in (("catalog_dataset", dataset_levels), ("catalog_field", field_levels)):
        if not levels:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                _PUSH_LEVELS[table],
                [array_of(levels.keys()), array_of(levels.values())],
            )


_PUSH_LEVELS = {
    "catalog_dataset": """
        UPDATE catalog_dataset AS target SET level = pushed.level
        FROM unnest(%s::bigint[], %s::smallint[]) AS pushed (id, level)
        WHERE target.id = pushed.id AND target.level IS DISTINCT FROM pushed.level
    """,
    "catalog_field": """
        UPDATE catalog_field AS target SET level = pushed.level
        FROM unnest(%s::bigint[], %s::smallint[]) AS pushed (id, level)
        WHERE target.id = pushed.id AND target.level IS DISTINCT FROM pushed.level
    """,
}


def note_written(times: Mapping[int, dt.datetime]) -> None:
    """A run wrote these datasets at these times; the latest counts. For `lineage`; one statement, sorted, no audit."""
    ordered = sorted(times.items())
    if not ordered:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH locked AS (
                SELECT dataset.id, written.at
                FROM unnest(%s::bigint[], %s::timestamptz[]) AS written (id, at)
                JOIN catalog_dataset AS dataset ON dataset.id = written.id
                WHERE dataset.data_updated_at IS NULL OR dataset.data_updated_at < written.at
                ORDER BY dataset.id FOR NO KEY UPDATE OF dataset
            )
            UPDATE catalog_dataset AS dataset SET data_updated_at = locked.at
            FROM locked WHERE dataset.id = locked.id
            """,
            [[pk for pk, _ in ordered], [at for _, at in ordered]],
        )


def push_merges(standing: Mapping[int, int]) -> None:
    """Say for each dataset which one stands for it, itself included, and count anew the schemas and sources that hold them.

    For `lineage`; the rows are locked by the caller. Three statements.
    """
    ids, others = list(standing.keys()), list(standing.values())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE catalog_dataset AS dataset SET merged_into_id = nullif(pushed.other, dataset.id)
            FROM unnest(%s::bigint[], %s::bigint[]) AS pushed (id, other)
            WHERE dataset.id = pushed.id AND dataset.merged_into_id IS DISTINCT FROM nullif(pushed.other, dataset.id)
            """,
            [ids, others],
        )
        for statement in _COUNT_AGAIN:
            cursor.execute(statement, [ids])


_COUNT_AGAIN = (
    """
    UPDATE catalog_schema AS container SET dataset_count = (
        SELECT count(*) FROM catalog_dataset
        WHERE schema_id = container.id AND gone_since IS NULL AND merged_into_id IS NULL
    )
    WHERE container.id IN (SELECT schema_id FROM catalog_dataset WHERE id = ANY(%s))
    """,
    """
    UPDATE catalog_source AS source SET dataset_count = (
        SELECT coalesce(sum(dataset_count), 0) FROM catalog_schema WHERE source_id = source.id
    )
    WHERE source.id IN (SELECT source_id FROM catalog_dataset WHERE id = ANY(%s))
    """,
)
