"""Write a plan into the catalog: a fixed sequence of set-based statements, run by `catalog.actions.apply_snapshots`.

Every statement reads the staged rows and the planned changes of one reading. The order matters: names are claimed before
datasets are written, so that a crawl and a pipeline that meet at a new name end with one dataset.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import connection

from catalog.models import Source
from catalog.staging import Staged

# A dataset that a pipeline spoke of before any crawl found it is the same dataset: the crawl adopts it by its name. One
# that another source holds stays there, and the path is left out here.
_ADOPT = """
    UPDATE catalog_plannedchange AS planned
    SET dataset_id = found.id, change = CASE WHEN found.source_id IS NULL THEN 'adopted' ELSE 'elsewhere' END
    FROM (
        SELECT DISTINCT ON (staged.path) staged.path, dataset.id, dataset.source_id
        FROM catalog_stageddataset AS staged
        CROSS JOIN LATERAL unnest(staged.names) AS called (name)
        JOIN catalog_datasetname AS named
          ON named.namespace = %(namespace)s AND named.name = called.name AND named.valid_to IS NULL
        JOIN catalog_dataset AS dataset ON dataset.id = named.dataset_id
        WHERE staged.reading = %(reading)s AND NOT staged.unchanged
          AND (dataset.source_id IS NULL OR dataset.source_id <> %(source)s)
        ORDER BY staged.path, dataset.source_id NULLS FIRST, dataset.id
    ) AS found
    WHERE planned.reading = %(reading)s AND planned.change = 'added' AND planned.path = found.path
"""

_NUMBER_NEW = """
    UPDATE catalog_plannedchange SET dataset_id = nextval(pg_get_serial_sequence('catalog_dataset', 'id'))
    WHERE reading = %(reading)s AND change = 'added'
"""

_SCHEMAS = """
    INSERT INTO catalog_schema (source_id, path, dataset_count)
    SELECT DISTINCT %(source)s, schema_path, 0 FROM catalog_stageddataset WHERE reading = %(reading)s
    UNION
    SELECT %(source)s, ARRAY(SELECT jsonb_array_elements_text(listed)), 0
    FROM jsonb_array_elements(%(listed)s::jsonb) AS listed
    ON CONFLICT (source_id, path) DO NOTHING
"""

_INSERT_DATASETS = """
    INSERT INTO catalog_dataset (
        id, source_id, schema_id, domain_id, path, name, qualified_name, namespace, kind, owner_names, tag_names, comment,
        description, definition, properties, field_count, row_estimate, size_bytes, fingerprint, version, first_seen,
        last_seen, changed_at, search
    )
    SELECT planned.dataset_id, %(source)s, container.id, %(domain)s, staged.path, staged.name, staged.names[1],
           %(namespace)s, staged.kind, '{}', '{}', staged.comment, '', staged.definition, staged.properties,
           staged.field_count, staged.row_estimate, staged.size_bytes, staged.fingerprint, 1, now(), now(), now(),
           catalog_search_document(staged.name, staged.names[1], staged.comment, staged.field_names, '')
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    JOIN catalog_schema AS container ON container.source_id = %(source)s AND container.path = staged.schema_path
    WHERE planned.reading = %(reading)s AND planned.change = 'added'
"""

_UPDATE_DATASETS = """
    UPDATE catalog_dataset AS dataset
    SET source_id = %(source)s, schema_id = container.id, path = staged.path, name = staged.name,
        qualified_name = staged.names[1], namespace = %(namespace)s, kind = staged.kind,
        domain_id = coalesce(dataset.domain_id, %(domain)s), comment = staged.comment, definition = staged.definition,
        properties = staged.properties, field_count = staged.field_count, row_estimate = staged.row_estimate,
        size_bytes = staged.size_bytes, fingerprint = staged.fingerprint, version = dataset.version + 1,
        last_seen = now(), changed_at = now(), gone_since = NULL,
        search = catalog_search_document(
            staged.name, staged.names[1], concat_ws(' ', dataset.description, staged.comment), staged.field_names,
            array_to_string(dataset.tag_names, ' ')
        )
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    JOIN catalog_schema AS container ON container.source_id = %(source)s AND container.path = staged.schema_path
    WHERE planned.reading = %(reading)s AND planned.change IN ('changed', 'returned', 'adopted')
      AND NOT staged.unchanged AND dataset.id = planned.dataset_id
"""

# A dataset that came back as it was: only its absence ends.
_RETURN_UNCHANGED = """
    UPDATE catalog_dataset AS dataset SET gone_since = NULL, last_seen = now(), changed_at = now()
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    WHERE planned.reading = %(reading)s AND planned.change = 'returned' AND staged.unchanged
      AND dataset.id = planned.dataset_id
"""

_NAMES = """
    INSERT INTO catalog_datasetname (dataset_id, namespace, name, origin, is_main, valid_from)
    SELECT planned.dataset_id, %(namespace)s, called.name, 'crawl', called.place = 1, now()
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    CROSS JOIN LATERAL unnest(staged.names) WITH ORDINALITY AS called (name, place)
    WHERE planned.reading = %(reading)s AND planned.change IN ('added', 'adopted')
    ORDER BY called.name
    ON CONFLICT (namespace, name) WHERE valid_to IS NULL DO NOTHING
"""

# Between the look and the claim, a pipeline may have made the dataset known. The claim waited for it; its dataset wins.
_LATE_NAMES = """
    UPDATE catalog_datasetname AS alias SET dataset_id = main.dataset_id
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    JOIN catalog_datasetname AS main
      ON main.namespace = %(namespace)s AND main.name = staged.names[1] AND main.valid_to IS NULL
    WHERE planned.reading = %(reading)s AND planned.change = 'added' AND main.dataset_id <> planned.dataset_id
      AND alias.dataset_id = planned.dataset_id
"""

_LATE_ADOPTIONS = """
    UPDATE catalog_plannedchange AS planned SET dataset_id = main.dataset_id, change = 'adopted'
    FROM catalog_stageddataset AS staged, catalog_datasetname AS main
    WHERE planned.reading = %(reading)s AND planned.change = 'added'
      AND staged.reading = planned.reading AND staged.path = planned.path
      AND main.namespace = %(namespace)s AND main.name = staged.names[1] AND main.valid_to IS NULL
      AND main.dataset_id <> planned.dataset_id
"""

_WRITTEN = """
    WITH written AS (
        SELECT planned.dataset_id, staged.fields, staged.keys
        FROM catalog_plannedchange AS planned
        JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
        WHERE planned.reading = %(reading)s AND planned.change = ANY(%(changes)s) AND NOT staged.unchanged
    ), described AS (
        SELECT written.dataset_id, ARRAY(SELECT jsonb_array_elements_text(field.path)) AS path, field.position,
               field.native_type, field.type, coalesce(field.nullable, true) AS nullable, field."default",
               coalesce(field.comment, '') AS comment
        FROM written
        CROSS JOIN LATERAL jsonb_to_recordset(written.fields) AS field (
            path jsonb, position integer, native_type text, type text, nullable boolean, "default" text, comment text
        )
    )
"""

_INSERT_FIELDS = (
    _WRITTEN
    + """
    INSERT INTO catalog_field (
        dataset_id, path, position, native_type, type, nullable, "default", comment, description, first_seen
    )
    SELECT dataset_id, path, position, native_type, type, nullable, "default", comment, '', now() FROM described
"""
)

_UPSERT_FIELDS = (
    _INSERT_FIELDS
    + """
    ON CONFLICT (dataset_id, path) DO UPDATE
    SET position = excluded.position, native_type = excluded.native_type, type = excluded.type,
        nullable = excluded.nullable, "default" = excluded."default", comment = excluded.comment, gone_since = NULL
"""
)

_FIELDS_GONE = (
    _WRITTEN
    + """
    UPDATE catalog_field AS field SET gone_since = now()
    FROM written
    WHERE field.dataset_id = written.dataset_id AND field.gone_since IS NULL
      AND NOT EXISTS (
          SELECT FROM described WHERE described.dataset_id = field.dataset_id AND described.path = field.path
      )
"""
)

_DROP_KEYS = """
    DELETE FROM catalog_key USING catalog_plannedchange AS planned
    WHERE planned.reading = %(reading)s AND planned.change IN ('changed', 'returned', 'adopted')
      AND catalog_key.dataset_id = planned.dataset_id
      AND EXISTS (
          SELECT FROM catalog_stageddataset AS staged
          WHERE staged.reading = planned.reading AND staged.path = planned.path AND NOT staged.unchanged
      )
"""

_INSERT_KEYS = """
    INSERT INTO catalog_key (dataset_id, kind, name, columns, references_path, referenced_columns)
    SELECT planned.dataset_id, key.kind, key.name,
           ARRAY(SELECT jsonb_array_elements_text(key.columns)),
           CASE WHEN key."references" IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(key."references")) END,
           ARRAY(SELECT jsonb_array_elements_text(coalesce(key.referenced_columns, '[]')))
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    CROSS JOIN LATERAL jsonb_to_recordset(staged.keys) AS key (
        kind text, name text, columns jsonb, "references" jsonb, referenced_columns jsonb
    )
    WHERE planned.reading = %(reading)s AND planned.change IN ('added', 'changed', 'returned', 'adopted')
      AND NOT staged.unchanged
    ON CONFLICT (dataset_id, kind, name) DO NOTHING
"""

# Of keys just written, and of older ones whose dataset has come only now: a partial index holds all that point nowhere.
_POINT_KEYS = """
    UPDATE catalog_key AS key SET references_id = target.id
    FROM catalog_dataset AS owner, catalog_dataset AS target
    WHERE key.references_id IS NULL AND key.references_path IS NOT NULL
      AND owner.id = key.dataset_id AND owner.source_id = %(source)s
      AND target.source_id = %(source)s AND target.path = key.references_path
"""

_VERSIONS = """
    INSERT INTO catalog_schemaversion (dataset_id, number, seen_at, origin, content)
    SELECT dataset.id, dataset.version, now(), 'crawl', jsonb_build_object(
               'kind', staged.kind, 'comment', staged.comment, 'definition_digest', staged.definition_digest,
               'fields', staged.fields, 'keys', staged.keys
           )
    FROM catalog_plannedchange AS planned
    JOIN catalog_stageddataset AS staged ON staged.reading = planned.reading AND staged.path = planned.path
    JOIN catalog_dataset AS dataset ON dataset.id = planned.dataset_id
    WHERE planned.reading = %(reading)s AND planned.change IN ('added', 'changed', 'returned', 'adopted')
      AND NOT staged.unchanged
"""

_ESTIMATES = """
    UPDATE catalog_dataset AS dataset
    SET row_estimate = staged.row_estimate, size_bytes = staged.size_bytes
    FROM catalog_stageddataset AS staged
    WHERE staged.reading = %(reading)s AND dataset.source_id = %(source)s AND dataset.path = staged.path
      AND (dataset.row_estimate, dataset.size_bytes) IS DISTINCT FROM (staged.row_estimate, staged.size_bytes)
"""

_GONE = """
    UPDATE catalog_dataset AS dataset SET gone_since = now(), changed_at = now()
    FROM catalog_plannedchange AS planned
    WHERE planned.reading = %(reading)s AND planned.change = 'gone' AND dataset.id = planned.dataset_id
"""

_WORDS = """
    INSERT INTO catalog_searchword (word)
    SELECT DISTINCT word
    FROM catalog_plannedchange AS planned
    JOIN catalog_dataset AS dataset ON dataset.id = planned.dataset_id
    CROSS JOIN LATERAL unnest(tsvector_to_array(dataset.search)) AS found (word)
    WHERE planned.reading = %(reading)s AND planned.change IN ('added', 'changed', 'adopted') AND length(word) < 100
    ORDER BY word
    ON CONFLICT (word) DO NOTHING
"""

_COUNTS = """
    UPDATE catalog_schema AS container
    SET dataset_count = coalesce(counted.datasets, 0),
        last_read_at = CASE WHEN whole.path IS NOT NULL THEN now() ELSE container.last_read_at END,
        gone_since = CASE WHEN NOT %(listed_all)s OR present.path IS NOT NULL THEN NULL
                          ELSE coalesce(container.gone_since, now()) END
    FROM catalog_schema AS own
    LEFT JOIN (
        SELECT schema_id, count(*) AS datasets FROM catalog_dataset
        WHERE source_id = %(source)s AND gone_since IS NULL AND merged_into_id IS NULL GROUP BY schema_id
    ) AS counted ON counted.schema_id = own.id
    LEFT JOIN (
        SELECT ARRAY(SELECT jsonb_array_elements_text(path)) AS path FROM jsonb_array_elements(%(whole)s::jsonb) AS path
    ) AS whole ON whole.path = own.path
    LEFT JOIN (
        SELECT ARRAY(SELECT jsonb_array_elements_text(path)) AS path FROM jsonb_array_elements(%(listed)s::jsonb) AS path
    ) AS present ON present.path = own.path
    WHERE own.source_id = %(source)s AND container.id = own.id
"""

_SOURCE = """
    UPDATE catalog_source
    SET last_crawled_at = now(),
        dataset_count = (SELECT coalesce(sum(dataset_count), 0) FROM catalog_schema WHERE source_id = %(source)s)
    WHERE id = %(source)s
"""

_DATASETS = (
    _SCHEMAS,
    _ADOPT,
    _NUMBER_NEW,
    _NAMES,
    _LATE_NAMES,
    _LATE_ADOPTIONS,
    _INSERT_DATASETS,
    _UPDATE_DATASETS,
    _RETURN_UNCHANGED,
)
_THE_REST = (_DROP_KEYS, _INSERT_KEYS, _POINT_KEYS, _VERSIONS, _ESTIMATES, _GONE, _WORDS, _COUNTS, _SOURCE)
_NOTHING_PLANNED = (_SCHEMAS, _ESTIMATES, _COUNTS, _SOURCE)
_NEW = ["added"]
_OLD = ["changed", "returned", "adopted"]


@dataclass(frozen=True, slots=True)
class Applied:
    """The ids that an application touched, by what became of them: added, adopted, changed, returned, gone.

    `elsewhere` counts datasets that another source already holds under the same name.
    """

    ids: dict[str, list[int]]
    elsewhere: int


def write_plan(source: Source, reading: int, staged: Staged) -> Applied:
    """Run every statement; must be inside a transaction. The number of statements is the same for any plan."""
    parameters: dict[str, str | int | None] = {
        "reading": reading,
        "source": source.pk,
        "namespace": source.namespace,
        "domain": source.domain_id,
        "listed": json.dumps(sorted(staged.schemas)),
        "listed_all": staged.listed,
        "whole": json.dumps(sorted(path for path, schema in staged.schemas.items() if schema.complete)),
    }
    with connection.cursor() as cursor:
        # The planner knows nothing of rows written a moment ago, and takes a hundred thousand for a handful: a nested loop
        # would then run for hours. Everything here joins whole sets, for which a hash is right whatever their size.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("SELECT EXISTS (SELECT FROM catalog_plannedchange WHERE reading = %s)", [reading])
        if not cursor.fetchone()[0]:
            for statement in _NOTHING_PLANNED:
                cursor.execute(statement, parameters)
            return Applied({}, 0)
        for statement in _DATASETS:
            cursor.execute(statement, parameters)
        cursor.execute(_INSERT_FIELDS, {**parameters, "changes": _NEW})
        cursor.execute(_UPSERT_FIELDS, {**parameters, "changes": _OLD})
        cursor.execute(_FIELDS_GONE, {**parameters, "changes": _OLD})
        for statement in _THE_REST:
            cursor.execute(statement, parameters)
        cursor.execute(
            "SELECT change, array_agg(dataset_id ORDER BY dataset_id) FROM catalog_plannedchange"
            " WHERE reading = %s GROUP BY change",
            [reading],
        )
        ids = dict(cursor.fetchall())
    elsewhere = ids.pop("elsewhere", [])
    return Applied(ids, len(elsewhere))
