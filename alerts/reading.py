"""Notifications as their receiver reads them: a sentence, a link, and what it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from psycopg.types.numeric import Int8

from alerts.kinds import ABOUT, Kind
from alerts.models import Notification
from alerts.registry import about_named, rule_named
from audit.events import event_named
from audit.queries import filled, values_of
from catalog.composed import Hole, composed
from common import prepared
from common.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import Principal

COUNT_CAP = 100
_UNKNOWN_ICON = "bell"


@dataclass(frozen=True, slots=True)
class Line:
    """A notification with its sentence. `href` is the page of what it is about."""

    notification: Notification
    sentence: str
    href: str

    @property
    def icon(self) -> str:
        kind = self.notification.kind
        return ABOUT[Kind(kind)].icon if kind in Kind.values else _UNKNOWN_ICON

    @property
    def kind(self) -> str:
        kind = self.notification.kind
        return Kind(kind).label if kind in Kind.values else kind


def notification_of(principal: Principal, notification_id: int) -> Line:
    """One of them; raises `NotFound`."""
    row = Notification.objects.of(principal).select_related("record__actor").filter(pk=notification_id).first()
    lines = lines_of(principal, [row] if row else [])
    if not lines:
        raise NotFound("There is no such notification, or it is about something that you may no longer see.")
    return lines[0]


def count_unread(principal: Principal) -> int:
    """Unread notifications, counted up to 100: what the bell of every page shows, by one read of an index.

    Those about what the principal may no longer see count until they are put away, when they would be shown.
    """
    [(count,)] = prepared.rows(_unread(), {"principal": Int8(principal.pk)})
    return int(count)


@cache
def _unread() -> str:
    rows = Notification.objects.filter(receiver=Hole("principal")).unread().values("pk")[:COUNT_CAP]
    return f"SELECT count(*) FROM ({composed(rows)}) AS unread"  # noqa: S608 -- composed by Django


def shown_of(principal: Principal, rows: Sequence[Notification]) -> Sequence[Line]:
    """A page of notifications as lines. Those about what the principal may no longer see are put away, as if read."""
    lines = lines_of(principal, rows)
    hidden = {row.pk for row in rows} - {line.notification.pk for line in lines}
    if hidden:
        Notification.objects.of(principal).unread().filter(pk__in=hidden).update(
            read_at=timezone.now(), mail_due_at=None
        )
    return lines


def lines_of(principal: Principal, rows: Iterable[Notification]) -> Sequence[Line]:
    """The sentences of these notifications of one receiver, in their order. Those about what the receiver may no longer see
    are left out. Two statements at most for each kind of thing that they are about, and one for the records.
    """
    listed = list(rows)
    values = values_of(row.record for row in listed)
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in listed:
        wanted[row.about_kind].add(row.about_id)
    found: dict[tuple[str, int], Any] = {}
    for name, ids in wanted.items():
        about = about_named(name)
        if about is not None:
            found |= {(name, pk): one for pk, one in about.rows(principal, ids).items()}
    lines = []
    for row in listed:
        about, thing = about_named(row.about_kind), found.get((row.about_kind, row.about_id))
        if about is None or thing is None:
            continue
        told = values[row.record_id] | {"actor": str(row.record.actor), "about": str(thing), "others": row.others}
        lines.append(Line(row, _sentence(row, told), about.href(thing)))
    return lines


def _sentence(row: Notification, told: dict[str, Any]) -> str:
    rule = rule_named(row.rule)
    if rule is not None:
        return filled(rule.others if row.others and rule.others else rule.sentence, told)
    event = event_named(row.record.event)
    return f"{told['actor']} {filled(event.sentence, told)}." if event else f"{told['actor']} did {row.record.event}."
