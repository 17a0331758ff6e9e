"""The folded state as plain values without surrogate ids, so that two databases or two orders can be compared.

Explanations that are not current are left out: one may have been read from what an event of the same run later replaced.
No read follows them but by a run's own observation.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

_PARTS = {
    "jobs": """
        SELECT namespace, name, first_seen, last_seen, deleted_at, latest_run, latest_state, latest_at, usual_seconds
        FROM lineage_job
    """,
    "runs": """
        SELECT run.id, job.namespace, job.name, parent, root, first_at, last_at, started_at, ended_at, completed_at, state,
               began_at, code.value::text
        FROM lineage_run AS run JOIN lineage_job AS job ON job.id = run.job_id
        LEFT JOIN lineage_content AS code ON code.digest = run.code
    """,
    "runs of one version": """
        SELECT array_agg(id ORDER BY id) FROM lineage_run WHERE version IS NOT NULL GROUP BY job_id, version
    """,
    "told inputs": """
        SELECT told.run_id, job.name, down.qualified_name, up.qualified_name FROM lineage_toldinput AS told
        JOIN lineage_rundataset AS seen
          ON seen.run_id = told.run_id AND seen.job_id = told.job_id AND seen.direction = 2
         AND seen.dataset_id = told.dataset_id AND seen.told_digest = told.digest
        JOIN lineage_job AS job ON job.id = told.job_id
        JOIN catalog_dataset AS up ON up.id = told.input_id
        JOIN catalog_dataset AS down ON down.id = told.dataset_id
    """,
    "explanations": """
        SELECT job.name, dataset.qualified_name, content.value::text, explanation.origin
        FROM lineage_explanation AS explanation
        JOIN lineage_job AS job ON job.id = explanation.job_id
        JOIN catalog_dataset AS dataset ON dataset.id = explanation.dataset_id
        JOIN lineage_content AS content ON content.digest = explanation.content
        WHERE explanation.current
    """,
    "column edges": """
        SELECT job.name, content.value::text, up_dataset.qualified_name, up.name, down_dataset.qualified_name, down.name,
               edge.type, edge.subtype, edge.masking, edge.description
        FROM lineage_columnedge AS edge
        JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id
        JOIN lineage_content AS content ON content.digest = explanation.content
        JOIN lineage_job AS job ON job.id = explanation.job_id
        JOIN lineage_column AS up ON up.id = edge.upstream_id
        JOIN lineage_column AS down ON down.id = edge.downstream_id
        JOIN catalog_dataset AS up_dataset ON up_dataset.id = up.dataset_id
        JOIN catalog_dataset AS down_dataset ON down_dataset.id = down.dataset_id
        WHERE edge.current
    """,
    "waiting jobs": """
        SELECT down.name, up.name, edge.first_seen, edge.last_seen FROM lineage_jobedge AS edge
        JOIN lineage_job AS up ON up.id = edge.upstream_id JOIN lineage_job AS down ON down.id = edge.downstream_id
    """,
    "merges": """
        SELECT merged.qualified_name, stands.qualified_name FROM catalog_dataset AS merged
        JOIN catalog_dataset AS stands ON stands.id = merged.merged_into_id
    """,
    "observations": """
        SELECT run_id, job.name, direction, dataset.namespace, dataset.qualified_name, first_at, last_at, content.value::text,
               columns.value::text, seen.version, told_at
        FROM lineage_rundataset AS seen
        LEFT JOIN lineage_content AS columns ON columns.digest = seen.columns
        JOIN lineage_job AS job ON job.id = seen.job_id
        JOIN catalog_dataset AS dataset ON dataset.id = seen.dataset_id
        LEFT JOIN lineage_content AS content ON content.digest = seen.schema
    """,
    "lives": """
        SELECT dataset.qualified_name, told_in, change.kind, previous.qualified_name, job.name, first_at, last_at
        FROM lineage_lifechange AS change
        JOIN catalog_dataset AS dataset ON dataset.id = change.dataset_id
        LEFT JOIN catalog_dataset AS previous ON previous.id = change.previous
        LEFT JOIN lineage_job AS job ON job.id = change.job_id
    """,
    "links": """
        SELECT job.name, direction, dataset.qualified_name, link.first_seen, link.last_seen
        FROM lineage_jobdataset AS link
        JOIN lineage_job AS job ON job.id = link.job_id
        JOIN catalog_dataset AS dataset ON dataset.id = link.dataset_id
    """,
    "edges": """
        SELECT up.qualified_name, down.qualified_name, job.name, edge.first_seen, edge.last_seen, edge.current, edge.run_id
        FROM lineage_datasetedge AS edge
        JOIN lineage_job AS job ON job.id = edge.job_id
        JOIN catalog_dataset AS up ON up.id = edge.upstream_id
        JOIN catalog_dataset AS down ON down.id = edge.downstream_id
    """,
    "run facets": """
        SELECT run_id, facet.name, at, value::text FROM lineage_runfacet AS facet
        LEFT JOIN lineage_content AS content ON content.digest = content_id
    """,
    "job facets": """
        SELECT job.name, facet.name, at, value::text FROM lineage_jobfacet AS facet
        JOIN lineage_job AS job ON job.id = facet.job_id
        LEFT JOIN lineage_content AS content ON content.digest = content_id
    """,
    "dataset facets": """
        SELECT dataset.qualified_name, facet.name, at, value::text FROM lineage_datasetfacet AS facet
        JOIN catalog_dataset AS dataset ON dataset.id = facet.dataset_id
        LEFT JOIN lineage_content AS content ON content.digest = content_id
    """,
    "use facets": """
        SELECT run_id, direction, dataset.qualified_name, facet.name, at, value::text FROM lineage_rundatasetfacet AS facet
        JOIN catalog_dataset AS dataset ON dataset.id = facet.dataset_id
        LEFT JOIN lineage_content AS content ON content.digest = content_id
    """,
    "schemas": """
        SELECT dataset.qualified_name, version.number, version.seen_at, version.content::text
        FROM catalog_schemaversion AS version JOIN catalog_dataset AS dataset ON dataset.id = version.dataset_id
        WHERE dataset.merged_into_id IS NULL
    """,
    "fields": """
        SELECT dataset.qualified_name, field.path, position, native_type, type FROM catalog_field AS field
        JOIN catalog_dataset AS dataset ON dataset.id = field.dataset_id WHERE field.gone_since IS NULL
          AND dataset.merged_into_id IS NULL
    """,
    "datasets": """
        SELECT namespace, qualified_name, data_updated_at FROM catalog_dataset WHERE source_id IS NULL
          AND merged_into_id IS NULL
    """,
}


def folded_state() -> dict[str, list[Any]]:
    with connection.cursor() as cursor:
        return state_at(cursor)


def state_at(cursor: Any) -> dict[str, list[Any]]:
    """The folded state of the database that a cursor is of."""
    found = {}
    for part, statement in _PARTS.items():
        cursor.execute(statement)
        found[part] = sorted(cursor.fetchall(), key=repr)
    return found


_TABLES = [
    "columnedge",
    "explanation",
    "column",
    "jobedge",
    "sameas",
    "toldinput",
    "rundatasetfacet",
    "runfacet",
    "jobfacet",
    "datasetfacet",
    "datasetedge",
    "jobdataset",
    "rundataset",
    "lifechange",
    "run",
    "job",
    "contentbody",
    "schemaobservation",
    "packedobservations",
    "dirtydataset",
    "setasideevent",
    "pendingevent",
    "event",
]


def forget() -> None:
    """Empty the log, the queue and the state, with the datasets that only pipelines spoke of."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"DELETE FROM lineage_{table}")
        cursor.execute("UPDATE catalog_dataset SET merged_into_id = NULL WHERE source_id IS NULL")
        pipelines_only = "SELECT id FROM catalog_dataset WHERE source_id IS NULL"
        for table in ("description", "ownership", "tagassignment", "proposal", "field", "schemaversion", "datasetname"):
            cursor.execute(f"DELETE FROM catalog_{table} WHERE dataset_id IN ({pipelines_only})")
        cursor.execute("DELETE FROM catalog_dataset WHERE source_id IS NULL")
