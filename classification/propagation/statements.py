"""The SQL of propagation: lineage as the pure cores see it, what is carried, and the labels that follow."""

from __future__ import annotations

from classification.propagation.spread import Kind

# What OpenLineage calls DIRECT carries; INDIRECT does not. Old producers tell only the subtype, or nothing: then it carries.
KIND = f"""
    CASE
        WHEN edge.type = 2 THEN {Kind.INDIRECT}
        WHEN edge.type = 0 AND edge.subtype IN ('FILTER', 'JOIN', 'GROUP_BY', 'SORT', 'WINDOW', 'CONDITIONAL')
            THEN {Kind.INDIRECT}
        WHEN edge.masking THEN {Kind.MASKING}
        WHEN edge.subtype = 'AGGREGATION' THEN {Kind.AGGREGATION}
        WHEN edge.subtype = 'IDENTITY' THEN {Kind.IDENTITY}
        ELSE {Kind.TRANSFORMATION}
    END
"""

# Between columns: a whole dataset, which has no name here, raises nothing and is raised by nothing.
_CURRENT = f"""
    SELECT edge.upstream_id, edge.downstream_id, {KIND} AS kind, explanation.job_id
    FROM lineage_columnedge AS edge
    JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id
    JOIN lineage_column AS up ON up.id = edge.upstream_id AND up.name <> ''
    JOIN lineage_column AS down ON down.id = edge.downstream_id AND down.name <> ''
    WHERE edge.current AND edge.type <> 2 AND NOT edge.masking AND edge.upstream_id <> edge.downstream_id
"""  # noqa: S608 -- constants only

_HELD = f"""
    SELECT edge.upstream_id, edge.downstream_id, {Kind.HELD}, edge.job_id
    FROM classification_heldmasking AS edge WHERE true
"""  # noqa: S608 -- constants only

EDGES = f"{_CURRENT} UNION ALL {_HELD}"
_INTO = "AND edge.downstream_id = ANY(%(columns)s::bigint[])"
_OUT_OF = "AND edge.upstream_id = ANY(%(columns)s::bigint[])"
EDGES_INTO = f"{_CURRENT} {_INTO} UNION ALL {_HELD} {_INTO}"
EDGES_OUT_OF = f"{_CURRENT} {_OUT_OF} UNION ALL {_HELD} {_OUT_OF}"

# Masking that pipelines tell of (a view's definition is a fact of its source) and that no steward believed yet.
MASKING_INTO = f"""
    SELECT DISTINCT edge.upstream_id, edge.downstream_id, {Kind.MASKING}, explanation.job_id
    FROM lineage_columnedge AS edge
    JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id AND explanation.origin <> 'view'
    JOIN lineage_column AS up ON up.id = edge.upstream_id AND up.name <> ''
    JOIN lineage_column AS down ON down.id = edge.downstream_id AND down.name <> ''
    WHERE edge.current AND {KIND} = {Kind.MASKING} AND edge.downstream_id = ANY(%s::bigint[])
      AND NOT EXISTS (
          SELECT FROM classification_heldmasking AS held
          WHERE held.upstream_id = edge.upstream_id AND held.downstream_id = edge.downstream_id
            AND held.job_id = explanation.job_id
      )
      AND NOT EXISTS (
          SELECT FROM catalog_proposal AS asked
          WHERE asked.dataset_id = down.dataset_id AND asked.kind = 'masking' AND asked.state = 'accepted'
            AND asked.payload ->> 'field' = down.name AND (asked.payload ->> 'job')::bigint = explanation.job_id
      )
"""  # noqa: S608 -- constants only

_OWN = """
    SELECT DISTINCT ON (own.id) own.id, level.rank, label.category_id, label.origin = 'person'
    FROM lineage_column AS own
    JOIN catalog_field AS field ON field.dataset_id = own.dataset_id AND array_to_string(field.path, '.') = own.name
    JOIN classification_label AS label ON label.dataset_id = field.dataset_id AND label.field_id = field.id
    JOIN classification_level AS level ON level.id = label.level_id
    WHERE label.state = 'confirmed' AND label.valid_to IS NULL
"""
_STRONGEST = """
    ORDER BY own.id, array_position(ARRAY['person', 'code', 'pipeline', 'crawl'], label.origin::text), level.rank DESC
"""
OWN = f"{_OWN} {_STRONGEST}"
OWN_OF = f"{_OWN} AND own.id = ANY(%s::bigint[]) {_STRONGEST}"

_CARRIED = "column_id, rank, cost, source_id, via_id, job_id, category_id"
CARRIED = f"SELECT {_CARRIED} FROM classification_carriedlabel"  # noqa: S608 -- constants only
CARRIED_BY = f"{CARRIED} WHERE column_id = ANY(%s::bigint[])"
CARRIED_THROUGH = f"""
    WITH RECURSIVE through AS (
        {CARRIED_BY}
        UNION
        SELECT further.column_id, further.rank, further.cost, further.source_id, further.via_id, further.job_id,
               further.category_id
        FROM classification_carriedlabel AS further JOIN through ON further.via_id = through.column_id
    )
    SELECT * FROM through LIMIT %s
"""  # noqa: S608 -- constants only

FORGET_CARRIED = "DELETE FROM classification_carriedlabel WHERE column_id = ANY(%s::bigint[])"
ADD_CARRIED = f"COPY classification_carriedlabel ({_CARRIED}) FROM STDIN"

# Masking that is no longer told, or that carries openly besides, is not held any more.
RELEASE = """
    DELETE FROM classification_heldmasking AS held
    WHERE (%(columns)s::bigint[] IS NULL OR held.downstream_id = ANY(%(columns)s::bigint[]))
      AND NOT EXISTS (
          SELECT FROM lineage_columnedge AS edge
          JOIN lineage_explanation AS explanation ON explanation.id = edge.explanation_id
          WHERE edge.downstream_id = held.downstream_id AND edge.upstream_id = held.upstream_id
            AND explanation.job_id = held.job_id AND edge.current AND edge.masking AND edge.type <> 2
      )
"""

HOLD = """
    INSERT INTO classification_heldmasking (upstream_id, downstream_id, job_id, since)
    SELECT new.*, now() FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (upstream_id, downstream_id, job_id)
    ON CONFLICT DO NOTHING
"""

LET_GO = """
    DELETE FROM classification_heldmasking AS held USING lineage_column AS down
    WHERE down.id = held.downstream_id AND down.dataset_id = %s AND down.name = %s AND held.job_id = %s
    RETURNING held.downstream_id
"""

# What is held of these datasets, by column and job, with the label at stake.
# Who told it: the sender of the columns that the job's latest run told of the dataset, else of the job's code.
HELD_OF = """
    SELECT held.dataset_id, held.field, job.id, job.namespace, job.name, held.since, coalesce(
        (
            SELECT (SELECT event.principal_id FROM lineage_event AS event WHERE event.digest = seen.columns_digest LIMIT 1)
            FROM catalog_dataset AS member
            JOIN lineage_rundataset AS seen
              ON seen.dataset_id = member.id AND seen.direction = 2 AND seen.job_id = held.job_id
             AND seen.columns IS NOT NULL
            WHERE member.id = held.dataset_id OR member.merged_into_id = held.dataset_id
            ORDER BY seen.last_at DESC LIMIT 1
        ), (
            SELECT event.principal_id FROM lineage_jobfacet AS code
            JOIN lineage_event AS event ON event.digest = code.digest
            WHERE code.job_id = held.job_id AND code.name = 'sql' LIMIT 1
        )
    )
    FROM (
        SELECT down.dataset_id, down.name AS field, held.job_id, min(held.since) AS since
        FROM classification_heldmasking AS held
        JOIN lineage_column AS down ON down.id = held.downstream_id
        WHERE down.dataset_id = ANY(%s::bigint[])
        GROUP BY down.dataset_id, down.name, held.job_id
    ) AS held
    JOIN lineage_job AS job ON job.id = held.job_id
"""

DATASETS_HELD = """
    SELECT DISTINCT down.dataset_id FROM classification_heldmasking AS held
    JOIN lineage_column AS down ON down.id = held.downstream_id
"""
DATASETS_OF = "SELECT DISTINCT dataset_id FROM lineage_column WHERE id = ANY(%s::bigint[])"
COLUMNS_OF = "SELECT id FROM lineage_column WHERE dataset_id = ANY(%s::bigint[]) AND name <> ''"

# Fields by the columns of lineage: looked up once, though each label asks for three.
_KNOWN = """
    SELECT own.id AS column_id, field.id AS field_id, field.dataset_id, field.gone_since
    FROM lineage_column AS own
    JOIN catalog_field AS field ON field.dataset_id = own.dataset_id AND array_to_string(field.path, '.') = own.name
"""
_STANDING = """
    SELECT label.id, label.dataset_id, label.field_id, label.level_id, label.category_id, label.source_id, label.via_id,
           label.via_job, label.hint
    FROM classification_label AS label WHERE label.state = 'inherited' AND label.valid_to IS NULL
"""

# The labels that should be, and those that are; what differs.
# In the order of fields: written in any other, each label touches other pages of each index, which takes half as long again.
_LABEL_CHANGES = f"""
    wanted AS MATERIALIZED (
        -- Paths with dots in their parts may share a name.
        SELECT DISTINCT ON (own.field_id) own.dataset_id, own.field_id, level.id AS level_id,
               CASE WHEN mod(carried.cost, {1 << 40}) >= {1 << 20} THEN NULL ELSE carried.category_id END AS category_id,
               source.field_id AS source_id, via.field_id AS via_id, carried.job_id AS via_job,
               CASE WHEN carried.cost >= {1 << 40} THEN %(held)s::text
                    WHEN carried.cost >= {1 << 20} THEN %(aggregated)s::text ELSE '' END AS hint
        FROM carried
        JOIN classification_level AS level ON level.rank = carried.rank
        JOIN known AS own ON own.column_id = carried.column_id AND own.gone_since IS NULL
        JOIN known AS source ON source.column_id = carried.source_id
        LEFT JOIN known AS via ON via.column_id = carried.via_id
        ORDER BY own.field_id, source.field_id, via.field_id
    )
    SELECT standing.id, coalesce(wanted.dataset_id, standing.dataset_id), coalesce(wanted.field_id, standing.field_id),
           wanted.level_id, wanted.category_id, wanted.source_id, wanted.via_id, wanted.via_job, wanted.hint,
           (standing.level_id, standing.category_id, standing.source_id, standing.hint)
               IS NOT DISTINCT FROM (wanted.level_id, wanted.category_id, wanted.source_id, wanted.hint)
    FROM wanted FULL JOIN standing ON standing.field_id = wanted.field_id
    WHERE (standing.level_id, standing.category_id, standing.source_id, standing.via_id, standing.via_job, standing.hint)
          IS DISTINCT FROM
          (wanted.level_id, wanted.category_id, wanted.source_id, wanted.via_id, wanted.via_job, wanted.hint)
    ORDER BY 2, 3
"""  # noqa: S608 -- constants only
LABEL_CHANGES = f"""
    WITH carried AS ({CARRIED} WHERE via_id <> 0), known AS MATERIALIZED ({_KNOWN}), standing AS MATERIALIZED ({_STANDING}),
    {_LABEL_CHANGES}
"""
LABEL_CHANGES_OF = f"""
    WITH carried AS MATERIALIZED (
        {CARRIED} WHERE via_id <> 0 AND column_id = ANY(%(columns)s::bigint[])
    ), known AS MATERIALIZED (
        {_KNOWN} WHERE own.id IN (SELECT unnest(ARRAY[column_id, source_id, via_id]) FROM carried)
    ), standing AS MATERIALIZED (
        {_STANDING} AND label.field_id IN (SELECT field_id FROM ({_KNOWN} WHERE own.id = ANY(%(columns)s::bigint[])) AS known)
    ),
    {_LABEL_CHANGES}
"""  # noqa: S608 -- constants only

MOVE_LABELS = """
    UPDATE classification_label AS label SET via_id = new.via_id, via_job = new.via_job
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS new (id, via_id, via_job) WHERE label.id = new.id
"""

ADD_LABELS = """
    COPY classification_label (
        dataset_id, field_id, level_id, category_id, source_id, via_id, via_job, hint,
        state, origin, author_id, reason, phrase, valid_from
    ) FROM STDIN
"""
