"""What most depends on: the criticality of each dataset, counted for all of them together where the edges changed.

    criticality(d) = |{ x : x is a dataset other than d, or a job that only reads, and rows flow from d to x }|

over current edges, directly or through others. A job that only reads (a dashboard's refresh, an export, a model's training)
is a consumer whose use no dataset shows. Distinct things are counted, and exactly: it is the size of the downstream closure,
as the `descendants` of networkx are, of which it would take a set for each dataset.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from django.db import connection, connections, transaction

from catalog.actions import push_criticality
from lineage.reachability import reach_counts

_FLOWS = "SELECT DISTINCT upstream_id, downstream_id FROM lineage_datasetedge WHERE current"

# Jobs are told apart from datasets by their sign.
_CONSUMERS = """
    SELECT read.dataset_id, -read.job_id FROM lineage_jobdataset AS read
    JOIN lineage_job AS job ON job.id = read.job_id
    WHERE read.direction = 1 AND (job.deleted_at IS NULL OR job.deleted_at < job.last_seen)
      AND NOT EXISTS (SELECT FROM lineage_jobdataset AS written WHERE written.job_id = read.job_id AND written.direction = 2)
"""


_EDGES_SUMMED = f"""
    SELECT concat_ws(' ', count(*), sum(hash_record_extended(edge, 0)))
    FROM (SELECT upstream_id, downstream_id FROM lineage_datasetedge WHERE current UNION ALL {_CONSUMERS}) AS edge
"""  # noqa: S608 -- constants only

SHORTEST_WAIT: Final = 30.0
LONGEST_WAIT: Final = 1_800.0
"""Seconds from one look at the edges to the next, at least and at most."""
_SHARE: Final = 50
"""A look that took a second is followed by none for this many: looking takes one part in so many of a processor."""

# A look that never ends, because its worker died, is not waited for: the next begins when it would have.
_CLAIM = """
    INSERT INTO lineage_criticalitylook AS look (id, began_at, seconds, edges) VALUES (1, statement_timestamp(), 0, '')
    ON CONFLICT (id) DO UPDATE SET began_at = excluded.began_at
    WHERE look.began_at <= excluded.began_at
                           - make_interval(secs => least(greatest(%(shortest)s, %(share)s * look.seconds), %(longest)s))
    RETURNING edges
"""
_KEEP = "UPDATE lineage_criticalitylook SET edges = %(edges)s, seconds = %(seconds)s WHERE id = 1"


def count_where_edges_changed() -> int | None:
    """Count criticality where edges are not those of the last count; how many datasets changed, None where none was due.

    What was counted last, and when, is kept in the database: it is soon done after the first events, and not again because
    a process starts. The longer a look takes, the longer until the next.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"shortest": SHORTEST_WAIT, "longest": LONGEST_WAIT, "share": _SHARE})
        claimed = cursor.fetchone()
    if claimed is None:
        return None
    began, changed = time.monotonic(), None
    with connection.cursor() as cursor:
        # Before they are counted: what changes meanwhile is counted next time.
        cursor.execute(_EDGES_SUMMED)
        (edges,) = cursor.fetchone()
    if edges != claimed[0]:
        changed = count_criticality()
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"edges": edges, "seconds": time.monotonic() - began})
    return changed


def count_criticality() -> int:
    """Count the criticality of every dataset and write it where search and pages read it; gives how many changed.

    Edges are streamed; 100,000 datasets with 300,000 edges take seconds and less than 100 MB.
    """
    counts = reach_counts(_edges())
    return push_criticality({node: count for node, count in counts.items() if node > 0})


def _edges() -> Iterator[tuple[int, int]]:
    connection = connections["default"]
    connection.ensure_connection()
    with transaction.atomic(), connection.connection.cursor(name="criticality") as cursor:
        cursor.itersize = 10_000
        cursor.execute(f"{_FLOWS} UNION ALL {_CONSUMERS}")
        yield from cursor
