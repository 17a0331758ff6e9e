"""The folded state as plain values without surrogate ids, so that two databases or two orders can be compared."""

from __future__ import annotations

from typing import Any

from django.db import connection

_PARTS = {
    "jobs": "SELECT namespace, name, first_seen, last_seen, latest_run, latest_state, latest_at FROM lineage_job",
    "runs": """
        SELECT run.id, job.namespace, job.name, parent, first_at, last_at, started_at, ended_at, completed_at, state, began_at
        FROM lineage_run AS run JOIN lineage_job AS job ON job.id = run.job_id
    """,
    "observations": """
        SELECT run_id, job.name, direction, dataset.namespace, dataset.qualified_name, first_at, last_at, content.value::text
        FROM lineage_rundataset AS seen
        JOIN lineage_job AS job ON job.id = seen.job_id
        JOIN catalog_dataset AS dataset ON dataset.id = seen.dataset_id
        LEFT JOIN lineage_content AS content ON content.digest = seen.schema
    """,
    "links": """
        SELECT job.name, direction, dataset.qualified_name, link.first_seen, link.last_seen
        FROM lineage_jobdataset AS link
        JOIN lineage_job AS job ON job.id = link.job_id
        JOIN catalog_dataset AS dataset ON dataset.id = link.dataset_id
    """,
    "edges": """
        SELECT up.qualified_name, down.qualified_name, job.name, edge.first_seen, edge.last_seen
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
    """,
    "fields": """
        SELECT dataset.qualified_name, field.path, position, native_type, type FROM catalog_field AS field
        JOIN catalog_dataset AS dataset ON dataset.id = field.dataset_id WHERE field.gone_since IS NULL
    """,
    "datasets": """
        SELECT namespace, qualified_name, data_updated_at FROM catalog_dataset WHERE source_id IS NULL
    """,
}


def folded_state() -> dict[str, list[Any]]:
    found = {}
    with connection.cursor() as cursor:
        for part, statement in _PARTS.items():
            cursor.execute(statement)
            found[part] = sorted(cursor.fetchall(), key=repr)
    return found


_TABLES = [
    "rundatasetfacet",
    "runfacet",
    "jobfacet",
    "datasetfacet",
    "datasetedge",
    "jobdataset",
    "rundataset",
    "run",
    "job",
    "content",
    "schemaobservation",
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
        pipelines_only = "SELECT id FROM catalog_dataset WHERE source_id IS NULL"
        for table in ("field", "schemaversion", "datasetname"):
            cursor.execute(f"DELETE FROM catalog_{table} WHERE dataset_id IN ({pipelines_only})")
        cursor.execute("DELETE FROM catalog_dataset WHERE source_id IS NULL")
