from __future__ import annotations

import datetime as dt
import logging
import time

from celery import shared_task

from classification.counting import count_noted, settle
from classification.coverage import keep_day
from classification.propagation.following import carry_all, follow_changes
from classification.propagation.ground import TooFar
from classification.reclassifying import advance, classify_unexamined, fail, silent

logger = logging.getLogger(__name__)

_SECONDS = 20.0
"""A pass hands over to the next task after this long, so that other work gets its turn."""


@shared_task(ignore_result=True)
def reclassify(pass_id: int) -> None:
    """Go on with a pass over the stored columns, for a while."""
    began = time.monotonic()
    try:
        while advance(pass_id):
            if time.monotonic() - began > _SECONDS:
                reclassify.delay(pass_id)
                return
    except Exception:
        logger.exception("Pass %s over the columns failed.", pass_id)
        fail(pass_id, "It failed for a reason that is in the worker's log. Start it again.")
        raise


@shared_task(ignore_result=True)
def classify_names(dataset_ids: list[int], since: str) -> None:
    """Classify the columns of these datasets by name, type, comment and keys, unless they were examined since then."""
    classify_unexamined(dataset_ids, dt.datetime.fromisoformat(since))


@shared_task(ignore_result=True)
def resume_passes() -> None:
    """Send passes again whose message got lost."""
    for pass_id in silent():
        reclassify.delay(pass_id)


@shared_task(ignore_result=True)
def count_columns() -> None:
    """Bring the sums of the review and of coverage up to what changed since. Sent every two seconds."""
    began = time.monotonic()
    taken = 0
    while noted := count_noted():
        taken += noted
        if time.monotonic() - began >= _SECONDS:
            break
    if taken:
        settle()


@shared_task(ignore_result=True)
def keep_coverage() -> None:
    """Note how far the organisation came by today; the day's last note stays."""
    keep_day()


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
