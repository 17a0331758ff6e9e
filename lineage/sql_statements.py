"""The SQL that reads definitions and jobs' SQL, and writes the edges that they say."""

from __future__ import annotations

from lineage.changed_columns import NOTE_CHANGED

VIEWS = """
    SELECT dataset.id, dataset.source_id, dataset.namespace, dataset.qualified_name, source.platform, dataset.path,
           dataset.definition
    FROM catalog_dataset AS dataset JOIN catalog_source AS source ON source.id = dataset.source_id
    WHERE dataset.id = ANY(%s) AND dataset.definition <> '' AND dataset.gone_since IS NULL
    ORDER BY dataset.id
"""

_COLUMNS = """
    coalesce((
        SELECT array_agg(field.path[1] ORDER BY field.position) FROM catalog_field AS field
        WHERE field.dataset_id = dataset.id AND field.gone_since IS NULL AND cardinality(field.path) = 1
    ), '{}')
"""

# Tables of a source by the last part of their path, and the views themselves: with their columns in order.
TABLES_OF_SOURCE = f"""
    SELECT coalesce(dataset.merged_into_id, dataset.id), dataset.path, {_COLUMNS} FROM catalog_dataset AS dataset
    WHERE dataset.source_id = %s AND (lower(dataset.name) = ANY(%s) OR dataset.id = ANY(%s)) AND dataset.gone_since IS NULL
"""  # noqa: S608 -- constants only

# The same by namespace, for what pipelines name: a dataset that no crawl found has only its name for a path.
TABLES_OF_NAMESPACE = f"""
    SELECT coalesce(dataset.merged_into_id, dataset.id),
           CASE WHEN cardinality(dataset.path) > 0 THEN dataset.path ELSE string_to_array(dataset.qualified_name, '.') END,
           {_COLUMNS}
    FROM catalog_dataset AS dataset
    WHERE dataset.namespace = %s AND (lower(dataset.name) = ANY(%s) OR dataset.id = ANY(%s)) AND dataset.gone_since IS NULL
"""  # noqa: S608 -- constants only

MAKE_JOBS = """
    INSERT INTO lineage_job (namespace, name, origin, latest_state)
    SELECT namespace, name, 'view', '' FROM json_to_recordset(%s) AS new (namespace text, name text)
    ORDER BY namespace, name
    ON CONFLICT (namespace, name) DO NOTHING
"""

# Of what is a view, and of what was one: those lose their edges.
JOBS_OF = """
    SELECT dataset.id, job.id FROM catalog_dataset AS dataset
    JOIN lineage_job AS job ON job.namespace = dataset.namespace AND job.name = dataset.qualified_name
    WHERE dataset.id = ANY(%s)
"""

LOCK_JOBS = "SELECT id FROM lineage_job WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

# Where no datasets are given, of the whole jobs; else each is the output of the job beside it.
_OF_OUTPUTS = (
    "(%(datasets)s::bigint[] IS NULL OR {} IN (SELECT * FROM unnest(%(jobs)s::bigint[], %(datasets)s::bigint[])))"
)

FORGET = (
    f"""
    WITH changed AS (
        DELETE FROM lineage_columnedge AS edge USING lineage_explanation AS explanation
        WHERE explanation.id = edge.explanation_id AND explanation.job_id = ANY(%(jobs)s)
          AND explanation.origin = %(origin)s AND {_OF_OUTPUTS.format("(explanation.job_id, explanation.dataset_id)")}
        RETURNING edge.downstream_id, edge.current
    )
    {NOTE_CHANGED}
    """,  # noqa: S608 -- constants only
    f"""
    DELETE FROM lineage_explanation
    WHERE job_id = ANY(%(jobs)s) AND origin = %(origin)s AND {_OF_OUTPUTS.format("(job_id, dataset_id)")}
    """,  # noqa: S608 -- constants only
    f"""
    DELETE FROM lineage_datasetedge
    WHERE job_id = ANY(%(jobs)s) AND origin = %(origin)s AND {_OF_OUTPUTS.format("(job_id, downstream_id)")}
    """,  # noqa: S608 -- constants only
)

# What a pipeline told stands: the same edge from SQL adds nothing.
EDGES = """
    INSERT INTO lineage_datasetedge (downstream_id, upstream_id, job_id, origin, current, first_seen, last_seen)
    SELECT new.downstream_id, new.upstream_id, new.job_id, new.origin, true,
           coalesce(job.first_seen, down.changed_at), coalesce(job.last_seen, down.last_seen)
    FROM json_to_recordset(%s) AS new (downstream_id bigint, upstream_id bigint, job_id bigint, origin text)
    JOIN catalog_dataset AS down ON down.id = new.downstream_id
    JOIN lineage_job AS job ON job.id = new.job_id
    ORDER BY new.downstream_id, new.upstream_id, new.job_id
    ON CONFLICT (downstream_id, upstream_id, job_id) DO NOTHING
"""

EXPLANATIONS = """
    INSERT INTO lineage_explanation (job_id, dataset_id, content, origin, current, problem)
    SELECT job_id, dataset_id, content, origin, true, problem
    FROM json_to_recordset(%s) AS new (job_id bigint, dataset_id bigint, content uuid, origin text, problem text)
    ORDER BY job_id, dataset_id
    RETURNING job_id, dataset_id, id
"""

COLUMN_EDGES = f"""
    WITH changed AS (
        INSERT INTO lineage_columnedge (explanation_id, downstream_id, upstream_id, type, subtype, masking, current)
        SELECT DISTINCT explanation_id, downstream_id, upstream_id, type, subtype, masking, true
        FROM json_to_recordset(%s) AS new (
            explanation_id bigint, downstream_id bigint, upstream_id bigint, type smallint, subtype text, masking boolean
        )
        ON CONFLICT (explanation_id, downstream_id, upstream_id, type, subtype, masking) DO NOTHING
        RETURNING downstream_id, current
    )
    {NOTE_CHANGED}
"""  # noqa: S608 -- constants only

# What a view's own job reads and writes: who may see it is asked of these.
LINKS = """
    WITH own AS (SELECT id FROM lineage_job WHERE id = ANY(%s) AND origin = 'view'), gone AS (
        DELETE FROM lineage_jobdataset AS link WHERE link.job_id IN (SELECT id FROM own) AND NOT EXISTS (
            SELECT FROM lineage_datasetedge AS edge
            WHERE edge.job_id = link.job_id AND link.dataset_id IN (edge.upstream_id, edge.downstream_id)
        )
    )
    INSERT INTO lineage_jobdataset (job_id, direction, dataset_id, first_seen, last_seen)
    SELECT DISTINCT edge.job_id, use.direction, use.dataset_id, now(), now()
    FROM lineage_datasetedge AS edge
    CROSS JOIN LATERAL (VALUES (1, edge.upstream_id), (2, edge.downstream_id)) AS use (direction, dataset_id)
    WHERE edge.job_id IN (SELECT id FROM own)
    ORDER BY 1, 2, 3
    ON CONFLICT (job_id, direction, dataset_id) DO NOTHING
"""

VIEWS_OVER = """
    SELECT DISTINCT downstream_id FROM lineage_datasetedge WHERE upstream_id = ANY(%s) AND origin = 'view' ORDER BY 1
"""

# Outputs whose columns no pipeline tells, of jobs whose SQL was not read for them yet. Standing jobs only.
_UNREAD = """
    FROM lineage_jobfacet AS facet
    JOIN lineage_job AS job ON job.id = facet.job_id AND (job.deleted_at IS NULL OR job.deleted_at < job.last_seen)
    JOIN lineage_content AS content ON content.digest = facet.content_id
    JOIN lineage_jobdataset AS link ON link.job_id = job.id AND link.direction = 2
    JOIN catalog_dataset AS output ON output.id = link.dataset_id
    WHERE facet.name = 'sql' AND NOT EXISTS (
        SELECT FROM lineage_explanation AS known
        WHERE known.job_id = job.id AND known.dataset_id = output.id
          AND ((known.origin = 'sql' AND known.content = facet.content_id) OR (known.origin = 'event' AND known.current))
    )
"""

UNREAD = f"""
    SELECT job.id, output.id, facet.content_id, content.value, output.namespace,
           CASE WHEN cardinality(output.path) > 0 THEN output.path ELSE string_to_array(output.qualified_name, '.') END
    {_UNREAD}
    ORDER BY job.id, output.id
    LIMIT %s
"""

STILL_UNREAD = f"""
    SELECT job.id, output.id, facet.content_id
    {_UNREAD}
      AND (job.id, output.id, facet.content_id) IN (
          SELECT job_id, dataset_id, content
          FROM json_to_recordset(%s) AS read (job_id bigint, dataset_id bigint, content uuid)
      )
"""  # noqa: S608 -- constants only

# Whoever merges datasets locks them against this: those that are given stand until the transaction ends.
HOLD_STANDING = """
    SELECT id FROM catalog_dataset WHERE id = ANY(%s) AND merged_into_id IS NULL ORDER BY id FOR KEY SHARE
"""

# What was read from SQL and no longer counts: a pipeline tells the columns itself, or the job was deleted.
OUTDATED = """
    SELECT own.job_id, own.dataset_id FROM lineage_explanation AS own
    JOIN lineage_job AS job ON job.id = own.job_id
    WHERE own.origin = 'sql' AND (
        job.deleted_at >= job.last_seen
        OR EXISTS (
            SELECT FROM lineage_explanation AS told
            WHERE told.job_id = own.job_id AND told.dataset_id = own.dataset_id AND told.origin = 'event' AND told.current
        )
    )
    ORDER BY own.job_id, own.dataset_id
    LIMIT %s
"""
