"""Conditions that begin and end: each is told once when it begins and once when it is over, however often it is looked at.

A condition is looked at as a whole: what holds now is compared with the alarms that are open, in one transaction under a
lock of the condition's own. So a look that was missed, or two at the same time, neither lose nor double anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Principal
from alerts.models import Alarm
from audit.events import Event
from audit.models import Record
from audit.recording import record_many

AT_ONCE = 1000
"""Alarms that one look raises at most; the next one raises the rest."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`holding(known)` gives the subjects of which it holds now; `raised` and `cleared` make the events of subjects.

    `known` are those with an open alarm, read under the condition's lock: whoever cannot tell of one gives it back, and its
    alarm stays open. Events that nobody should hear of may be left out, such as those of subjects that are gone: their
    alarms end without a word. Without `cleared` no end is told.
    """

    name: str
    holding: Callable[[Collection[str]], Collection[str]]
    raised: Callable[[Collection[str]], Mapping[str, Event]]
    cleared: Callable[[Collection[str]], Mapping[str, Event]] | None = None


def look(condition: Condition, *, by: Principal) -> list[Record]:
    """Raise what holds newly and clear what holds no more; the records of both. A fixed number of statements."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"alerts.alarms:{condition.name}"])
            if not cursor.fetchone()[0]:
                return []
        now = timezone.now()
        open_now = set(
            Alarm.objects.filter(condition=condition.name, cleared_at=None).values_list("subject", flat=True)
        )
        holding = set(condition.holding(frozenset(open_now)))
        new, over = sorted(holding - open_now)[:AT_ONCE], sorted(open_now - holding)[:AT_ONCE]
        if not new and not over:
            return []
        Alarm.objects.bulk_create(Alarm(condition=condition.name, subject=subject, raised_at=now) for subject in new)
        Alarm.objects.filter(condition=condition.name, cleared_at=None, subject__in=over).update(cleared_at=now)
        events = list(condition.raised(new).values()) if new else []
        if over and condition.cleared is not None:
            events += condition.cleared(over).values()
        return record_many(events, by=by)
