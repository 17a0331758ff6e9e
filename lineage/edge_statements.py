"""The SQL that derives edges from observations, for the outputs that were touched. All of it runs with their jobs locked.

What a dataset is made of is what the latest run that wrote it read, for each job that writes it. A run that failed counts
only where there is no other among the latest; a run that read nothing says nothing. Of a job that was deleted, only what
came later counts.
"""

from __future__ import annotations

from lineage.changed_columns import NOTE_CHANGED

_LOOK_BACK = 20
"""How many of a job's latest writings of a dataset are looked at for one that did not fail."""

# Outputs of these runs (and declarations), and all outputs of the jobs that were deleted, by the dataset that stands.
_TOUCHED = """
    touched AS MATERIALIZED (
        SELECT DISTINCT written.job_id, coalesce(dataset.merged_into_id, dataset.id) AS downstream_id
        FROM (SELECT value::uuid AS run_id FROM json_array_elements_text(%(runs)s::json)) AS run
        JOIN lineage_rundataset AS written ON written.run_id = run.run_id AND written.direction = 2
        JOIN catalog_dataset AS dataset ON dataset.id = written.dataset_id
        UNION
        SELECT link.job_id, link.dataset_id FROM lineage_jobdataset AS link
        WHERE link.job_id = ANY(%(jobs)s) AND link.direction = 2
    )
"""


# The latest writings of a job and a dataset, under each of its names: read from the index in this order, so that a job's
# thousandth run costs what its second did. Takes a condition, the columns wanted, how many, and what decides between
# names that one run wrote to at the same time.
def _latest_writings(condition: str, columns: str, count: int, tie: str = "") -> str:
    return f"""
        SELECT written.* FROM (
            SELECT touched.downstream_id AS id
            UNION ALL
            SELECT id FROM catalog_dataset WHERE merged_into_id = touched.downstream_id
        ) AS member
        CROSS JOIN LATERAL (
            SELECT {columns} FROM lineage_rundataset AS written
            WHERE written.dataset_id = member.id AND written.direction = 2 AND written.job_id = touched.job_id
              AND (job.deleted_at IS NULL OR written.last_at > job.deleted_at)
              AND ({condition})
            ORDER BY written.last_at DESC, written.run_id DESC LIMIT {count}
        ) AS written
        ORDER BY written.last_at DESC, written.run_id DESC {tie} LIMIT {count}
    """  # noqa: S608 -- constants only


# The pairs of a writing: the inputs told one by one, else everything that the run read.
_READ = """
    SELECT told.input_id AS dataset_id, written.first_at, written.last_at
    FROM lineage_toldinput AS told
    WHERE told.run_id = written.run_id AND told.job_id = written.job_id AND told.dataset_id = written.dataset_id
      AND told.digest = written.told_digest
    UNION ALL
    SELECT read.dataset_id, least(read.first_at, written.first_at), greatest(read.last_at, written.last_at)
    FROM lineage_rundataset AS read
    WHERE written.told_at IS NULL
      AND read.run_id = written.run_id AND read.job_id = written.job_id AND read.direction = 1
"""

# Whatever a run read or was told while it wrote: never less than before, however late its events come.
_EVER_READ = """
    SELECT told.input_id AS dataset_id, written.first_at, written.last_at
    FROM lineage_toldinput AS told
    WHERE told.run_id = written.run_id AND told.job_id = written.job_id AND told.dataset_id = written.dataset_id
    UNION ALL
    SELECT read.dataset_id, least(read.first_at, written.first_at), greatest(read.last_at, written.last_at)
    FROM lineage_rundataset AS read
    WHERE read.run_id = written.run_id AND read.job_id = written.job_id AND read.direction = 1
"""

_TOLD_WHAT_IT_READ = """
    written.told_at IS NOT NULL OR EXISTS (
        SELECT FROM lineage_rundataset AS read
        WHERE read.run_id = written.run_id AND read.job_id = written.job_id AND read.direction = 1
    )
"""

_LATEST = f"""
    latest AS MATERIALIZED (
        SELECT touched.job_id, touched.downstream_id, recent.run_id
        FROM touched JOIN lineage_job AS job ON job.id = touched.job_id
        JOIN LATERAL (
            -- Nearly always the newest did not fail. The fence keeps this from being worked out twice.
            SELECT coalesce(
                (
                    SELECT newest.run_id
                    FROM ({_latest_writings(_TOLD_WHAT_IT_READ, "written.run_id, written.last_at", 1)}) AS newest
                    WHERE NOT EXISTS (
                        SELECT FROM lineage_run AS run
                        WHERE run.id = newest.run_id AND run.ended_state IN ('failed', 'aborted')
                    )
                ), (
                    SELECT near.run_id
                    FROM ({_latest_writings(_TOLD_WHAT_IT_READ, "written.run_id, written.last_at", _LOOK_BACK)}) AS near
                    LEFT JOIN lineage_run AS run ON run.id = near.run_id
                    ORDER BY run.ended_state IN ('failed', 'aborted') IS TRUE, near.last_at DESC, near.run_id DESC LIMIT 1
                )
            ) AS run_id
            OFFSET 0
        ) AS recent ON recent.run_id IS NOT NULL
    ), writings AS MATERIALIZED (
        -- Under several names of the dataset, if it has them: one run may write to all.
        SELECT latest.downstream_id, written.*
        FROM latest
        JOIN lineage_rundataset AS written
          ON written.run_id = latest.run_id AND written.job_id = latest.job_id AND written.direction = 2
        JOIN catalog_dataset AS down
          ON down.id = written.dataset_id AND coalesce(down.merged_into_id, down.id) = latest.downstream_id
    ), pairs AS MATERIALIZED (
        SELECT written.job_id, written.downstream_id, coalesce(up.merged_into_id, up.id) AS upstream_id,
               min(written.run_id::text)::uuid AS run_id, min(read.first_at) AS first_at, max(read.last_at) AS last_at
        FROM writings AS written
        CROSS JOIN LATERAL ({_READ}) AS read
        JOIN catalog_dataset AS up ON up.id = read.dataset_id
        GROUP BY 1, 2, 3
    )
"""  # noqa: S608 -- constants only

# Over all that these runs have read and written so far: START may tell the inputs and COMPLETE the outputs. What is current
# comes with it, so that an edge that repeats is written once; `past` are current edges that neither part mentions.
EDGES = f"""
    WITH {_TOUCHED}, {_LATEST}, history AS MATERIALIZED (
        SELECT written.job_id, coalesce(down.merged_into_id, down.id) AS downstream_id,
               coalesce(up.merged_into_id, up.id) AS upstream_id,
               min(read.first_at) AS first_at, max(read.last_at) AS last_at
        FROM (SELECT value::uuid AS run_id FROM json_array_elements_text(%(runs)s::json)) AS run
        JOIN lineage_rundataset AS written ON written.run_id = run.run_id AND written.direction = 2
        CROSS JOIN LATERAL ({_EVER_READ}) AS read
        JOIN catalog_dataset AS down ON down.id = written.dataset_id
        JOIN catalog_dataset AS up ON up.id = read.dataset_id
        GROUP BY 1, 2, 3
    ), now_known AS MATERIALIZED (
        SELECT downstream_id, upstream_id, job_id, pairs.run_id,
               least(history.first_at, pairs.first_at) AS first_at, greatest(history.last_at, pairs.last_at) AS last_at
        FROM history FULL JOIN pairs USING (downstream_id, upstream_id, job_id)
    ), past AS (
        UPDATE lineage_datasetedge AS edge SET current = false, run_id = NULL
        FROM touched
        WHERE edge.job_id = touched.job_id AND edge.downstream_id = touched.downstream_id AND edge.current
          AND edge.origin = 'event' AND NOT EXISTS (
              SELECT FROM now_known
              WHERE now_known.job_id = edge.job_id AND now_known.downstream_id = edge.downstream_id
                AND now_known.upstream_id = edge.upstream_id
          )
    )
    INSERT INTO lineage_datasetedge AS known (
        downstream_id, upstream_id, job_id, current, run_id, first_seen, last_seen
    )
    SELECT downstream_id, upstream_id, job_id, run_id IS NOT NULL, run_id, first_at, last_at
    FROM now_known
    ORDER BY downstream_id, upstream_id, job_id
    ON CONFLICT (downstream_id, upstream_id, job_id) DO UPDATE SET
        origin = 'event',
        current = excluded.current,
        run_id = excluded.run_id,
        first_seen = least(known.first_seen, excluded.first_seen),
        last_seen = greatest(known.last_seen, excluded.last_seen)
    WHERE excluded.first_seen < known.first_seen OR excluded.last_seen > known.last_seen
       OR known.origin <> 'event'
       OR (known.current, known.run_id) IS DISTINCT FROM (excluded.current, excluded.run_id)
"""  # noqa: S608 -- constants only

EXPLANATIONS = """
    INSERT INTO lineage_explanation (job_id, dataset_id, content, origin)
    SELECT DISTINCT written.job_id, coalesce(dataset.merged_into_id, dataset.id), written.columns, 'event'
    FROM (SELECT value::uuid AS run_id FROM json_array_elements_text(%(runs)s::json)) AS run
    JOIN lineage_rundataset AS written
      ON written.run_id = run.run_id AND written.direction = 2 AND written.columns IS NOT NULL
    JOIN catalog_dataset AS dataset ON dataset.id = written.dataset_id
    ORDER BY 1, 2, 3
    ON CONFLICT (job_id, dataset_id, content, origin) DO NOTHING
    RETURNING id, dataset_id, content
"""

_COLUMNS_TOLD = "written.columns, written.last_at, written.run_id"

# One content at most is current for a job and a dataset: that of its latest writing which tells columns at all.
_EXPLAINED = f"""
    explained AS MATERIALIZED (
        SELECT touched.job_id, touched.downstream_id, recent.columns
        FROM touched JOIN lineage_job AS job ON job.id = touched.job_id
        LEFT JOIN LATERAL (
            {_latest_writings("written.columns_at IS NOT NULL", _COLUMNS_TOLD, 1, tie=", written.columns DESC")}
        ) AS recent ON true
    )
"""  # noqa: S608 -- constants only

EXPLANATIONS_CURRENT = f"""
    WITH {_TOUCHED}, {_EXPLAINED}
    UPDATE lineage_explanation AS explanation SET current = (explanation.content = explained.columns) IS TRUE
    FROM explained
    WHERE explanation.job_id = explained.job_id AND explanation.dataset_id = explained.downstream_id
      AND explanation.origin = 'event' AND explanation.current <> ((explanation.content = explained.columns) IS TRUE)
    RETURNING explanation.id
"""  # noqa: S608 -- constants only

# Hops that begin or end to be current are noted by the columns that they flow into: `lineage.changed_columns`.
COLUMN_EDGES_CURRENT = f"""
    WITH changed AS (
        UPDATE lineage_columnedge AS edge SET current = explanation.current
        FROM lineage_explanation AS explanation
        WHERE explanation.id = ANY(%s) AND edge.explanation_id = explanation.id AND edge.current <> explanation.current
        RETURNING edge.downstream_id, true AS current
    )
    {NOTE_CHANGED}
"""  # noqa: S608 -- constants only

CONTENTS_OF = "SELECT digest, value FROM lineage_content WHERE digest = ANY(%s)"

COLUMNS = """
    INSERT INTO lineage_column (dataset_id, name)
    SELECT dataset_id, name FROM json_to_recordset(%s) AS new (dataset_id bigint, name text)
    ORDER BY dataset_id, name
    ON CONFLICT (dataset_id, name) DO NOTHING
"""

COLUMN_IDS = """
    SELECT known.dataset_id, known.name, known.id
    FROM json_to_recordset(%s) AS wanted (dataset_id bigint, name text)
    JOIN lineage_column AS known ON known.dataset_id = wanted.dataset_id AND known.name = wanted.name
"""

COLUMN_EDGES = f"""
    WITH changed AS (
        INSERT INTO lineage_columnedge (
            explanation_id, downstream_id, upstream_id, type, subtype, masking, description, current
        )
        SELECT new.explanation_id, new.downstream_id, new.upstream_id, new.type, new.subtype, new.masking,
               new.description, explanation.current
        FROM json_to_recordset(%s) AS new (
            explanation_id bigint, downstream_id bigint, upstream_id bigint, type smallint, subtype text, masking boolean,
            description text
        )
        JOIN lineage_explanation AS explanation ON explanation.id = new.explanation_id
        ORDER BY new.explanation_id, new.downstream_id, new.upstream_id
        ON CONFLICT (explanation_id, downstream_id, upstream_id, type, subtype, masking) DO NOTHING
        RETURNING downstream_id, current
    )
    {NOTE_CHANGED}
"""  # noqa: S608 -- constants only

EXPLANATION_PROBLEMS = """
    UPDATE lineage_explanation AS explanation SET problem = new.problem
    FROM json_to_recordset(%s) AS new (id bigint, problem text) WHERE explanation.id = new.id
"""

# For jobs whose datasets merged or came apart: everything that is derived from their observations, once more. What their
# SQL said goes too: it lacks then, and is read again.
FORGET_DERIVED = (
    f"""
    WITH changed AS (
        DELETE FROM lineage_columnedge AS edge USING lineage_explanation AS explanation
        WHERE explanation.id = edge.explanation_id AND explanation.job_id = ANY(%(jobs)s)
          AND explanation.origin IN ('event', 'sql')
        RETURNING edge.downstream_id, edge.current
    )
    {NOTE_CHANGED}
    """,  # noqa: S608 -- constants only
    "DELETE FROM lineage_explanation WHERE job_id = ANY(%(jobs)s) AND origin IN ('event', 'sql')",
    "DELETE FROM lineage_datasetedge WHERE job_id = ANY(%(jobs)s) AND origin IN ('event', 'sql')",
    "DELETE FROM lineage_jobdataset WHERE job_id = ANY(%(jobs)s)",
)

LINKS_AGAIN = """
    INSERT INTO lineage_jobdataset (job_id, direction, dataset_id, first_seen, last_seen)
    SELECT seen.job_id, seen.direction, coalesce(dataset.merged_into_id, dataset.id), min(seen.first_at), max(seen.last_at)
    FROM lineage_rundataset AS seen JOIN catalog_dataset AS dataset ON dataset.id = seen.dataset_id
    WHERE seen.job_id = ANY(%(jobs)s)
    GROUP BY 1, 2, 3
"""

RUNS_OF = "SELECT DISTINCT run_id FROM lineage_rundataset WHERE job_id = ANY(%(jobs)s) AND direction = 2"

# By what they read or wrote, and by the columns that they were told to be made of.
JOBS_TOUCHING = """
    SELECT seen.job_id FROM lineage_rundataset AS seen WHERE seen.dataset_id = ANY(%(ids)s)
    UNION
    SELECT explanation.job_id
    FROM lineage_column AS col
    JOIN lineage_columnedge AS edge ON edge.upstream_id = col.id
    JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id AND explanation.origin <> 'view'
    WHERE col.dataset_id = ANY(%(ids)s)
    ORDER BY 1
"""
