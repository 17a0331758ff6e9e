from __future__ import annotations

from celery import shared_task

from lineage.criticality import count_criticality
from lineage.draining import drain
from lineage.partitions import make_partitions_ahead


@shared_task(ignore_result=True)
def fold() -> int:
    """Fold what waits. Sent every second; a worker that is at it already lets the next ones expire."""
    return drain()


@shared_task(ignore_result=True)
def make_partitions() -> int:
    """Make the event log's next months."""
    return make_partitions_ahead()


@shared_task(ignore_result=True)
def measure_criticality() -> int:
    """Count anew what depends on each dataset, for search and the graph's slider."""
    return count_criticality()
