"""Write to the event log: each event with its place in the queue, by one statement that also finds who sends it.

That statement is a transaction by itself and prepared once for each connection, and it may be sent twice: an event whose
digest is in the log already is not written again. So it needs no BEGIN, no COMMIT and no check of the connection ahead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

import msgspec
from django.db import DatabaseError, transaction
from psycopg.errors import CheckViolation

from accounts.bearers import USABLE, Bearer, touch
from accounts.tokens import Scope
from common.prepared import rows
from lineage.packing import packed

_AT_ONCE = 1000
"""Events in one statement."""


class Entry(msgspec.Struct, frozen=True):
    """An event that was checked and masked, as the log keeps it."""

    digest: UUID
    event_time: dt.datetime
    kind: str
    event_type: str | None
    run_id: UUID | None
    body: bytes


_APPEND = f"""
    WITH bearer AS MATERIALIZED ({USABLE}),
    offered AS (
        SELECT * FROM unnest(
            %(digests)b::uuid[], %(times)b::timestamptz[], %(kinds)b::text[], %(types)b::text[], %(runs)b::uuid[],
            %(bodies)b::bytea[]
        ) AS offered (digest, event_time, kind, event_type, run_id, body)
    ),
    written AS (
        INSERT INTO lineage_event (digest, event_time, kind, event_type, run_id, principal_id, body)
        SELECT digest, event_time, kind, event_type, run_id, bearer.principal_id, body
        FROM offered CROSS JOIN bearer
        WHERE %(scope)s = ANY (bearer.scopes)
          AND (bearer.namespaces = '{{}}' OR %(mentioned)s::text[] <@ bearer.namespaces::text[])
          AND NOT EXISTS (SELECT 1 FROM lineage_event AS known WHERE known.digest = offered.digest)
        RETURNING id, received_at
    ),
    queued AS (
        INSERT INTO lineage_pendingevent (event_id, received_at) SELECT id, received_at FROM written
    )
    SELECT id, name, principal_id, scopes, namespaces, is_idle FROM bearer
"""  # noqa: S608  # the text inserted is a constant


def append(entries: Sequence[Entry], *, token: bytes, mentioned: Sequence[str] = ()) -> Bearer | None:
    """Write the events where the token of this SHA-256 may write lineage and speak of all that is `mentioned`.

    Answers who sent them, None where the token is not usable; the caller compares the scopes and namespaces of whom it gets
    to tell what was refused. All are written or none, and they are durable when this returns. Raises what Django raises
    where the database does not answer.
    """
    distinct = list({entry.digest: entry for entry in entries}.values())
    try:
        bearer = _append(distinct, token, mentioned)
    except DatabaseError as error:
        if not isinstance(error.__cause__, CheckViolation):
            raise
        # No partition of this month: the periodic task that makes them ahead has not run for long.
        rows("SELECT lineage_make_event_partition((now() AT TIME ZONE 'UTC')::date)", {})
        bearer = _append(distinct, token, mentioned)
    if bearer is not None and bearer.is_idle:
        touch(bearer.id)
    return bearer


def _append(entries: Sequence[Entry], token: bytes, mentioned: Sequence[str]) -> Bearer | None:
    if len(entries) <= _AT_ONCE:
        return _append_at_once(entries, token, mentioned)
    with transaction.atomic():
        for start in range(0, len(entries), _AT_ONCE):
            bearer = _append_at_once(entries[start : start + _AT_ONCE], token, mentioned)
    return bearer


def _append_at_once(entries: Sequence[Entry], token: bytes, mentioned: Sequence[str]) -> Bearer | None:
    values = {
        "token": token,
        "scope": str(Scope.LINEAGE_WRITE),
        "mentioned": list(mentioned),
        "digests": [entry.digest for entry in entries],
        "times": [entry.event_time for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "types": [entry.event_type for entry in entries],
        "runs": [entry.run_id for entry in entries],
        "bodies": [packed(entry.body) for entry in entries],
    }
    found = rows(_APPEND, values)
    return Bearer(*found[0]) if found else None
