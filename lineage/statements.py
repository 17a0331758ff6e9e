"""The SQL of the fold. Each takes one JSON array; every write is in key order and merges as `lineage.fold` does."""

from __future__ import annotations

# The queue is read in the order of arrival; what another fold holds is passed over.
CLAIM = """
    SELECT event.id, event.digest, event.body
    FROM (
        SELECT event_id, received_at
        FROM lineage_pendingevent
        WHERE (not_before IS NULL OR not_before <= now())
          AND (%(only)s::bigint[] IS NULL OR event_id = ANY(%(only)s::bigint[]))
        ORDER BY event_id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS pending
    JOIN lineage_event AS event ON event.received_at = pending.received_at AND event.id = pending.event_id
"""

FIND_JOBS = """
    SELECT job.namespace, job.name, job.id
    FROM json_to_recordset(%s) AS wanted (namespace text, name text)
    JOIN lineage_job AS job ON job.namespace = wanted.namespace AND job.name = wanted.name
"""

# Of every dataset that is named: foreign keys are checked at the end only. Whoever merges datasets locks them against this,
# so what this fold links and derives is written before the merge, which then derives it again, or after it.
HOLD_DATASETS = "SELECT FROM catalog_dataset WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"

CREATE_JOBS = """
    INSERT INTO lineage_job (namespace, name, latest_state)
    SELECT namespace, name, '' FROM json_to_recordset(%s) AS new (namespace text, name text)
    ORDER BY namespace, name
    ON CONFLICT (namespace, name) DO NOTHING
"""

# Contents stay for ever, so what is known now is known when the rest is written.
NEW_CONTENTS = """
    SELECT told.digest FROM (SELECT value::uuid AS digest FROM json_array_elements_text(%s)) AS told
    WHERE NOT EXISTS (SELECT FROM lineage_contentbody AS known WHERE known.digest = told.digest)
"""

# Its own statement: the next one must see what another fold wrote in the meantime. What is known takes no number.
PROVENANCES = """
    INSERT INTO lineage_provenance (producer, schema_url)
    SELECT producer, schema_url FROM json_to_recordset(%s) AS new (producer text, schema_url text)
    WHERE NOT EXISTS (
        SELECT FROM lineage_provenance AS known WHERE known.producer = new.producer AND known.schema_url = new.schema_url
    )
    ORDER BY producer, schema_url
    ON CONFLICT (producer, schema_url) DO NOTHING
"""

CONTENTS = """
    INSERT INTO lineage_contentbody (digest, provenance_id, members)
    SELECT new.digest, provenance.id, new.members
    FROM json_to_recordset(%s) AS new (digest uuid, producer text, schema_url text, members jsonb)
    LEFT JOIN lineage_provenance AS provenance
      ON provenance.producer = new.producer AND provenance.schema_url = new.schema_url
    ORDER BY new.digest
    ON CONFLICT (digest) DO NOTHING
"""


def _register(name: str, at: str, digest: str) -> str:
    """The assignments that keep the later of two registers."""
    later = f"(known.{at} IS NULL OR (excluded.{at}, excluded.{digest}) > (known.{at}, known.{digest}))"
    return f"""
        {name} = CASE WHEN {later} THEN excluded.{name} ELSE known.{name} END,
        {digest} = CASE WHEN {later} THEN excluded.{digest} ELSE known.{digest} END,
        {at} = greatest(known.{at}, excluded.{at})"""


def _version(completed_at: str, uses: str, code: str) -> str:
    """A run has a version when it is complete: until then it may still read and write more."""
    return f"CASE WHEN {completed_at} IS NOT NULL THEN md5(concat({uses}, '|', {code}))::uuid END"


# Also locks the runs that it does not change. The job of a run is the one that its first event names. The version of a new
# run is that of what this batch knows of it, so that a run that is told at once is written once; RUN_FACTS sees to the rest.
RUNS = f"""
    INSERT INTO lineage_run AS known (
        id, job_id, first_at, first_digest, last_at, started_at, ended_at, ended_digest, ended_state, completed_at,
        code, code_at, code_digest, version
    )
    SELECT id, job_id, first_seen, first_digest, last_seen, started_at, ended_at, ended_digest, ended_state, completed_at,
           code, code_at, code_digest, {_version("completed_at", "uses", "code")}
    FROM json_to_recordset(%s) AS new (
        id uuid, job_id bigint, first_seen timestamptz, first_digest uuid, last_seen timestamptz, started_at timestamptz,
        ended_at timestamptz, ended_digest uuid, ended_state text, completed_at timestamptz,
        code uuid, code_at timestamptz, code_digest uuid, uses text
    )
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        previous_job = known.job_id,
        job_id = CASE WHEN (excluded.first_at, excluded.first_digest) < (known.first_at, known.first_digest)
                 THEN excluded.job_id ELSE known.job_id END,
        first_digest = CASE WHEN (excluded.first_at, excluded.first_digest) < (known.first_at, known.first_digest)
                       THEN excluded.first_digest ELSE known.first_digest END,
        first_at = least(known.first_at, excluded.first_at),
        last_at = greatest(known.last_at, excluded.last_at),
        started_at = least(known.started_at, excluded.started_at),
        completed_at = greatest(known.completed_at, excluded.completed_at),
        {_register("ended_state", "ended_at", "ended_digest")},
        {_register("code", "code_at", "code_digest")}
    RETURNING job_id, previous_job
"""  # noqa: S608 -- constants only

OBSERVATIONS = f"""
    INSERT INTO lineage_rundataset AS known (
        run_id, job_id, direction, dataset_id, first_at, last_at, schema, schema_at, schema_digest,
        columns, columns_at, columns_digest, version, version_at, version_digest, told_at, told_digest
    )
    SELECT run_id, job_id, direction, dataset_id, first_seen, last_seen, schema, schema_at, schema_digest,
           columns, columns_at, columns_digest, version, version_at, version_digest, told_at, told_digest
    FROM json_to_recordset(%s) AS new (
        run_id uuid, job_id bigint, direction smallint, dataset_id bigint, first_seen timestamptz, last_seen timestamptz,
        schema uuid, schema_at timestamptz, schema_digest uuid, columns uuid, columns_at timestamptz, columns_digest uuid,
        version text, version_at timestamptz, version_digest uuid, told_at timestamptz, told_digest uuid
    )
    ORDER BY run_id, job_id, direction, dataset_id
    ON CONFLICT (run_id, job_id, direction, dataset_id) DO UPDATE SET
        first_at = least(known.first_at, excluded.first_at),
        last_at = greatest(known.last_at, excluded.last_at),
        {_register("schema", "schema_at", "schema_digest")},
        {_register("columns", "columns_at", "columns_digest")},
        {_register("version", "version_at", "version_digest")},
        told_digest = CASE WHEN known.told_at IS NULL
                           OR (excluded.told_at, excluded.told_digest) > (known.told_at, known.told_digest)
                      THEN excluded.told_digest ELSE known.told_digest END,
        told_at = greatest(known.told_at, excluded.told_at)
"""  # noqa: S608 -- constants only

TOLD_INPUTS = """
    INSERT INTO lineage_toldinput (run_id, job_id, dataset_id, digest, input_id)
    SELECT run_id, job_id, dataset_id, digest, input_id
    FROM json_to_recordset(%s) AS new (run_id uuid, job_id bigint, dataset_id bigint, digest uuid, input_id bigint)
    ORDER BY run_id, job_id, dataset_id, digest, input_id
    ON CONFLICT (run_id, job_id, dataset_id, digest, input_id) DO NOTHING
"""

# Links name the dataset that stands for the one that was told: who may see a job is asked of it.
LINKS = """
    INSERT INTO lineage_jobdataset AS known (job_id, direction, dataset_id, first_seen, last_seen)
    SELECT new.job_id, new.direction, coalesce(dataset.merged_into_id, dataset.id), min(new.first_seen), max(new.last_seen)
    FROM json_to_recordset(%s) AS new (
        job_id bigint, direction smallint, dataset_id bigint, first_seen timestamptz, last_seen timestamptz
    )
    JOIN catalog_dataset AS dataset ON dataset.id = new.dataset_id
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
    ON CONFLICT (job_id, direction, dataset_id) DO UPDATE SET
        first_seen = least(known.first_seen, excluded.first_seen),
        last_seen = greatest(known.last_seen, excluded.last_seen)
    WHERE excluded.first_seen < known.first_seen OR excluded.last_seen > known.last_seen
"""

JOB_EDGES = """
    INSERT INTO lineage_jobedge AS known (downstream_id, upstream_id, first_seen, last_seen)
    SELECT downstream_id, upstream_id, first_seen, last_seen
    FROM json_to_recordset(%s) AS new (
        downstream_id bigint, upstream_id bigint, first_seen timestamptz, last_seen timestamptz
    )
    ORDER BY downstream_id, upstream_id
    ON CONFLICT (downstream_id, upstream_id) DO UPDATE SET
        first_seen = least(known.first_seen, excluded.first_seen),
        last_seen = greatest(known.last_seen, excluded.last_seen)
    WHERE excluded.first_seen < known.first_seen OR excluded.last_seen > known.last_seen
"""

RENAMES = """
    INSERT INTO lineage_sameas AS known (first_id, second_id, renamed)
    SELECT first_id, second_id, true FROM json_to_recordset(%s) AS new (first_id bigint, second_id bigint)
    ORDER BY first_id, second_id
    ON CONFLICT (first_id, second_id) DO UPDATE SET renamed = true WHERE NOT known.renamed
"""

# What one run or event says once it always says: only its times are merged.
LIFE_CHANGES = """
    INSERT INTO lineage_lifechange AS known (dataset_id, told_in, kind, previous, job_id, first_at, last_at)
    SELECT dataset_id, told_in, kind, previous, job_id, first_seen, last_seen
    FROM json_to_recordset(%s) AS new (
        dataset_id bigint, told_in uuid, kind smallint, previous bigint, job_id bigint,
        first_seen timestamptz, last_seen timestamptz
    )
    ORDER BY dataset_id, told_in, kind, previous
    ON CONFLICT (dataset_id, told_in, kind, previous) DO UPDATE SET
        first_at = least(known.first_at, excluded.first_at),
        last_at = greatest(known.last_at, excluded.last_at)
    WHERE excluded.first_at < known.first_at OR excluded.last_at > known.last_at
"""


def _facets(table: str, key: str, types: str) -> str:
    return f"""
        INSERT INTO {table} AS known ({key}, at, digest, content_id)
        SELECT {key}, at, digest, content_id
        FROM json_to_recordset(%s) AS new ({types}, at timestamptz, digest uuid, content_id uuid)
        ORDER BY {key}
        ON CONFLICT ({key}) DO UPDATE SET at = excluded.at, digest = excluded.digest, content_id = excluded.content_id
        WHERE (excluded.at, excluded.digest) > (known.at, known.digest)
    """  # noqa: S608 -- the four calls below, constants only


RUN_FACETS = _facets("lineage_runfacet", "run_id, name", "run_id uuid, name text")
JOB_FACETS = _facets("lineage_jobfacet", "job_id, name", "job_id bigint, name text")
DATASET_FACETS = _facets("lineage_datasetfacet", "dataset_id, name", "dataset_id bigint, name text")
USE_FACETS = _facets(
    "lineage_rundatasetfacet",
    "run_id, direction, dataset_id, name",
    "run_id uuid, direction smallint, dataset_id bigint, name text",
)

_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"


def _named_run(way: str) -> str:
    return f"CASE WHEN content.value #>> '{way}' ~ {_UUID} THEN (content.value #>> '{way}')::uuid END"


# The runs are locked already. A parent that is no UUID names no run that we could know.
RUN_FACTS = f"""
    UPDATE lineage_run AS run SET parent = made.parent, root = made.root, version = made.version
    FROM (
        SELECT run.id,
               CASE WHEN facet.run_id IS NULL THEN run.parent ELSE {_named_run("{run,runId}")} END AS parent,
               CASE WHEN facet.run_id IS NULL THEN run.root
                    ELSE nullif({_named_run("{root,run,runId}")}, run.id) END AS root,
               {_version("run.completed_at", "uses.told", "run.code")} AS version
        FROM (SELECT value::uuid AS run_id FROM json_array_elements_text(%s::json)) AS touched
        JOIN lineage_run AS run ON run.id = touched.run_id
        LEFT JOIN lineage_runfacet AS facet ON facet.run_id = run.id AND facet.name = 'parent'
        LEFT JOIN lineage_content AS content ON content.digest = facet.content_id
        LEFT JOIN LATERAL (
            SELECT string_agg(seen.direction || ':' || seen.dataset_id, ',' ORDER BY seen.direction, seen.dataset_id) AS told
            FROM lineage_rundataset AS seen
            WHERE seen.run_id = run.id AND seen.job_id = run.job_id AND run.completed_at IS NOT NULL
        ) AS uses ON true
    ) AS made
    WHERE run.id = made.id
      AND (run.parent, run.root, run.version) IS DISTINCT FROM (made.parent, made.root, made.version)
"""  # noqa: S608 -- constants only

DIRTY_WRITTEN = """
    INSERT INTO lineage_dirtydataset (dataset_id, facets, written_at)
    SELECT written.dataset_id, '{}', max(run.completed_at)
    FROM (SELECT value::uuid AS run_id FROM json_array_elements_text(%s::json)) AS touched
    JOIN lineage_run AS run ON run.id = touched.run_id AND run.completed_at IS NOT NULL
    JOIN lineage_rundataset AS written ON written.run_id = run.id AND written.direction = 2
    GROUP BY written.dataset_id
    ORDER BY written.dataset_id
"""

# The catalog is told of each that is new: what was there already was noted with it.
SCHEMAS = """
    WITH added AS (
        INSERT INTO lineage_schemaobservation (dataset_id, at, digest, content_id)
        SELECT dataset_id, at, digest, content_id
        FROM json_to_recordset(%s) AS new (dataset_id bigint, at timestamptz, digest uuid, content_id uuid)
        ORDER BY dataset_id, at, digest
        ON CONFLICT (dataset_id, at, digest) DO NOTHING
        RETURNING dataset_id, at, digest
    )
    INSERT INTO lineage_dirtydataset (dataset_id, facets, schema_at, schema_digest)
    SELECT dataset_id, '{}', at, digest FROM added
"""

# Rows that stand are locked before they are compared, so that of two folds at once the later one compares with the
# earlier one's value.
DIRTY_FACETS = """
    INSERT INTO lineage_dirtydataset (dataset_id, facets)
    SELECT new.dataset_id, array_agg(new.name ORDER BY new.name)
    FROM json_to_recordset(%s) AS new (dataset_id bigint, name text, at timestamptz, digest uuid, content_id uuid)
    LEFT JOIN (
        SELECT facet.dataset_id, facet.name, facet.at, facet.digest, facet.content_id
        FROM lineage_datasetfacet AS facet
        JOIN json_to_recordset(%s) AS wanted (dataset_id bigint, name text) USING (dataset_id, name)
        ORDER BY facet.dataset_id, facet.name FOR NO KEY UPDATE OF facet
    ) AS known USING (dataset_id, name)
    WHERE known.at IS NULL
       OR ((new.at, new.digest) > (known.at, known.digest) AND new.content_id IS DISTINCT FROM known.content_id)
    GROUP BY new.dataset_id
"""

DIRTY_RENAMED = """
    INSERT INTO lineage_dirtydataset (dataset_id, facets)
    SELECT first_id, '{symlinks}' FROM json_to_recordset(%s) AS new (first_id bigint, second_id bigint)
"""

_JOB_ROWS = (
    "json_to_recordset(%s) AS new (id bigint, first_seen timestamptz, last_seen timestamptz, deleted_at timestamptz)"
)

LOCK_JOBS = f"""
    SELECT job.id FROM {_JOB_ROWS} JOIN lineage_job AS job ON job.id = new.id ORDER BY job.id FOR NO KEY UPDATE OF job
"""  # noqa: S608 -- constants only

# What is read anew after the lock is that of all runs that are committed and of this transaction's.
JOBS = f"""
    UPDATE lineage_job AS job SET
        first_seen = least(job.first_seen, new.first_seen),
        last_seen = greatest(job.last_seen, new.last_seen),
        deleted_at = greatest(job.deleted_at, new.deleted_at),
        latest_run = latest.id,
        latest_state = coalesce(latest.state, ''),
        latest_at = latest.began_at,
        usual_seconds = usual.seconds
    FROM {_JOB_ROWS}
    LEFT JOIN LATERAL (
        SELECT run.id, run.state, run.began_at FROM lineage_run AS run
        WHERE run.job_id = new.id ORDER BY run.began_at DESC, run.id DESC LIMIT 1
    ) AS latest ON true
    LEFT JOIN LATERAL (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY done.seconds) AS seconds
        FROM (
            SELECT extract(epoch FROM run.ended_at - run.started_at) AS seconds FROM lineage_run AS run
            WHERE run.job_id = new.id AND run.completed_at IS NOT NULL AND run.ended_at >= run.started_at
            ORDER BY run.began_at DESC, run.id DESC LIMIT 20
        ) AS done
    ) AS usual ON true
    WHERE job.id = new.id
"""  # noqa: S608 -- constants only

NOTE_FAILURE = """
    WITH failed AS (
        UPDATE lineage_pendingevent
        SET attempts = attempts + 1, last_error = %(reason)s,
            not_before = now() + make_interval(secs => power(2, attempts + 1)::int)
        WHERE event_id = %(event_id)s AND attempts + 1 < %(attempts)s
        RETURNING event_id
    ), ended AS (
        DELETE FROM lineage_pendingevent
        WHERE event_id = %(event_id)s AND attempts + 1 >= %(attempts)s
        RETURNING event_id, received_at
    )
    INSERT INTO lineage_setasideevent (event_id, received_at, set_aside_at, reason)
    SELECT event_id, received_at, now(), %(reason)s FROM ended
    ON CONFLICT (event_id) DO UPDATE SET set_aside_at = excluded.set_aside_at, reason = excluded.reason
"""

# No attempt is counted. It waits as long again as it has waited: from a minute to an hour.
PUT_OFF = """
    UPDATE lineage_pendingevent
    SET last_error = %(reason)s,
        not_before = now() + least(greatest(now() - received_at, interval '1 minute'), interval '1 hour')
    WHERE event_id = %(event_id)s
"""

SEND_AGAIN = """
    WITH taken AS (
        DELETE FROM lineage_setasideevent WHERE event_id = ANY(%s::bigint[]) RETURNING event_id, received_at
    )
    INSERT INTO lineage_pendingevent (event_id, received_at) SELECT event_id, received_at FROM taken
"""

# Notes are taken by dataset. An observation that repeats the one before it changes no history: of a thousand runs, none
# makes the rest of this run. The one before may be packed. Of what comes in order the last row is later than all that is
# packed, so that nothing is unpacked.
CLAIM_DIRTY = """
    WITH taken AS MATERIALIZED (
        DELETE FROM lineage_dirtydataset WHERE id IN (
            SELECT id FROM lineage_dirtydataset ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
        )
        RETURNING dataset_id, written_at, schema_at, schema_digest, facets
    ), changed AS (
        SELECT DISTINCT own.dataset_id
        FROM taken
        JOIN lineage_schemaobservation AS own
          ON own.dataset_id = taken.dataset_id AND own.at = taken.schema_at AND own.digest = taken.schema_digest
        LEFT JOIN LATERAL (
            SELECT before.at, before.digest, before.content_id FROM lineage_schemaobservation AS before
            WHERE before.dataset_id = own.dataset_id AND (before.at, before.digest) < (own.at, own.digest)
            ORDER BY before.at DESC, before.digest DESC LIMIT 1
        ) AS before ON true
        LEFT JOIN LATERAL (
            SELECT packed.content_id
            FROM lineage_packedobservations AS packed
            CROSS JOIN LATERAL unnest(packed.times, packed.digests) AS seen (at, digest)
            WHERE packed.dataset_id = own.dataset_id AND packed.first_at <= own.at
              AND packed.last_at >= coalesce(before.at, '-infinity')
              AND (seen.at, seen.digest) < (own.at, own.digest)
              AND (before.at IS NULL OR (seen.at, seen.digest) > (before.at, before.digest))
            ORDER BY seen.at DESC, seen.digest DESC LIMIT 1
        ) AS nearer ON true
        WHERE coalesce(nearer.content_id, before.content_id) IS DISTINCT FROM own.content_id
    ), named AS (
        SELECT dataset_id, array_agg(DISTINCT name) AS facets FROM taken CROSS JOIN LATERAL unnest(facets) AS name GROUP BY 1
    ), noted AS (
        SELECT dataset_id, count(*) AS notes, max(written_at) AS written_at, bool_or(schema_at IS NOT NULL) AS described
        FROM taken GROUP BY 1
    )
    SELECT dataset_id, notes, written_at, described, changed.dataset_id IS NOT NULL, coalesce(named.facets, '{}')
    FROM noted LEFT JOIN changed USING (dataset_id) LEFT JOIN named USING (dataset_id)
"""

# Rows go into arrays by dataset and content, except each dataset's last one and what the catalog was not told of yet.
PACK_SCHEMAS = """
    WITH old AS (
        SELECT seen.dataset_id, seen.at, seen.digest, seen.content_id,
               count(*) OVER (PARTITION BY seen.dataset_id, seen.content_id) AS alike
        FROM lineage_schemaobservation AS seen
        WHERE seen.dataset_id = ANY(%(datasets)s)
          AND NOT EXISTS (SELECT FROM lineage_dirtydataset AS dirty WHERE dirty.dataset_id = seen.dataset_id)
          AND EXISTS (
              SELECT FROM lineage_schemaobservation AS later
              WHERE later.dataset_id = seen.dataset_id AND (later.at, later.digest) > (seen.at, seen.digest)
          )
    ), taken AS (
        DELETE FROM lineage_schemaobservation AS seen USING old
        WHERE old.alike >= %(least)s
          AND (seen.dataset_id, seen.at, seen.digest) = (old.dataset_id, old.at, old.digest)
        RETURNING seen.dataset_id, seen.content_id, seen.at, seen.digest
    ), placed AS (
        SELECT dataset_id, content_id, at, digest,
               (row_number() OVER (PARTITION BY dataset_id, content_id ORDER BY at, digest) - 1) / %(most)s AS part
        FROM taken
    ), packed AS (
        INSERT INTO lineage_packedobservations (dataset_id, content_id, first_at, last_at, times, digests)
        SELECT dataset_id, content_id, min(at), max(at), array_agg(at ORDER BY at, digest),
               array_agg(digest ORDER BY at, digest)
        FROM placed GROUP BY dataset_id, content_id, part
    )
    SELECT count(*) FROM taken
"""

STANDING = """
    SELECT dataset.id, coalesce(dataset.merged_into_id, dataset.id),
           dataset.merged_into_id IS NULL
           AND NOT EXISTS (SELECT FROM catalog_dataset AS other WHERE other.merged_into_id = dataset.id)
    FROM catalog_dataset AS dataset WHERE dataset.id = ANY(%s)
"""

# Of datasets that stand: what was told of them, and of those merged into them. One event may tell of two of a group: then
# their contents decide.
SCHEMA_HISTORIES = """
    SELECT told.dataset_id, told.at, content.value
    FROM (
        SELECT stands.id AS dataset_id, seen.at, seen.digest, seen.content_id,
               lag(seen.content_id) OVER (PARTITION BY stands.id ORDER BY seen.at, seen.digest, seen.content_id) AS before
        FROM catalog_dataset AS stands
        JOIN catalog_dataset AS member ON member.id = stands.id OR member.merged_into_id = stands.id
        CROSS JOIN LATERAL (
            SELECT own.at, own.digest, own.content_id FROM lineage_schemaobservation AS own
            WHERE own.dataset_id = member.id
            UNION
            SELECT pair.at, pair.digest, packed.content_id
            FROM lineage_packedobservations AS packed
            CROSS JOIN LATERAL unnest(packed.times, packed.digests) AS pair (at, digest)
            WHERE packed.dataset_id = member.id
        ) AS seen
        WHERE stands.id = ANY(%s)
    ) AS told
    JOIN lineage_content AS content ON content.digest = told.content_id
    WHERE told.before IS DISTINCT FROM told.content_id
    ORDER BY told.dataset_id, told.at, told.digest, told.content_id
"""
