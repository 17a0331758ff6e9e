"""Take events in: check, mask, and commit each with its place in the queue before answering. Nothing is folded here.

Accepting needs the database alone. One statement writes the event and its pending row, so both or neither are there. An
event whose digest is in the log already is not written again; its answer is the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.db import DatabaseError, connection, transaction
from psycopg.errors import CheckViolation

from accounts.models import ApiToken
from accounts.tokens import Scope
from common.errors import CatalogError, Forbidden, Invalid, NotSignedIn
from lineage import openlineage
from lineage.masking import looks_secret, masked
from lineage.openlineage import InvalidEvent, Malformed

MAX_BATCH = 10_000


class Accepted(msgspec.Struct, frozen=True):
    """An event that was checked and masked, as the log keeps it."""

    digest: UUID
    event_time: dt.datetime
    kind: str
    run_id: UUID | None
    body: str


class FailedEvent(msgspec.Struct, frozen=True):
    """An event of a batch that was not accepted. `retriable`: sending the same again may succeed."""

    index: int
    reason: str
    retriable: bool


class Summary(msgspec.Struct, frozen=True):
    received: int
    successful: int
    failed: int
    retriable: int
    non_retriable: int


class BatchAnswer(msgspec.Struct, frozen=True):
    """The answer to a batch, as OpenLineage's own OpenAPI describes it."""

    status: str
    summary: Summary
    failed_events: list[FailedEvent]


def check_token(token: ApiToken | None) -> ApiToken:
    """The token, if it may write lineage. Raises `NotSignedIn` (401) without one and `Forbidden` (403) without the scope."""
    if token is None:
        raise NotSignedIn("Send `Authorization: Bearer …` with a token that is neither expired nor revoked.")
    if Scope.LINEAGE_WRITE not in token.scopes:
        raise Forbidden(f"The token {token.name} lacks the scope {Scope.LINEAGE_WRITE}. Create one with it.")
    return token


def accept(body: bytes, *, token: ApiToken) -> None:
    """Accept one event; it is durable when this returns.

    Raises `Malformed` (400), `Invalid` (422) and `Forbidden` (403), each naming the field and the reason.
    """
    event = _checked(_decoded(body), token, mask=looks_secret(body))
    store([event], token=token)


def accept_batch(body: bytes, *, token: ApiToken) -> BatchAnswer:
    """Accept an array of events: the good ones are durable when this returns, the others are told of by their index."""
    values = _decoded(body)
    if not isinstance(values, list):
        raise Invalid("A batch is a JSON array of events.", {"": ["is no array"]})
    if len(values) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH} events. Send it in parts.", {"": [f"{len(values)} events"]})
    mask = looks_secret(body)
    good: list[Accepted] = []
    failed: list[FailedEvent] = []
    for index, value in enumerate(values):
        try:
            good.append(_checked(value, token, mask=mask))
        except CatalogError as error:
            failed.append(FailedEvent(index, error.message, retriable=False))
    store(good, token=token)
    status = "success" if not failed else "partial_success" if good else "failure"
    summary = Summary(len(values), len(good), len(failed), 0, len(failed))
    return BatchAnswer(status, summary, failed)


class BadJson(CatalogError):
    code = "malformed"
    title = "The body is not JSON"


def _decoded(body: bytes) -> object:
    try:
        return openlineage.decode(body)
    except Malformed as error:
        raise BadJson(str(error)) from None


def _checked(value: object, token: ApiToken, *, mask: bool) -> Accepted:
    try:
        clean = masked(value) if mask else value
        event = openlineage.read(clean)
    except InvalidEvent as error:
        raise Invalid(f"This is no OpenLineage event: {error}.", {error.field: [error.reason]}) from None
    except RecursionError:
        raise BadJson("The JSON is nested too deeply.") from None
    if token.namespaces:
        _check_namespaces(openlineage.mentioned_namespaces(event), token)
    kept = openlineage.canonical(clean)
    return Accepted(
        digest=openlineage.digest_of(kept),
        event_time=event.event_time,
        kind=str(event.__struct_config__.tag),
        run_id=event.run.run_id if isinstance(event, openlineage.RunEvent) else None,
        body=kept.decode(),
    )


def _check_namespaces(mentioned: dict[str, str], token: ApiToken) -> None:
    foreign = {namespace: field for namespace, field in mentioned.items() if namespace not in token.namespaces}
    if foreign:
        told = ", ".join(f"{namespace} ({field})" for namespace, field in sorted(foreign.items())[:10])
        raise Forbidden(f"The token {token.name} may not speak of these namespaces: {told}. Add them to its list.")


_STORE = """
    WITH offered (digest, event_time, kind, run_id, body) AS (VALUES {rows}),
    written AS (
        INSERT INTO lineage_event (digest, event_time, kind, run_id, principal_id, body)
        SELECT digest, event_time, kind, run_id, %s, body FROM offered
        WHERE NOT EXISTS (SELECT 1 FROM lineage_event AS known WHERE known.digest = offered.digest)
        RETURNING id, received_at
    )
    INSERT INTO lineage_pendingevent (event_id, received_at) SELECT id, received_at FROM written
"""
_ROW = "(%s::uuid, %s::timestamptz, %s, %s::uuid, %s)"
_ROWS_AT_ONCE = 1000


def store(events: Sequence[Accepted], *, token: ApiToken) -> None:
    """Write events and their places in the queue; a batch is one transaction."""
    distinct = list({event.digest: event for event in events}.values())
    if not distinct:
        return
    try:
        _store(distinct, token)
    except DatabaseError as error:
        if not isinstance(error.__cause__, CheckViolation):
            raise
        # No partition of this month: the periodic task that makes them ahead has not run for long.
        with connection.cursor() as cursor:
            cursor.execute("SELECT lineage_make_event_partition((now() AT TIME ZONE 'UTC')::date)")
        _store(distinct, token)


def _store(events: Sequence[Accepted], token: ApiToken) -> None:
    if len(events) <= _ROWS_AT_ONCE:
        # One statement is a transaction by itself: no BEGIN and COMMIT to wait for.
        _insert(events, token)
        return
    with transaction.atomic():
        for start in range(0, len(events), _ROWS_AT_ONCE):
            _insert(events[start : start + _ROWS_AT_ONCE], token)


def _insert(events: Sequence[Accepted], token: ApiToken) -> None:
    values: list[Any] = []
    for event in events:
        values += [event.digest, event.event_time, event.kind, event.run_id, event.body]
    statement = _STORE.format(rows=", ".join([_ROW] * len(events)))
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, token.principal_id])
