"""The SQL that reads how a label came to a column, and what influences the column."""

from __future__ import annotations

from classification.propagation.spread import Kind
from classification.propagation.statements import KIND

_KINDS = f"(ARRAY['identity', 'transformation', 'aggregation', 'masking', 'indirect'])[{KIND}]"
_JOB = "job.namespace || '/' || job.name"
# The latest run of the job that read the one dataset and wrote the other. A declaration's id is no run's.
_RUN = """
    LEFT JOIN lineage_datasetedge AS flow
      ON flow.upstream_id = up.dataset_id AND flow.downstream_id = down.dataset_id AND flow.job_id = job.id
    LEFT JOIN lineage_run AS run ON run.id = flow.run_id
"""
_FIELD = """
    LEFT JOIN LATERAL (
        SELECT field.id FROM catalog_field AS field
        WHERE field.dataset_id = {0}.dataset_id AND array_to_string(field.path, '.') = {0}.name ORDER BY field.id LIMIT 1
    ) AS {0}_field ON true
"""

_OWN = "SELECT id FROM lineage_column WHERE dataset_id = %(dataset)s AND name = %(column)s"

# From the source on. Of several things that a job does with the two columns, that which let the label through; a cost
# grows with every hop, so the walk back ends.
HOPS = f"""
    WITH RECURSIVE back AS (
        SELECT * FROM classification_carriedlabel WHERE column_id = ({_OWN})
        UNION ALL
        SELECT before.* FROM back JOIN classification_carriedlabel AS before
          ON before.column_id = back.via_id AND before.cost < back.cost
    )
    SELECT back.cost, back.rank, up.dataset_id, down.dataset_id, up.name, down.name, up_field.id, down_field.id,
           coalesce(told.kind, 'transformation'), coalesce(told.subtype, ''), coalesce(told.origin, ''),
           job.id, {_JOB}, run.id, coalesce(run.state, ''), run.began_at
    FROM back
    JOIN lineage_column AS down ON down.id = back.column_id
    JOIN lineage_column AS up ON up.id = back.via_id
    JOIN lineage_job AS job ON job.id = back.job_id
    LEFT JOIN LATERAL (
        SELECT {_KINDS} AS kind, edge.subtype, explanation.origin
        FROM lineage_columnedge AS edge
        JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id AND explanation.job_id = job.id
        WHERE edge.downstream_id = down.id AND edge.upstream_id = up.id AND edge.current AND {KIND} <> {Kind.INDIRECT}
        ORDER BY {KIND}, edge.subtype LIMIT 1
    ) AS told ON true
    {_RUN} {_FIELD.format("up")} {_FIELD.format("down")}
    WHERE back.via_id <> 0
    ORDER BY back.cost
"""  # noqa: S608 -- constants only

INFLUENCES = f"""
    SELECT DISTINCT ON (carried.rank, up.dataset_id, up.name, job.id, kind)
           carried.rank, down.name = '', up.dataset_id, up.name, up_field.id, {_KINDS} AS kind, edge.subtype,
           explanation.origin, job.id, {_JOB}, run.id, coalesce(run.state, ''), run.began_at
    FROM lineage_column AS down
    JOIN lineage_columnedge AS edge ON edge.downstream_id = down.id AND edge.current
    JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id
    JOIN lineage_job AS job ON job.id = explanation.job_id
    JOIN lineage_column AS up ON up.id = edge.upstream_id
    JOIN classification_carriedlabel AS carried ON carried.column_id = up.id
    {_RUN} {_FIELD.format("up")}
    WHERE down.dataset_id = %(dataset)s AND down.name IN (%(column)s, '')
      AND (down.name = '' OR {KIND} = {Kind.INDIRECT} OR ({KIND} = {Kind.MASKING} AND NOT EXISTS (
          SELECT FROM classification_heldmasking AS held
          WHERE held.upstream_id = up.id AND held.downstream_id = down.id AND held.job_id = job.id
      )))
    ORDER BY carried.rank DESC, up.dataset_id, up.name, job.id, kind, edge.subtype
    LIMIT 50
"""  # noqa: S608 -- constants only
