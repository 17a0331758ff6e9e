"""Work the queue off: fold batches until it is empty, set aside what cannot be folded, tell the catalog what changed.

Any number of workers may drain at once. One that dies leaves its batch waiting, whole, for the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from django.db import OperationalError, connection
from psycopg import errors

from lineage import statements
from lineage.folding import BATCH_SIZE, FoldFailed, fold_batch
from lineage.models import PendingEvent
from lineage.reduction import tell_catalog

logger = logging.getLogger(__name__)

PASSING = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_PASSING_IN_A_ROW = 5
_TELL_AFTER = 2.0
"""Seconds of folding between two times that the catalog is told: events wait as long as that takes."""


def drain(seconds: float = 20.0, batch_size: int = BATCH_SIZE) -> int:
    """Fold what waits and tell the catalog, until nothing waits or about so many seconds are over; returns how many events
    were folded.

    The catalog is told every few seconds, and what came while it was told is folded at once. Raises what the database raises
    when it is gone; the events then still wait.
    """
    until = time.monotonic() + seconds
    folded = 0
    while True:
        done = _fold_until(min(until, time.monotonic() + _TELL_AFTER), batch_size)
        _tell()
        folded += done
        if not done or time.monotonic() >= until:
            return folded


def _fold_until(until: float, batch_size: int) -> int:
    folded = passing = 0
    while time.monotonic() < until:
        try:
            done = len(fold_batch(batch_size))
            passing = 0
        except FoldFailed as failure:
            cause = failure.__cause__
            if isinstance(cause, OperationalError) and not _took_too_long(cause):
                passing += 1
                if passing > _PASSING_IN_A_ROW or not _is_passing(cause):
                    raise cause from None
                continue
            done = _isolate(failure.event_ids, failure)
        if not done:
            break
        folded += done
    return folded


def _tell() -> None:
    try:
        tell_catalog()
    except OperationalError as error:
        # A crawl holds these datasets: the notes stay, and are worked off a second later.
        if not _is_passing(error):
            raise


def _is_passing(error: BaseException | None) -> bool:
    """Others were in the way: nothing is wrong with what was folded."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, PASSING)


def _took_too_long(error: BaseException | None) -> bool:
    """A statement was ended by its time limit: the server is busy, or one event is large. A smaller batch may be in time."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, errors.QueryCanceled)


def _isolate(event_ids: Sequence[int], failure: FoldFailed) -> int:
    """Fold the halves of a batch that failed, down to the event that is at fault; returns how many were folded.

    Those that others are in the way of are left waiting.
    """
    if _is_passing(failure.__cause__):
        return 0
    if len(event_ids) == 1:
        _note_failure(event_ids[0], failure)
        return 0
    folded = 0
    middle = len(event_ids) // 2
    for half in (event_ids[:middle], event_ids[middle:]):
        try:
            folded += len(fold_batch(len(half), only=half))
        except FoldFailed as again:
            folded += _isolate(again.event_ids, again)
    return folded


def _note_failure(event_id: int, failure: FoldFailed) -> None:
    """Try again after 2, 4, 8 … seconds; after the last attempt the event is set aside with the reason.

    What took too long is no fault of the event: it is put off, for longer each time, and never set aside.
    """
    cause = failure.__cause__
    reason = f"{type(cause).__name__}: {cause}"[:2000].replace("\x00", "\ufffd")
    logger.warning("Event %s cannot be folded: %s", event_id, reason)
    statement = statements.PUT_OFF if _took_too_long(cause) else statements.NOTE_FAILURE
    with connection.cursor() as cursor:
        cursor.execute(statement, {"event_id": event_id, "reason": reason, "attempts": PendingEvent.MAX_ATTEMPTS})


def send_again(event_ids: Iterable[int]) -> int:
    """Queue events that were set aside once more, with all their attempts; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(statements.SEND_AGAIN, [list(event_ids)])
        return cursor.rowcount
