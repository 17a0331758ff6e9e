from __future__ import annotations

import threading

from celery import shared_task

from lineage import rejections
from lineage.criticality import count_where_edges_changed
from lineage.draining import drain
from lineage.job_sql import AT_ONCE, read_jobs_sql
from lineage.merging import note_outranked, note_unsettled
from lineage.partitions import forget_old_events, make_partitions_ahead
from lineage.schema_packing import pack_schemas

_ROOM = threading.BoundedSemaphore(2)
"""Two folds use a process well: one computes while the other waits for PostgreSQL. More would only wait for each other,
and keep every thread from what people wait for."""


@shared_task(ignore_result=True)
def fold() -> int:
    """Fold what waits. Sent every second; a worker that has enough of them under way passes over it."""
    if not _ROOM.acquire(blocking=False):
        return 0
    try:
        return drain()
    finally:
        _ROOM.release()


@shared_task(ignore_result=True)
def make_partitions() -> int:
    """Make the event log's next months."""
    return make_partitions_ahead()


@shared_task(ignore_result=True)
def forget_old() -> None:
    """Let go of events, and of what was refused, past their time; pack what stays for ever, put right who stands for whom."""
    forget_old_events()
    rejections.forget_old()
    pack_schemas()
    note_outranked()
    note_unsettled()


@shared_task(ignore_result=True)
def measure_criticality() -> int | None:
    """Count what depends on each dataset, for search and the graph's slider, soon after edges changed."""
    return count_where_edges_changed()


@shared_task(ignore_result=True)
def read_sql() -> int:
    """Read the SQL of jobs that tell no columns, until nothing lacks."""
    total = 0
    while True:
        done = read_jobs_sql()
        total += done
        if done < AT_ONCE:
            return total
