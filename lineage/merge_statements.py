"""The SQL of merges."""

from __future__ import annotations

LOCK = 7_263_401
"""The advisory lock that the reduction holds for its transaction; any number that nothing else uses."""

# Everything that a link or a merge joins with these, near or far.
AROUND = """
    WITH RECURSIVE around (id) AS (
        SELECT unnest(%(ids)s::bigint[])
        UNION
        SELECT next.id FROM around CROSS JOIN LATERAL (
            SELECT second_id AS id FROM lineage_sameas WHERE first_id = around.id
            UNION ALL SELECT first_id FROM lineage_sameas WHERE second_id = around.id
            UNION ALL SELECT merged_into_id FROM catalog_dataset WHERE id = around.id AND merged_into_id IS NOT NULL
            UNION ALL SELECT id FROM catalog_dataset WHERE merged_into_id = around.id
        ) AS next
    )
    SELECT id FROM around ORDER BY id
"""

MEMBERS = """
    SELECT id, merged_into_id, source_id IS NOT NULL AND gone_since IS NULL, source_id IS NOT NULL, domain_id IS NOT NULL,
           namespace, qualified_name
    FROM catalog_dataset WHERE id = ANY(%s) ORDER BY id
"""

# What the database tells of a dataset's rank in its group, the first being the least: `lineage.merging` says why.
_RANK = """
    (NOT ({0}.source_id IS NOT NULL AND {0}.gone_since IS NULL), {0}.source_id IS NULL, {0}.domain_id IS NULL,
     {0}.namespace COLLATE "C", {0}.qualified_name COLLATE "C")
"""

# Whoever adds an observation of one of these holds a lighter lock on it; what they write is seen afterwards.
LOCKED_MEMBERS = f"{MEMBERS} FOR UPDATE"

LINKS = """
    SELECT first_id, second_id, told OR renamed, decision, decided_by_id IS NOT NULL FROM lineage_sameas
    WHERE first_id = ANY(%(ids)s) OR second_id = ANY(%(ids)s)
    ORDER BY first_id, second_id
"""

ACCEPT = """
    UPDATE lineage_sameas AS link SET decision = 'accepted', decided_at = now()
    FROM json_to_recordset(%s) AS new (first_id bigint, second_id bigint)
    WHERE link.first_id = new.first_id AND link.second_id = new.second_id AND link.decision = 'open'
"""

NEIGHBOURS = """
    SELECT first_id, second_id FROM lineage_sameas WHERE first_id = ANY(%(ids)s) OR second_id = ANY(%(ids)s)
"""

SYMLINKS = """
    SELECT facet.dataset_id, content.value
    FROM lineage_datasetfacet AS facet JOIN lineage_content AS content ON content.digest = facet.content_id
    WHERE facet.dataset_id = ANY(%s) AND facet.name = 'symlinks'
"""

NOTE_TOLD = """
    INSERT INTO lineage_sameas AS known (first_id, second_id, told)
    SELECT first_id, second_id, true FROM json_to_recordset(%s) AS new (first_id bigint, second_id bigint)
    ORDER BY first_id, second_id
    ON CONFLICT (first_id, second_id) DO UPDATE SET told = true WHERE NOT known.told
"""

NOTE_UNTOLD = """
    UPDATE lineage_sameas AS link SET told = false
    WHERE link.told AND (link.first_id = ANY(%(ids)s) OR link.second_id = ANY(%(ids)s))
      AND NOT EXISTS (
          SELECT FROM json_to_recordset(%(rows)s) AS new (first_id bigint, second_id bigint)
          WHERE new.first_id = link.first_id AND new.second_id = link.second_id
      )
"""

# When the members of each group were last written: of the runs that completed.
WRITTEN_AGAIN = """
    UPDATE catalog_dataset AS dataset SET data_updated_at = written.at
    FROM (
        SELECT stands.id, (
            SELECT max(run.completed_at)
            FROM catalog_dataset AS member
            JOIN lineage_rundataset AS seen ON seen.dataset_id = member.id AND seen.direction = 2
            JOIN lineage_run AS run ON run.id = seen.run_id
            WHERE member.id = stands.id OR member.merged_into_id = stands.id
        ) AS at
        FROM catalog_dataset AS stands WHERE stands.id = ANY(%(ids)s)
    ) AS written
    WHERE dataset.id = written.id AND dataset.data_updated_at IS DISTINCT FROM written.at
"""

NOTE_AGAIN = """
    INSERT INTO lineage_dirtydataset (dataset_id, facets) SELECT unnest(%s::bigint[]), '{again}'
"""

NOTE_CRAWLED = """
    INSERT INTO lineage_dirtydataset (dataset_id, facets)
    SELECT subject.object_id, '{symlinks}' FROM audit_recordsubject AS subject
    WHERE subject.record_id = %s AND subject.kind = 'dataset' AND subject.change IN ('adopted', 'returned', 'gone')
      AND (
          EXISTS (SELECT FROM lineage_sameas AS link WHERE link.first_id = subject.object_id)
          OR EXISTS (SELECT FROM lineage_sameas AS link WHERE link.second_id = subject.object_id)
      )
"""

# A crawl notes what it changes; that a dataset came into a domain, or that another version ranked otherwise, nobody notes.
NOTE_OUTRANKED = f"""
    INSERT INTO lineage_dirtydataset (dataset_id, facets)
    SELECT merged.id, '{{symlinks}}' FROM catalog_dataset AS merged
    JOIN catalog_dataset AS stands ON stands.id = merged.merged_into_id
    WHERE {_RANK.format("merged")} < {_RANK.format("stands")}
    ORDER BY merged.id
"""  # noqa: S608 -- constants only

_HOLDS = "(link.told OR link.renamed OR link.decided_by_id IS NOT NULL) AND link.decision = 'accepted'"

# Links that nothing took up: what they join stands apart, and nobody was asked; and what was merged by links that hold no more.
NOTE_UNSETTLED = f"""
    INSERT INTO lineage_dirtydataset (dataset_id, facets)
    SELECT id, '{{symlinks}}' FROM (
        SELECT link.first_id FROM lineage_sameas AS link
        JOIN catalog_dataset AS first ON first.id = link.first_id
        JOIN catalog_dataset AS second ON second.id = link.second_id
        WHERE coalesce(first.merged_into_id, first.id) <> coalesce(second.merged_into_id, second.id)
          AND (
              {_HOLDS}
              OR link.decision = 'open' AND (link.told OR link.renamed) AND NOT EXISTS (
                  SELECT FROM catalog_proposal AS asked
                  WHERE asked.kind = 'same_as' AND (
                      asked.dataset_id = link.first_id AND asked.payload @> jsonb_build_object('dataset', link.second_id)
                      OR asked.dataset_id = link.second_id AND asked.payload @> jsonb_build_object('dataset', link.first_id)
                  )
              )
          )
        UNION
        SELECT merged.id FROM catalog_dataset AS merged
        WHERE merged.merged_into_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM lineage_sameas AS link WHERE link.first_id = merged.id AND {_HOLDS})
          AND NOT EXISTS (SELECT FROM lineage_sameas AS link WHERE link.second_id = merged.id AND {_HOLDS})
    ) AS unsettled (id)
    ORDER BY id
"""  # noqa: S608 -- constants only
