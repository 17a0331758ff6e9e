from __future__ import annotations

from celery import shared_task

from classification.propagation.following import carry_all, follow_changes
from classification.propagation.ground import TooFar


@shared_task(ignore_result=True)
def follow_lineage() -> None:
    """Let labels follow what changed since. Sent every two seconds; where too much changed, all are carried anew elsewhere."""
    try:
        follow_changes()
    except TooFar:
        carry_labels.delay(where_noted=True)


@shared_task(ignore_result=True)
def carry_labels(where_noted: bool = False) -> None:
    """Carry all labels anew, every night and where too much changed."""
    carry_all(where_noted=where_noted)
