"""How people want to hear of what, and when that is mailed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone

from accounts.models import Principal
from alerts.kinds import Choice, Kind, default_of
from alerts.models import Preference


def choices_of(people: Iterable[int], kinds: Iterable[Kind]) -> dict[tuple[int, Kind], Choice]:
    """How each of these people wants to hear of each of these kinds: what they chose, else the default; one statement."""
    ids, wanted = list(people), list(kinds)
    found = {(pk, kind): default_of(kind) for pk in ids for kind in wanted}
    rows = Preference.objects.filter(principal__in=ids, kind__in=wanted)
    return found | {(row.principal_id, Kind(row.kind)): Choice(row.choice) for row in rows}


def mail_due(choice: Choice, person: Principal, now: dt.datetime) -> dt.datetime | None:
    """When a notification is to be mailed: never without a mail server or an address, at once, or with the next digest."""
    if not settings.EMAIL_URL or not person.user or not person.user.email:
        return None
    if choice == Choice.MAIL:
        return now
    return next_digest(now) if choice == Choice.DIGEST else None


def next_digest(now: dt.datetime) -> dt.datetime:
    """The next time that digests go out: at `DIGEST_HOUR` o'clock in the installation's time zone."""
    local = timezone.localtime(now)
    today = local.replace(hour=settings.DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return today if today > local else today + dt.timedelta(days=1)
