"""Read the record as people tell it: who did what, when, with before and after."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Min, Q, QuerySet

from audit.events import Subject, event_named
from audit.models import PersonalDetail, Record, RecordSubject
from common.pagination import Page, page_of

if TYPE_CHECKING:
    from accounts.models import Principal

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_OWNED = re.compile(r"\{(\w+)\}'s")
_ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class Change:
    """One value of an event that has a before and an after; either may be None."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Activity:
    """A record as a sentence: "<actor> <sentence>." `change` says what the event meant to this one subject."""

    record_id: int
    event: str
    actor: Principal
    sentence: str
    occurred_at: dt.datetime
    changes: tuple[Change, ...]
    change: str = ""


def records_about(subject: Subject, hidden: Q | None = None) -> QuerySet[RecordSubject]:
    """The records about a subject but for the hidden ones, to be read in the order of `-record_id`."""
    rows = RecordSubject.objects.filter(kind=subject.kind, object_id=subject.id).select_related("record__actor__user")
    return rows.exclude(hidden) if hidden else rows


def activity_of(
    subject: Subject, *, hidden: Q | None = None, cursor: str | None = None, size: int = 30
) -> tuple[list[Activity], Page[RecordSubject]]:
    """What happened to a subject, newest first, a page at a time; two statements whatever the page's size.

    `hidden` is the condition on `RecordSubject` of what the reader may not know.
    """
    page = page_of(records_about(subject, hidden), order=("-record_id",), cursor=cursor, size=size)
    told = tell([row.record for row in page.rows], {row.record_id: row.change for row in page.rows})
    return told, page


def first_records_of(kind: str, ids: Iterable[int]) -> dict[int, int]:
    """The first record of each of these subjects that has one: how it came about. One statement."""
    rows = RecordSubject.objects.filter(kind=kind, object_id__in=list(ids)).order_by().values_list("object_id")
    return dict(rows.annotate(first=Min("record_id")))


def tell(records: Iterable[Record], changes: Mapping[int, str] | None = None) -> list[Activity]:
    """The records as sentences, in their order; personal data is read back where it was not erased."""
    listed = list(records)
    values = values_of(listed)
    return [_told(row, values[row.pk], (changes or {}).get(row.pk, "")) for row in listed]


def values_of(records: Iterable[Record]) -> dict[int, dict[str, Any]]:
    """The values of each record, by its id; personal data is read back where it was not erased. One statement."""
    found = {row.pk: row.values for row in records}
    personal = {row.record_id: row.values for row in PersonalDetail.objects.filter(record__in=list(found))}
    for pk, values in found.items():
        for name, value in values.items():
            if isinstance(value, dict) and set(value) == {"digest"}:
                values[name] = personal.get(pk, {}).get(name, _ERASED)
    return found


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A sentence with its {placeholders} filled in; lists are joined by commas."""
    return _PLACEHOLDER.sub(lambda match: _shown(values.get(match[1])), template)


def _told(row: Record, values: Mapping[str, Any], change: str) -> Activity:
    cls = event_named(row.event)
    template = cls.sentence if cls else f"did {row.event}"
    # Of what is the actor's, by its id: others may have the same name.
    template = _OWNED.sub(lambda m: "their own" if values.get(f"{m[1]}_id") == row.actor_id else m[0], template)
    sentence = filled(template, values)
    return Activity(row.pk, row.event, row.actor, sentence, row.occurred_at, _changes(values), change)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "nothing"
    return str(value)


def _changes(values: Mapping[str, Any]) -> tuple[Change, ...]:
    before, after = values.get("before"), values.get("after")
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        return ()
    before, after = before or {}, after or {}
    names = dict.fromkeys([*before, *after])
    return tuple(
        Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
