"""Write what happened, in the transaction that makes it happen."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import rfc8785
from django.db import connection
from django.utils import timezone

from audit.events import Event, Subject
from audit.handlers import handlers_of
from audit.models import Delivery, PersonalDetail, Record
from common.waking import wake_after_commit

if TYPE_CHECKING:
    from accounts.models import Principal

_EXACT_INTEGERS = 2**53


def record(
    event: Event,
    *,
    by: Principal,
    changes: Mapping[str, Mapping[str, Iterable[int]]] | None = None,
) -> Record:
    """Record `event` as done by `by`. Must run inside the transaction of the action.

    `changes` adds a large set of subjects: {"dataset": {"added": ids, "gone": ids}}; its size and digest join the payload.
    """
    (row,) = record_many([event], by=by, changes=changes)
    return row


def record_many(
    events: Sequence[Event],
    *,
    by: Principal,
    changes: Mapping[str, Mapping[str, Iterable[int]]] | None = None,
) -> list[Record]:
    """Record several events with a fixed number of statements; `changes` goes to the first of them."""
    if not connection.in_atomic_block:
        raise RuntimeError("record() belongs in the transaction of the action that it tells of.")
    if not events:
        return []
    now = timezone.now()
    sets = {
        kind: {change: sorted(ids) for change, ids in by_change.items()} for kind, by_change in (changes or {}).items()
    }
    rows: list[Record] = []
    personal: list[tuple[Record, bytes, dict[str, Any]]] = []
    for index, event in enumerate(events):
        values = _values(event)
        salt = secrets.token_bytes(16)
        apart = {name: values[name] for name in sorted(event.personal) if values.get(name) not in (None, "")}
        for name, value in apart.items():
            values[name] = {"digest": _digest(salt, value)}
        payload: dict[str, Any] = {
            "event": event.name,
            "actor": by.pk,
            "actor_kind": by.kind,
            "occurred_at": now.isoformat(),
            "subjects": [list(subject) for subject in event.subjects()],
            "values": values,
        }
        if index == 0 and sets:
            payload["changes"] = {
                kind: {change: {"count": len(ids), "digest": _set_digest(ids)} for change, ids in by_change.items()}
                for kind, by_change in sets.items()
            }
        row = Record(event=event.name, actor=by, occurred_at=now, payload=rfc8785.dumps(payload).decode())
        rows.append(row)
        if apart:
            personal.append((row, salt, apart))
    Record.objects.bulk_create(rows)
    PersonalDetail.objects.bulk_create(
        PersonalDetail(record=row, salt=salt, values=apart) for row, salt, apart in personal
    )
    _write_subjects(rows, events, sets)
    deliveries = [Delivery(record=row, handler=handler) for row in rows for handler in handlers_of(row.event)]
    if deliveries:
        Delivery.objects.bulk_create(deliveries)
        wake_after_commit("audit.tasks.deliver")
    return rows


def _values(event: Event) -> dict[str, Any]:
    fields = dataclasses.fields(event)  # type: ignore[arg-type]  # every event is a dataclass
    values: dict[str, Any] = msgspec.to_builtins({field.name: getattr(event, field.name) for field in fields})
    return {name: _exact(value) for name, value in values.items()}


def _exact(value: Any) -> Any:
    """RFC 8785 has only IEEE doubles: integers past 2^53 are written as strings."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) >= _EXACT_INTEGERS:
        return str(value)
    if isinstance(value, dict):
        return {str(key): _exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return value


def _digest(salt: bytes, value: Any) -> str:
    return hmac.new(salt, rfc8785.dumps(value), hashlib.sha256).hexdigest()


def _set_digest(ids: Sequence[int]) -> str:
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()


def _write_subjects(
    rows: Sequence[Record], events: Sequence[Event], sets: Mapping[str, Mapping[str, Sequence[int]]]
) -> None:
    columns: dict[str, list[Any]] = defaultdict(list)
    for row, event in zip(rows, events, strict=True):
        for subject in dict.fromkeys(event.subjects()):
            columns["kind"].append(subject.kind)
            columns["object_id"].append(subject.id)
            columns["record_id"].append(row.pk)
            columns["change"].append("")
    for kind, by_change in sets.items():
        for change, ids in by_change.items():
            columns["kind"].extend([kind] * len(ids))
            columns["object_id"].extend(ids)
            columns["record_id"].extend([rows[0].pk] * len(ids))
            columns["change"].extend([change] * len(ids))
    if not columns:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO audit_recordsubject (kind, object_id, record_id, change)
            SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::text[])
            ON CONFLICT DO NOTHING
            """,
            [columns["kind"], columns["object_id"], columns["record_id"], columns["change"]],
        )


__all__ = ["Subject", "record", "record_many"]
