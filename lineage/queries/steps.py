"""Where the edges of a walk between datasets come from: what is current, what was at a time, or what some runs did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from catalog.models import Dataset
from catalog.querysets import DatasetQuerySet
from common.arrays import Among, array_of
from lineage import graph as cores
from lineage.graph import Step


@dataclass(frozen=True, slots=True)
class Slice:
    """Which edges count; by default those that are current. At most one of these is given.

    `as_of` asks for what was current then: a run counts from its last word about what it wrote. `run` is a run (or a
    declaration), `version` a version of the dataset as a version facet calls it (what runs wrote or read it), and
    `job_version` a version of a job that touches the dataset: only what these runs did.
    """

    as_of: dt.datetime | None = None
    run: UUID | None = None
    version: str = ""
    job_version: UUID | None = None


CURRENT = Slice()

# Arrays are subqueries for the reason that `common.arrays.Among` tells.
_CURRENT = """
    SELECT upstream_id, downstream_id, job_id FROM lineage_datasetedge
    WHERE downstream_id = ANY((SELECT %(up)s::bigint[])::bigint[]) AND current
    UNION ALL
    SELECT upstream_id, downstream_id, job_id FROM lineage_datasetedge
    WHERE upstream_id = ANY((SELECT %(down)s::bigint[])::bigint[]) AND current
"""

# What a run read to write something: the inputs told one by one, else everything that it read.
_READ = """
    SELECT told.input_id AS dataset_id FROM lineage_toldinput AS told
    WHERE told.run_id = written.run_id AND told.job_id = written.job_id AND told.dataset_id = written.dataset_id
      AND told.digest = written.told_digest
    UNION ALL
    SELECT read.dataset_id FROM lineage_rundataset AS read
    WHERE written.told_at IS NULL
      AND read.run_id = written.run_id AND read.job_id = written.job_id AND read.direction = 1
"""

_WRITING = "written.run_id, written.job_id, written.dataset_id, written.last_at, written.told_at, written.told_digest"

# As `lineage.edge_statements` derives what is current, from what had happened then. Every edge that ever was is in the
# table, so it says which jobs and outputs to look at.
_AS_OF = f"""
    WITH near AS MATERIALIZED (
        SELECT upstream_id, downstream_id, job_id, origin, current, last_seen FROM lineage_datasetedge
        WHERE downstream_id = ANY(%(up)s::bigint[]) AND first_seen <= %(at)s
        UNION
        SELECT upstream_id, downstream_id, job_id, origin, current, last_seen FROM lineage_datasetedge
        WHERE upstream_id = ANY(%(down)s::bigint[]) AND first_seen <= %(at)s
    ), touched AS MATERIALIZED (
        SELECT DISTINCT job_id, downstream_id FROM near WHERE origin = 'event'
    ), latest AS MATERIALIZED (
        SELECT touched.downstream_id, recent.*
        FROM touched JOIN lineage_job AS job ON job.id = touched.job_id
        CROSS JOIN LATERAL (
            SELECT close.* FROM (
                SELECT {_WRITING}, (run.ended_state IN ('failed', 'aborted') AND run.ended_at <= %(at)s) IS TRUE AS failed
                FROM (
                    SELECT touched.downstream_id AS id
                    UNION ALL
                    SELECT id FROM catalog_dataset WHERE merged_into_id = touched.downstream_id
                ) AS member
                CROSS JOIN LATERAL (
                    -- From the index, in this order: a job's thousandth run costs what its second did.
                    SELECT {_WRITING} FROM lineage_rundataset AS written
                    WHERE written.dataset_id = member.id AND written.direction = 2 AND written.job_id = touched.job_id
                      AND written.last_at <= %(at)s
                      AND (job.deleted_at IS NULL OR job.deleted_at > %(at)s OR written.last_at > job.deleted_at)
                      AND (written.told_at IS NOT NULL OR EXISTS (
                          SELECT FROM lineage_rundataset AS read
                          WHERE read.run_id = written.run_id AND read.job_id = written.job_id AND read.direction = 1
                      ))
                    ORDER BY written.last_at DESC, written.run_id DESC LIMIT 20
                ) AS written
                LEFT JOIN lineage_run AS run ON run.id = written.run_id
                ORDER BY written.last_at DESC, written.run_id DESC LIMIT 20
            ) AS close
            ORDER BY close.failed, close.last_at DESC, close.run_id DESC LIMIT 1
        ) AS recent
    ), pairs AS (
        SELECT DISTINCT coalesce(up.merged_into_id, up.id) AS upstream_id, written.downstream_id, written.job_id
        FROM latest AS written CROSS JOIN LATERAL ({_READ}) AS read
        JOIN catalog_dataset AS up ON up.id = read.dataset_id
    )
    SELECT upstream_id, downstream_id, job_id FROM pairs
    WHERE downstream_id = ANY(%(up)s::bigint[]) OR upstream_id = ANY(%(down)s::bigint[])
    UNION
    SELECT upstream_id, downstream_id, job_id FROM near
    WHERE origin <> 'event' AND (current OR last_seen >= %(at)s)
"""  # noqa: S608 -- constants only

_OF_RUNS = f"""
    SELECT DISTINCT coalesce(up.merged_into_id, up.id), coalesce(down.merged_into_id, down.id), written.job_id
    FROM lineage_rundataset AS written
    CROSS JOIN LATERAL ({_READ}) AS read
    JOIN catalog_dataset AS up ON up.id = read.dataset_id
    JOIN catalog_dataset AS down ON down.id = written.dataset_id
    WHERE written.direction = 2 AND written.run_id = ANY(%s::uuid[])
"""  # noqa: S608 -- constants only

MAX_RUNS = 1000
"""The latest runs that are looked at for a version of a dataset."""

_RUNS_OF_VERSION = """
    SELECT DISTINCT run_id FROM (
        SELECT run_id FROM lineage_rundataset
        WHERE dataset_id IN (
            SELECT id FROM catalog_dataset WHERE id = %(focus)s
            UNION ALL SELECT id FROM catalog_dataset WHERE merged_into_id = %(focus)s
        ) AND version = %(version)s
        ORDER BY last_at DESC, run_id LIMIT %(most)s
    ) AS recent
"""

# Runs of one version read and wrote the same, so one of them is enough.
_RUN_OF_JOB_VERSION = """
    SELECT run.id FROM lineage_run AS run
    WHERE run.version = %(version)s AND run.completed_at IS NOT NULL AND run.job_id IN (
        SELECT job_id FROM lineage_jobdataset WHERE dataset_id = %(focus)s
    )
    ORDER BY run.began_at DESC, run.id LIMIT 1
"""


def steps(focus: int, slice_: Slice) -> Step[tuple[int, int, int]]:
    """Edges (upstream, downstream, job) that count, one statement a step; what runs did is read once, here."""
    runs = _runs(focus, slice_)
    if runs is not None:
        return cores.among(_rows(_OF_RUNS, [runs]) if runs else [])
    statement, values = (_CURRENT, {}) if slice_.as_of is None else (_AS_OF, {"at": slice_.as_of})

    def step(up: Collection[int], down: Collection[int]) -> list[tuple[int, int, int]]:
        return _rows(statement, values | {"up": array_of(up), "down": array_of(down)})

    return step


def _runs(focus: int, slice_: Slice) -> list[UUID] | None:
    if slice_.run is not None:
        return [slice_.run]
    if slice_.version:
        values = {"focus": focus, "version": slice_.version, "most": MAX_RUNS}
        return [run for (run,) in _rows(_RUNS_OF_VERSION, values)]
    if slice_.job_version is not None:
        return [run for (run,) in _rows(_RUN_OF_JOB_VERSION, {"focus": focus, "version": slice_.job_version})]
    return None


def datasets_among(ids: Iterable[int]) -> DatasetQuerySet:
    """The datasets of these ids: one parameter for any number."""
    found: DatasetQuerySet = Dataset.objects.filter(Among("pk", ids))
    return found


def _rows(statement: str, values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
