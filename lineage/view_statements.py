"""The SQL of views' lineage."""

from __future__ import annotations

VIEWS = """
    SELECT dataset.id, dataset.source_id, dataset.namespace, dataset.qualified_name, source.platform, dataset.path,
           dataset.definition
    FROM catalog_dataset AS dataset JOIN catalog_source AS source ON source.id = dataset.source_id
    WHERE dataset.id = ANY(%s) AND dataset.definition <> '' AND dataset.gone_since IS NULL
    ORDER BY dataset.id
"""

# Tables of a source by the last part of their path, and the views themselves: with their columns in order.
TABLES = """
    SELECT dataset.id, dataset.path, coalesce((
               SELECT array_agg(field.path[1] ORDER BY field.position) FROM catalog_field AS field
               WHERE field.dataset_id = dataset.id AND field.gone_since IS NULL AND cardinality(field.path) = 1
           ), '{}')
    FROM catalog_dataset AS dataset
    WHERE dataset.source_id = %s AND (lower(dataset.name) = ANY(%s) OR dataset.id = ANY(%s)) AND dataset.gone_since IS NULL
"""

MAKE_JOBS = """
    INSERT INTO lineage_job (namespace, name, origin, latest_state)
    SELECT namespace, name, 'view', '' FROM json_to_recordset(%s) AS new (namespace text, name text)
    ORDER BY namespace, name
    ON CONFLICT (namespace, name) DO NOTHING
"""

# Of what is a view, and of what was one: those lose their edges. A pipeline's job of the same name is left alone.
JOBS_OF = """
    SELECT dataset.id, job.id FROM catalog_dataset AS dataset
    JOIN lineage_job AS job ON job.namespace = dataset.namespace AND job.name = dataset.qualified_name
    WHERE dataset.id = ANY(%s)
"""

FORGET = (
    """
    DELETE FROM lineage_columnedge AS edge USING lineage_explanation AS explanation
    WHERE explanation.id = edge.explanation_id AND explanation.job_id = ANY(%s) AND explanation.origin = 'view'
    """,
    "DELETE FROM lineage_explanation WHERE job_id = ANY(%s) AND origin = 'view'",
    "DELETE FROM lineage_datasetedge WHERE job_id = ANY(%s) AND origin = 'view'",
    """
    DELETE FROM lineage_jobdataset AS link USING lineage_job AS job
    WHERE job.id = link.job_id AND job.id = ANY(%s) AND job.origin = 'view'
    """,
)

EDGES = """
    INSERT INTO lineage_datasetedge (downstream_id, upstream_id, job_id, origin, current, first_seen, last_seen)
    SELECT new.downstream_id, new.upstream_id, new.job_id, 'view', true, view.changed_at, view.last_seen
    FROM json_to_recordset(%s) AS new (downstream_id bigint, upstream_id bigint, job_id bigint)
    JOIN catalog_dataset AS view ON view.id = new.downstream_id
    ORDER BY new.downstream_id, new.upstream_id, new.job_id
    ON CONFLICT (downstream_id, upstream_id, job_id) DO NOTHING
"""

LINKS = """
    INSERT INTO lineage_jobdataset (job_id, direction, dataset_id, first_seen, last_seen)
    SELECT DISTINCT new.job_id, new.direction, new.dataset_id, now(), now()
    FROM json_to_recordset(%s) AS new (job_id bigint, direction smallint, dataset_id bigint)
    ORDER BY 1, 2, 3
    ON CONFLICT (job_id, direction, dataset_id) DO NOTHING
"""

EXPLANATIONS = """
    INSERT INTO lineage_explanation (job_id, dataset_id, content, origin, current, problem)
    SELECT job_id, dataset_id, content, 'view', true, problem
    FROM json_to_recordset(%s) AS new (job_id bigint, dataset_id bigint, content uuid, problem text)
    ORDER BY job_id, dataset_id
    RETURNING dataset_id, id
"""

COLUMN_EDGES = """
    INSERT INTO lineage_columnedge (explanation_id, downstream_id, upstream_id, type, subtype, masking, current)
    SELECT DISTINCT explanation_id, downstream_id, upstream_id, type, subtype, masking, true
    FROM json_to_recordset(%s) AS new (
        explanation_id bigint, downstream_id bigint, upstream_id bigint, type smallint, subtype text, masking boolean
    )
    ON CONFLICT (explanation_id, downstream_id, upstream_id, type, subtype, masking) DO NOTHING
"""

VIEWS_OVER = """
    SELECT DISTINCT downstream_id FROM lineage_datasetedge WHERE upstream_id = ANY(%s) AND origin = 'view' ORDER BY 1
"""
