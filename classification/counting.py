"""Sums of what waits and of what is covered, kept beside the labels so that no page counts half a million of them.

Triggers note each dataset of which labels, columns or place changed (`UncountedDataset`), whoever changed them. `count`
counts datasets anew, one at a time being counted by one writer: it holds their rows, then reads what is committed by now,
and adds the difference to what is in the sums already. Actions that people see the effect of count at their end; what
else was noted is counted every two seconds, so that a sum is two seconds old at most. Differences are only appended, so that
nobody waits for a sum; `settle` adds them up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from classification.models import UncountedDataset

BATCH = 1_000

# What holds of each column that stands, of datasets that stand; then what of it is not in the sums yet.
_COUNT = """
    WITH wanted AS (
        SELECT id AS dataset_id FROM unnest(%(datasets)s::bigint[]) AS id
    ), standing AS (
        SELECT dataset.id AS dataset_id, dataset.source_id, dataset.domain_id, dataset.owner_names AS owners
        FROM catalog_dataset AS dataset
        WHERE dataset.id = ANY(%(datasets)s::bigint[]) AND dataset.gone_since IS NULL AND dataset.merged_into_id IS NULL
    ), field AS (
        SELECT field.dataset_id, field.id, field.type,
               bool_or(label.state IN ('confirmed', 'inherited')) IS TRUE AS decided,
               bool_or(label.state = 'suggested') IS TRUE AS suggested
        FROM standing
        JOIN catalog_field AS field ON field.dataset_id = standing.dataset_id AND field.gone_since IS NULL
        LEFT JOIN classification_label AS label ON label.field_id = field.id AND label.valid_to IS NULL
        GROUP BY field.id
    ), covered AS (
        SELECT dataset_id, count(*) AS columns, count(*) FILTER (WHERE decided) AS decided,
               count(*) FILTER (WHERE suggested AND NOT decided) AS suggested,
               count(*) FILTER (WHERE NOT suggested AND NOT decided) AS neither
        FROM field GROUP BY dataset_id
    ), alike AS (
        SELECT label.dataset_id, label.category_id, label.level_id, label.phrase, field.type, count(*) AS columns,
               coalesce(sum(round((label.confidence * 10000)::numeric)), 0)::bigint AS confidence
        FROM field
        JOIN classification_label AS label
            ON label.field_id = field.id AND label.valid_to IS NULL AND label.state = 'suggested'
        WHERE label.category_id IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5
    ), waiting AS (
        SELECT dataset_id, jsonb_agg(
            jsonb_build_array(category_id, level_id, phrase, type, columns, confidence)
            ORDER BY category_id, level_id, phrase, type
        ) AS waiting
        FROM alike GROUP BY dataset_id
    ), counted AS (
        SELECT wanted.dataset_id, standing.source_id, standing.domain_id,
               coalesce(standing.owners, '{}') AS owners, coalesce(covered.columns, 0) AS columns,
               coalesce(covered.decided, 0) AS decided, coalesce(covered.suggested, 0) AS suggested,
               CASE WHEN examination.dataset_id IS NULL THEN 0 ELSE coalesce(covered.neither, 0) END AS clear,
               coalesce(waiting.waiting, '[]') AS waiting
        FROM wanted
        LEFT JOIN standing USING (dataset_id)
        LEFT JOIN covered USING (dataset_id)
        LEFT JOIN waiting USING (dataset_id)
        LEFT JOIN classification_examination AS examination USING (dataset_id)
    ), changed AS (
        SELECT counted.*, known.source_id AS old_source, known.domain_id AS old_domain, known.owners AS old_owners,
               known.columns AS old_columns, known.decided AS old_decided, known.suggested AS old_suggested,
               known.clear AS old_clear, known.waiting AS old_waiting
        FROM counted JOIN classification_datasetcount AS known USING (dataset_id)
        WHERE (counted.source_id, counted.domain_id, counted.owners, counted.columns, counted.decided,
               counted.suggested, counted.clear, counted.waiting)
              IS DISTINCT FROM
              (known.source_id, known.domain_id, known.owners, known.columns, known.decided,
               known.suggested, known.clear, known.waiting)
    ), kept AS (
        UPDATE classification_datasetcount AS known
        SET source_id = changed.source_id, domain_id = changed.domain_id, owners = changed.owners,
            columns = changed.columns, decided = changed.decided, suggested = changed.suggested, clear = changed.clear,
            waiting = changed.waiting
        FROM changed WHERE known.dataset_id = changed.dataset_id
    ), covered_by AS (
        INSERT INTO classification_coveragesum
            (key, source_id, domain_id, owners, columns, decided, suggested, clear, settled)
        SELECT md5(jsonb_build_array(source_id, domain_id, owners)::text)::uuid, source_id, domain_id, owners,
               sum(columns), sum(decided), sum(suggested), sum(clear), FALSE
        FROM (
            SELECT source_id, domain_id, owners, columns, decided, suggested, clear FROM changed
            UNION ALL
            SELECT old_source, old_domain, old_owners, -old_columns, -old_decided, -old_suggested, -old_clear FROM changed
        ) AS difference
        GROUP BY source_id, domain_id, owners
        HAVING (sum(columns), sum(decided), sum(suggested), sum(clear)) <> (0, 0, 0, 0)
    )
    INSERT INTO classification_waitingsum
        (by, key, source_id, domain_id, category_id, level_id, phrase, type, columns, datasets, confidence, settled)
    SELECT by, md5(jsonb_build_array(by, source, domain, category_id, level_id, phrase, type)::text)::uuid,
           source, domain, category_id, level_id, phrase, type,
           sum(columns), sum(datasets), sum(confidence), FALSE
    FROM (
        SELECT source_id, domain_id, (one->>0)::bigint AS category_id, (one->>1)::bigint AS level_id, one->>2 AS phrase,
               one->>3 AS type, (one->>4)::bigint AS columns, 1 AS datasets, (one->>5)::bigint AS confidence
        FROM changed CROSS JOIN LATERAL jsonb_array_elements(waiting) AS one
        UNION ALL
        SELECT old_source, old_domain, (one->>0)::bigint, (one->>1)::bigint, one->>2, one->>3,
               -(one->>4)::bigint, -1, -(one->>5)::bigint
        FROM changed CROSS JOIN LATERAL jsonb_array_elements(old_waiting) AS one
    ) AS difference
    CROSS JOIN LATERAL (
        VALUES ('all', NULL, NULL), ('domain', NULL, domain_id), ('place', source_id, domain_id)
    ) AS part (by, source, domain)
    GROUP BY by, source, domain, category_id, level_id, phrase, type
    HAVING (sum(columns), sum(datasets), sum(confidence)) <> (0, 0, 0)
"""

_BE_THERE = """
    INSERT INTO classification_datasetcount (dataset_id, owners, columns, decided, suggested, clear, waiting)
    SELECT id, '{}', 0, 0, 0, 0, '[]' FROM unnest(%(datasets)s::bigint[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING
"""
_HOLD = """
    SELECT FROM classification_datasetcount WHERE dataset_id = ANY(%(datasets)s::bigint[]) ORDER BY dataset_id FOR UPDATE
"""

# Those of deleted datasets, which count nothing any more.
_FORGET = """
    DELETE FROM classification_datasetcount AS known
    WHERE known.dataset_id = ANY(%(datasets)s::bigint[])
      AND NOT EXISTS (SELECT FROM catalog_dataset WHERE id = known.dataset_id)
"""

_TAKE_NOTES = """
    DELETE FROM classification_uncounteddataset WHERE id IN (
        SELECT id FROM classification_uncounteddataset ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) RETURNING dataset_id
"""

_SETTLE_COVERAGE = """
    WITH taken AS (DELETE FROM classification_coveragesum WHERE NOT settled RETURNING *)
    INSERT INTO classification_coveragesum AS known
        (key, source_id, domain_id, owners, columns, decided, suggested, clear, settled)
    SELECT key, source_id, domain_id, owners, sum(columns), sum(decided), sum(suggested), sum(clear), TRUE
    FROM taken GROUP BY key, source_id, domain_id, owners ORDER BY key
    ON CONFLICT (key) WHERE settled DO UPDATE
    SET columns = known.columns + excluded.columns, decided = known.decided + excluded.decided,
        suggested = known.suggested + excluded.suggested, clear = known.clear + excluded.clear
"""
_SETTLE_WAITING = """
    WITH taken AS (DELETE FROM classification_waitingsum WHERE NOT settled RETURNING *)
    INSERT INTO classification_waitingsum AS known
        (by, key, source_id, domain_id, category_id, level_id, phrase, type, columns, datasets, confidence, settled)
    SELECT by, key, source_id, domain_id, category_id, level_id, phrase, type,
           sum(columns), sum(datasets), sum(confidence), TRUE
    FROM taken GROUP BY by, key, source_id, domain_id, category_id, level_id, phrase, type ORDER BY key
    ON CONFLICT (key) WHERE settled DO UPDATE
    SET columns = known.columns + excluded.columns, datasets = known.datasets + excluded.datasets,
        confidence = known.confidence + excluded.confidence
"""
_DROP_EMPTY = (
    "DELETE FROM classification_coveragesum WHERE settled AND columns = 0",
    "DELETE FROM classification_waitingsum WHERE settled AND columns = 0",
)


@transaction.atomic
def count(dataset_ids: Iterable[int]) -> None:
    """Bring the sums up to what is committed of these datasets, and to what this transaction wrote; four statements a
    thousand. Whoever counts the same datasets waits."""
    ids = sorted(set(dataset_ids))
    with connection.cursor() as cursor:
        for start in range(0, len(ids), BATCH):
            datasets = {"datasets": ids[start : start + BATCH]}
            for statement in (_BE_THERE, _HOLD, _COUNT, _FORGET):
                cursor.execute(statement, datasets)


@transaction.atomic
def count_noted(most: int = 20_000) -> int:
    """Count the datasets of which a note says that something changed; returns how many notes were taken."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_NOTES, {"most": most})
        noted = [dataset_id for (dataset_id,) in cursor.fetchall()]
    count(noted)
    return len(noted)


@transaction.atomic
def settle() -> None:
    """Add the differences up, and drop sums of nothing. What comes meanwhile waits for the next time."""
    with connection.cursor() as cursor:
        for statement in (_SETTLE_COVERAGE, _SETTLE_WAITING, *_DROP_EMPTY):
            cursor.execute(statement)


def named_sql(rows: QuerySet[Any, Any]) -> tuple[str, dict[str, Any]]:
    """The statement of a queryset with its values by name, to stand inside another."""
    sql, values = rows.query.sql_with_params()
    names = [f"of_rows_{number}" for number in range(len(values))]
    return sql % tuple(f"%({name})s" for name in names), dict(zip(names, values, strict=True))


def is_counted() -> bool:
    """Whether nothing is noted that is not counted yet."""
    return not UncountedDataset.objects.exists()
