"""Schemas that pipelines tell: for datasets that no crawl describes. A crawl knows better, and its word stays.

What is written is a function of the whole history that is given, so telling it again, or telling more of it in any order,
ends in the same versions and fields.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from django.db import connection

from accounts.models import Principal
from audit.recording import record
from catalog.events import SchemasTold
from catalog.search_index import refresh_search
from catalog.snapshots import FieldSnapshot


@dataclass(frozen=True, slots=True)
class ToldSchema:
    """The fields of a dataset from `at` on, as a pipeline told them."""

    at: dt.datetime
    fields: Sequence[FieldSnapshot]


_TOLD = """
    WITH told AS (
        SELECT (one ->> 'dataset')::bigint AS dataset_id, one -> 'versions' AS versions
        FROM jsonb_array_elements(%(told)s::jsonb) AS one
        JOIN catalog_dataset AS dataset ON dataset.id = (one ->> 'dataset')::bigint AND dataset.source_id IS NULL
    ), versions AS (
        SELECT told.dataset_id, version.place AS number, (version.value ->> 'at')::timestamptz AS at,
               version.value -> 'fields' AS fields, version.place = jsonb_array_length(told.versions) AS is_last
        FROM told CROSS JOIN LATERAL jsonb_array_elements(told.versions) WITH ORDINALITY AS version (value, place)
    ), described AS (
        SELECT versions.dataset_id, versions.at, ARRAY(SELECT jsonb_array_elements_text(field.path)) AS path,
               field.position, field.native_type, field.type, coalesce(field.comment, '') AS comment
        FROM versions
        CROSS JOIN LATERAL jsonb_to_recordset(versions.fields) AS field (
            path jsonb, position integer, native_type text, type text, comment text
        )
        WHERE versions.is_last
    )
"""

_LOCK = """
    SELECT id, version FROM catalog_dataset WHERE id = ANY(%(ids)s) AND source_id IS NULL ORDER BY id FOR NO KEY UPDATE
"""

_VERSIONS = (
    _TOLD
    + """
    INSERT INTO catalog_schemaversion (dataset_id, number, seen_at, origin, content)
    SELECT dataset_id, number, at, 'pipeline', jsonb_build_object(
               'kind', 'table', 'comment', '', 'definition_digest', '', 'fields', fields, 'keys', '[]'::jsonb
           )
    FROM versions
    ON CONFLICT (dataset_id, number) DO UPDATE SET seen_at = excluded.seen_at, content = excluded.content
    WHERE (catalog_schemaversion.seen_at, catalog_schemaversion.content) IS DISTINCT FROM (excluded.seen_at, excluded.content)
"""
)

_FEWER_VERSIONS = (
    _TOLD
    + """
    DELETE FROM catalog_schemaversion AS version USING told
    WHERE version.dataset_id = told.dataset_id AND version.origin = 'pipeline'
      AND version.number > jsonb_array_length(told.versions)
"""
)

_FIELDS = (
    _TOLD
    + """
    INSERT INTO catalog_field (
        dataset_id, path, position, native_type, type, nullable, comment, description, first_seen
    )
    SELECT dataset_id, path, position, native_type, type, true, comment, '', at FROM described
    ORDER BY dataset_id, path
    ON CONFLICT (dataset_id, path) DO UPDATE
    SET position = excluded.position, native_type = excluded.native_type, type = excluded.type,
        comment = excluded.comment, gone_since = NULL
    WHERE (catalog_field.position, catalog_field.native_type, catalog_field.type, catalog_field.comment)
              IS DISTINCT FROM (excluded.position, excluded.native_type, excluded.type, excluded.comment)
       OR catalog_field.gone_since IS NOT NULL
"""
)

_FIELDS_GONE = (
    _TOLD
    + """
    UPDATE catalog_field AS field SET gone_since = versions.at
    FROM versions
    WHERE versions.is_last AND field.dataset_id = versions.dataset_id AND field.gone_since IS NULL
      AND NOT EXISTS (
          SELECT FROM described WHERE described.dataset_id = field.dataset_id AND described.path = field.path
      )
"""
)

_DATASETS = (
    _TOLD
    + """
    UPDATE catalog_dataset AS dataset
    SET version = versions.number, changed_at = versions.at, last_seen = greatest(dataset.last_seen, versions.at),
        field_count = (SELECT count(*) FROM described
                       WHERE described.dataset_id = versions.dataset_id AND cardinality(described.path) = 1)
    FROM versions
    WHERE versions.is_last AND dataset.id = versions.dataset_id
"""
)


def describe_from_pipeline(histories: Mapping[int, Sequence[ToldSchema]]) -> None:
    """Write the schema histories of datasets that no crawl describes: a fixed number of statements, inside a transaction.

    A history is whole and in order, each schema different from the one before. Crawled datasets are left alone. It is
    recorded which datasets have further versions by it; a first one is no change.
    """
    told = [
        {
            "dataset": dataset_id,
            "versions": [
                {"at": one.at.isoformat(), "fields": msgspec.to_builtins(list(one.fields))} for one in history
            ],
        }
        for dataset_id, history in sorted(histories.items())
        if history
    ]
    if not told:
        return
    ids = sorted(dataset_id for dataset_id, history in histories.items() if history)
    parameters: dict[str, str | list[int]] = {"told": json.dumps(told), "ids": ids}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters)
        versions = dict(cursor.fetchall())
        for statement in (_FEWER_VERSIONS, _VERSIONS, _FIELDS, _FIELDS_GONE, _DATASETS):
            cursor.execute(statement, parameters)
    refresh_search(ids)
    changed = [pk for pk, version in versions.items() if 0 < version < len(histories[pk])]
    if changed:
        by = Principal.objects.system()
        record(SchemasTold(changed=len(changed)), by=by, changes={"dataset": {"changed": changed}})


_NOTHING_TOLD = (
    """
    DELETE FROM catalog_schemaversion AS version USING catalog_dataset AS dataset
    WHERE dataset.id = version.dataset_id AND dataset.id = ANY(%(ids)s) AND dataset.source_id IS NULL
      AND version.origin = 'pipeline'
    """,
    """
    UPDATE catalog_field AS field SET gone_since = now() FROM catalog_dataset AS dataset
    WHERE dataset.id = field.dataset_id AND dataset.id = ANY(%(ids)s) AND dataset.source_id IS NULL
      AND field.gone_since IS NULL
    """,
    """
    UPDATE catalog_dataset SET version = 0, field_count = 0
    WHERE id = ANY(%(ids)s) AND source_id IS NULL AND version > 0
    """,
)


def describe_no_more(dataset_ids: Collection[int]) -> None:
    """Take back the schemas of datasets of which no pipeline tells any more; their fields are gone, not deleted."""
    if not dataset_ids:
        return
    parameters = {"ids": sorted(dataset_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters)
        for statement in _NOTHING_TOLD:
            cursor.execute(statement, parameters)
    refresh_search(parameters["ids"])
